import { NotFoundException } from '@nestjs/common';
import { HttpAdapterHost, Reflector } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import type { MillraceConfig } from '../../config/millrace-config.js';
import type { ErrorTranslator } from '../errors/to-millrace-error.js';
import { ContentTypeGuard } from './consumes.js';
import { edgeGuard } from './edge-guard.js';
import { ErrorFilter } from './error.filter.js';
import { jsonBody } from './json-body.js';
import { requestLog } from './request-log.js';
import { RouteTable } from './route-table.js';
import { validationPipe } from './validation.js';

/** First part of every path; controllers leave it out. */
export const apiPrefix = 'api';

export interface HttpOptions {
  readonly config: MillraceConfig;
  readonly logger: Logger;
  /** Recognizes who sends the request and sets `request.actor`; it refuses nobody, the guards do. */
  readonly authenticate: (request: Request, response: Response, next: NextFunction) => void;
  /** Recognize errors of libraries that `common` does not know. */
  readonly translators: readonly ErrorTranslator[];
}

/** No `upgrade-insecure-requests`: without TLS in front it would break the pages of `/api/docs`. */
const contentSecurityPolicy = {
  directives: { 'upgrade-insecure-requests': null },
};

/**
 * Everything between the socket and the controllers, in this order: request id and log line, security headers,
 * `Host` and `Origin`, CORS, who it is, body. Create the application with `bodyParser: false`.
 */
export function configureHttp(app: NestExpressApplication, options: HttpOptions): void {
  const { config } = options;
  const routes = new RouteTable(app.get(HttpAdapterHost));
  app.setGlobalPrefix(apiPrefix);
  app.disable('x-powered-by');
  // Pipelines have a tag of their own, their version; hashing every other answer buys nothing.
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.use(requestLog(options.logger));
  app.use(helmet({ contentSecurityPolicy, strictTransportSecurity: false }));
  app.use(edgeGuard(config));
  if (config.clientOrigins.length > 0) {
    app.enableCors({
      origin: [...config.clientOrigins],
      exposedHeaders: ['X-Request-Id', 'Link', 'Retry-After', 'Location', 'ETag'],
      maxAge: 600,
    });
  }
  app.use(outsidePrefix(routes));
  app.use(options.authenticate);
  app.use(jsonBody(config.maxUploadSize));

  app.useGlobalFilters(new ErrorFilter(routes, options.translators));
  app.useGlobalPipes(validationPipe());
  app.useGlobalGuards(new ContentTypeGuard(app.get(Reflector)));
}

/** The framework answers unknown paths under its prefix only; the rest would get Express's own page. */
function outsidePrefix(
  routes: RouteTable,
): (request: Request, response: Response, next: NextFunction) => void {
  return (request, _response, next) => {
    const inside = request.path === `/${apiPrefix}` || request.path.startsWith(`/${apiPrefix}/`);
    const known = inside || routes.methodsOf(request.path).includes(request.method);
    next(known ? undefined : new NotFoundException());
  };
}
