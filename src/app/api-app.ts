import { NestFactory, Reflector } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { SwaggerModule } from '@nestjs/swagger';
import { Logger as NestLogger } from 'nestjs-pino';
import type { Logger } from 'pino';
import { Refusals } from '../audit/refusals.js';
import { logInAdvice } from '../auth/log-in-advice.js';
import { authenticateWith } from '../auth/principals/authenticate.middleware.js';
import { Authenticator } from '../auth/principals/authenticator.js';
import type { MillraceError } from '../common/errors/millrace.error.js';
import { answerClientErrors } from '../common/http/client-error.js';
import { configureHttp } from '../common/http/configure-http.js';
import { defaultConnectionLimits, limitConnections } from '../common/http/connection-limits.js';
import { serverBusy } from '../common/http/load-shedding.js';
import { Metrics } from '../common/metrics/metrics.js';
import type { MillraceConfig } from '../config/millrace-config.js';
import {
  databaseAway,
  isDatabaseBusy,
  isDatabaseUnavailable,
  isWriteConflict,
} from '../integrations/database/database-errors.js';
import { withRequestPatience } from '../integrations/database/database-patience.js';
import { RateLimits } from '../integrations/rate-limit/rate-limits.js';
import { traceRequests } from '../integrations/tracing/trace-requests.js';
import { Tracing } from '../integrations/tracing/tracing.js';
import { AppModule, type Role } from './app.module.js';
import { openApiDocument } from './open-api.js';

const DOCS = 'api/docs';
const DOCS_JSON = 'api/docs-json';
const DOCS_YAML = 'api/docs-yaml';

/** Creates the API of a role (`api`, or `all`); the caller listens. */
export async function createApiApp(
  role: Exclude<Role, 'worker'>,
  config: MillraceConfig,
  logger: Logger,
): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.forRole(role, config, logger),
    { bodyParser: false, bufferLogs: true, abortOnError: false },
  );
  app.useLogger(app.get(NestLogger));
  if (config.otlpEndpoint !== undefined) app.use(traceRequests(app.get(Tracing)));
  app.use((_request: unknown, _response: unknown, next: () => void) => withRequestPatience(next));
  configureHttp(app, {
    config,
    logger,
    limiters: app.get(RateLimits),
    metrics: app.get(Metrics),
    authenticate: authenticateWith(app.get(Authenticator)),
    translators: [databaseFailure],
    pageAdviser: logInAdvice(config, app.get(Reflector)),
    errorAnswered: (...answered) => app.get(Refusals).answered(...answered),
    pages: [`/${DOCS}`, `/${DOCS}/*file`, `/${DOCS_JSON}`, `/${DOCS_YAML}`],
  });
  SwaggerModule.setup(DOCS, app, () => openApiDocument(app), {
    jsonDocumentUrl: DOCS_JSON,
    yamlDocumentUrl: DOCS_YAML,
    customSiteTitle: 'Millrace API',
    swaggerOptions: { persistAuthorization: true, tryItOutEnabled: true },
  });
  const server = app.getHttpServer();
  limitConnections(server, defaultConnectionLimits, config.trustProxy, logger);
  answerClientErrors(server);
  return app;
}

function databaseFailure(error: unknown): MillraceError | undefined {
  if (isDatabaseBusy(error) || isWriteConflict(error)) return serverBusy(error);
  if (!isDatabaseUnavailable(error)) return undefined;
  return databaseAway(error);
}
