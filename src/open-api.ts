import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { AppModule } from './app.module.js';
import { apiPrefix, unprefixed } from './common/http/configure-http.js';
import { createRootLogger } from './common/logging/root-logger.js';
import { ConfigError, parseConfig } from './config/load-config.js';
import { packageVersion } from './config/paths.js';

const description = `Self-hosted CI/CD: pipelines in YAML, run on workers, with live logs.

Press **Authorize** and paste the token that Millrace printed at its first start (it is also in the file \`token\` of
the data folder). Every error has the shape of \`ErrorResponse\`, and every answer an \`X-Request-Id\`.`;

/** The OpenAPI document of an application that was created; it need not be started. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Millrace')
    .setDescription(description)
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
  return withPathFormats(document);
}

/** Of a parameter of the path the Swagger plugin sees the type of TypeScript; pipes are more exact. */
const PATH_FORMATS: Readonly<Record<string, object>> = {
  id: { type: 'string', format: 'uuid' },
  version: { type: 'integer', minimum: 1 },
};

function withPathFormats(document: OpenAPIObject): OpenAPIObject {
  for (const operations of Object.values(document.paths)) {
    for (const operation of Object.values(operations) as { parameters?: unknown[] }[]) {
      operation.parameters = operation.parameters?.map((parameter) => {
        const { in: place, name } = parameter as { in?: string; name?: string };
        const schema = place === 'path' && name !== undefined ? PATH_FORMATS[name] : undefined;
        return schema ? { ...(parameter as object), schema } : parameter;
      });
    }
  }
  return document;
}

/**
 * Text of `openapi.json`, from the modules of the API alone: nothing is instantiated, so nothing connects. The
 * Swagger plugin of the build adds to it, so it is to be called from `dist/`.
 */
export async function openApiText(): Promise<string> {
  const result = parseConfig({ MONGODB_URI: 'mongodb://unused', REDIS_URL: 'redis://unused' });
  if (result.kind === 'invalid') throw new ConfigError(result.problems);
  const logger = createRootLogger({ level: 'silent', role: 'api' });
  const app = await NestFactory.create(AppModule.forRole('api', result.config, logger), {
    preview: true,
    logger: false,
  });
  app.setGlobalPrefix(apiPrefix, { exclude: unprefixed });
  return `${JSON.stringify(openApiDocument(app), null, 2)}\n`;
}
