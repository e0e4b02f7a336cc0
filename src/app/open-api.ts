import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { accessError, describeAccess } from '../auth/policy/describe-access.js';
import type { MillraceError } from '../common/errors/millrace.error.js';
import { finishDocument } from '../common/http/api-documentation-finish.js';
import { API_PREFIX, UNPREFIXED } from '../common/http/api-prefix.js';
import { createRootLogger } from '../common/logging/root-logger.js';
import { ConfigError, parseConfig } from '../config/load-config.js';
import { packageVersion } from '../config/paths.js';
import { databaseAway } from '../integrations/database/database-errors.js';
import { AppModule } from './app.module.js';

const DESCRIPTION = `Self-hosted CI/CD: pipelines in YAML, run on workers, with live logs.

Press **Authorize** and paste the token that Millrace printed at its first start (it is also in the file \`token\` of
the data folder). Then create a pipeline (\`POST /api/ci/pipelines\`), trigger it with its id, and read the execution.
Every error has the shape of \`ErrorResponse\`, and every answer an \`X-Request-Id\`. Who opens an
address in a browser (GET, \`Accept\` with \`text/html\` before JSON) gets errors as pages.

**What this page cannot show live:** it waits for the end of an answer before it shows anything of it. So
\`GET /api/ci/executions/{id}/events\` (server-sent events) shows nothing here until the execution is over. Follow one with
\`./millrace logs -f ID\` or \`curl -N -H "Authorization: Bearer $TOKEN" …/api/ci/executions/ID/events\`; here, ask
\`GET /api/ci/executions/{id}\` again and again, or \`…/logs\`, which answers with what there is so far.`;

/** In this order they stand on the page: what a newcomer needs first is first. */
const TAGS = {
  pipelines: 'Store pipelines, check them, plan them, run them by webhook and schedule.',
  executions: 'Run pipelines, and read what became of it: states, logs, artifacts, reports.',
  deployments: 'What was put into service, and what is put back.',
  environments: 'Who may deploy where.',
  services: 'What runs, how it is, where it answers, and whom to tell.',
  repositories: 'Repositories of forges whose pushes run pipelines.',
  webhooks: 'What came in, and what was decided.',
  secrets: 'Values for steps, and the keys that seal them.',
  projects: 'What kind of project a repository or an archive holds.',
  caches: 'What steps keep for the next execution.',
  workers: 'Who runs what is accepted.',
  ports: 'Which ports are given to what.',
  sessions: 'Log in and out.',
  tokens: 'Own tokens for programs.',
  'service accounts': 'Accounts of programs, and their tokens.',
  users: 'Who has logged in, and their roles.',
  audit: 'Who has changed what.',
  health: 'How the server is.',
} as const;

/** The OpenAPI document of an application that was created; it need not be started. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const builder = new DocumentBuilder()
    // 3.1: in 3.0 what is `nullable` and a reference admits no null, whatever the generators of it
    // make of that.
    .setOpenAPIVersion('3.1.0')
    .setTitle('Millrace')
    .setDescription(DESCRIPTION)
    .setVersion(packageVersion())
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'The token of this server.' });
  for (const [name, description] of Object.entries(TAGS)) builder.addTag(name, description);
  const document = SwaggerModule.createDocument(app, builder.build(), {
    // Those of the decorators alone.
    autoTagControllers: false,
    operationIdFactory: (controller, method) =>
      `${controller.replace(/Controller$/, '').toLowerCase()}_${method}`,
  });
  return describeAccess(finishDocument(document, toldError));
}

function toldError(status: number, operation: object, isOwn: boolean): MillraceError | undefined {
  if (status !== 503) return accessError(status, operation);
  return isOwn ? databaseAway() : undefined;
}

/**
 * Text of `openapi.json`, from the modules of the API alone: nothing is instantiated, so nothing
 * connects. The Swagger plugin of the build adds to it, so it is to be called from `dist/`.
 */
export async function openApiText(): Promise<string> {
  const result = parseConfig({ MONGODB_URI: 'mongodb://unused', REDIS_URL: 'redis://unused' });
  if (result.kind === 'invalid') throw new ConfigError(result.problems);
  const logger = createRootLogger({ level: 'silent', role: 'api' });
  const app = await NestFactory.create(AppModule.forRole('api', result.config, logger), {
    preview: true,
    logger: false,
  });
  app.setGlobalPrefix(API_PREFIX, { exclude: UNPREFIXED });
  return `${JSON.stringify(openApiDocument(app), null, 2)}\n`;
}
