import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { describeAccess } from '../auth/policy/describe-access.js';
import { finishDocument } from '../common/http/api-documentation-finish.js';
import { API_PREFIX, UNPREFIXED } from '../common/http/api-prefix.js';
import { createRootLogger } from '../common/logging/root-logger.js';
import { ConfigError, parseConfig } from '../config/load-config.js';
import { packageVersion } from '../config/paths.js';
import { AppModule } from './app.module.js';

const DESCRIPTION = `Self-hosted CI/CD: pipelines in YAML, run on workers, with live logs.

Press **Authorize** and paste the token that Millrace printed at its first start (it is also in the file \`token\` of
the data folder). Every error has the shape of \`ErrorResponse\`, and every answer an \`X-Request-Id\`. Who opens an
address in a browser (GET, \`Accept\` with \`text/html\` before JSON) gets errors as pages.`;

/** The OpenAPI document of an application that was created; it need not be started. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    // 3.1: in 3.0 what is `nullable` and a reference admits no null, whatever the generators of it
    // make of that.
    .setOpenAPIVersion('3.1.0')
    .setTitle('Millrace')
    .setDescription(DESCRIPTION)
    .setVersion(packageVersion())
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'The token of this server.' })
    .addTag('health')
    .addTag('pipelines')
    .addTag('executions')
    .addTag('workers')
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (controller, method) =>
      `${controller.replace(/Controller$/, '').toLowerCase()}_${method}`,
  });
  return describeAccess(finishDocument(document));
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
