import { join } from 'node:path';
import { NotFoundException } from '@nestjs/common';
import { ModulesContainer, Reflector } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import type { Logger } from 'pino';
import type { MillraceConfig } from '../../config/millrace-config.js';
import { packageRoot } from '../../config/paths.js';
import type { ErrorTranslator } from '../errors/to-millrace-error.js';
import type { Metrics } from '../metrics/metrics.js';
import { API_PREFIX, UNPREFIXED } from './api-prefix.js';
import { requestMetrics } from './request-metrics.js';
import { BodyBudget } from './body-budget.js';
import { controllerRoutes, type ControllerRoute } from './controller-routes.js';
import { ContentTypeGuard } from './consumes.js';
import { edgeGuard } from './edge-guard.js';
import { ErrorFilter, type ErrorListener, type PageAdviser } from './error.filter.js';
import { rawBody } from './raw-body.js';
import { MAX_RAW_BYTES } from './raw-body.decorator.js';
import { jsonBody } from './json-body.js';
import { IDEMPOTENCY_REPLAYED_HEADER } from './idempotency-header.js';
import { defaultLoadLimits, LoadShedding, type LoadLimits } from './load-shedding.js';
import { rateLimit, type RequestLimiters, userLimit } from './rate-limit.js';
import { requestLog } from './request-log.js';
import { type Route, RouteTable } from './route-table.js';
import { securityHeaders } from './security-headers.js';
import { documentation, startPage } from './start-page.js';
import { validationPipe } from './validation.js';
import { textBody } from './text-body.js';

/** Headers that pages of `CLIENT_ORIGIN` may send, and those that they may read. */
const CORS_REQUEST_HEADERS = [
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'If-Match',
  'If-None-Match',
  'Last-Event-ID',
  'X-CSRF-Token',
  'X-Request-Id',
];
const corsAnswerHeaders = [
  'Allow',
  'ETag',
  'Link',
  'Location',
  'RateLimit-Limit',
  'RateLimit-Policy',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'Retry-After',
  'X-Request-Id',
  IDEMPOTENCY_REPLAYED_HEADER,
];

/** Of all bodies that are being read, bytes; at least one of the largest size fits. */
const BODY_BYTES = 2 * MAX_RAW_BYTES;

export interface HttpOptions {
  readonly config: MillraceConfig;
  readonly logger: Logger;
  /** `RATE_LIMIT`, `WEBHOOK_LIMIT`, `USER_LIMIT`. */
  readonly limiters: RequestLimiters;
  /** Default: `defaultLoadLimits`. */
  readonly load?: LoadLimits;
  /** Default: 64 MiB of all bodies that are being read; a half of it for raw ones. */
  readonly bodyBytes?: number;
  readonly metrics: Metrics;
  /** What answers GET without a controller: `/api/docs`. */
  readonly pages?: readonly string[];
  /** Pages of the documentation. Default: those that the build has made. */
  readonly docs?: string;
  /**
   * Recognizes who sends the request and sets `request.principal`; it refuses nobody, the guards
   * do.
   */
  readonly authenticate: (request: Request, response: Response, next: NextFunction) => void;
  /** Recognize errors of libraries that `common` does not know. */
  readonly translators: readonly ErrorTranslator[];
  /** Hears of every error that is answered. Must not throw. */
  readonly errorAnswered?: ErrorListener;
  /** What error pages say to people. */
  readonly pageAdviser?: PageAdviser;
}

/**
 * Everything between the socket and the controllers, in this order: metrics, request id and log
 * line, security headers, `Host` and `Origin`, CORS, load, rate limit, the pages that browsers
 * begin at, who it is, body, a place among those at work. Create the application with
 * `bodyParser: false`.
 */
export function configureHttp(app: NestExpressApplication, options: HttpOptions): void {
  const { config } = options;
  const pages = (options.pages ?? []).map((path) => ({ method: 'GET', path }));
  const modules = app.get(ModulesContainer);
  const routes = new RouteTable<Route & Partial<ControllerRoute>>(() => [
    ...controllerRoutes(modules),
    ...pages,
  ]);
  app.setGlobalPrefix(API_PREFIX, { exclude: UNPREFIXED });
  app.disable('x-powered-by');
  // Pipelines have a tag of their own, their version; hashing every other answer buys nothing.
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.set('trust proxy', config.trustProxy);
  app.use(requestMetrics(options.metrics, routes));
  app.use(requestLog(options.logger, config.trustProxy));
  app.use(securityHeaders(config.trustProxy));
  app.use(edgeGuard(config));
  if (config.clientOrigins.length > 0) {
    app.enableCors({
      origin: [...config.clientOrigins],
      credentials: true,
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      allowedHeaders: [...CORS_REQUEST_HEADERS],
      exposedHeaders: [...corsAnswerHeaders],
      maxAge: 600,
    });
  }
  const load = new LoadShedding(options.load ?? defaultLoadLimits);
  app.use(load.shed);
  app.use(rateLimit(options.limiters));
  documentation(app, options.docs ?? join(packageRoot(), 'dist', 'docs'));
  app.use(startPage);
  app.use(onlyRoutes(routes));
  app.use(options.authenticate);
  app.use(userLimit(options.limiters.users));
  const bodies = new BodyBudget(Math.max(config.maxUploadSize, options.bodyBytes ?? BODY_BYTES));
  // Whoever is not known leaves the larger part to those who are.
  const rawBodies = bodies.part((options.bodyBytes ?? BODY_BYTES) / 2);
  app.use(rawBody(routes, rawBodies));
  app.use(jsonBody(config.maxUploadSize, bodies));
  app.use(textBody(routes, config.maxUploadSize, bodies));
  app.use(load.admit);

  app.useGlobalFilters(
    new ErrorFilter(
      routes,
      options.translators,
      options.metrics,
      options.errorAnswered,
      options.pageAdviser,
    ),
  );
  app.useGlobalPipes(validationPipe());
  app.useGlobalGuards(new ContentTypeGuard(app.get(Reflector)));
}

/**
 * No body is read of what no route takes. The framework answers unknown paths under its prefix
 * only; the rest would get Express's own page.
 */
function onlyRoutes(
  routes: RouteTable<Route>,
): (request: Request, response: Response, next: NextFunction) => void {
  return ({ path, method }, _response, next) => {
    const methods = routes.methodsOf(path);
    const inside = path === `/${API_PREFIX}` || path.startsWith(`/${API_PREFIX}/`);
    const known = methods.includes(method) || (inside && methods.length === 0);
    next(known ? undefined : new NotFoundException());
  };
}
