import type { NestExpressApplication } from '@nestjs/platform-express';
import mongoose from 'mongoose';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { createApiApp } from '../../src/app/api-app.js';
import { createRootLogger } from '../../src/common/logging/root-logger.js';
import { parseConfig } from '../../src/config/load-config.js';
import { eventually } from './eventually.js';
import { testServices } from './services.js';

const TOKEN = 'a-token-of-a-fair-length';
/** Of all APIs of a spec: one that has other keys than its database is no part of it. */
const KEYS = `test:${randomBytes(32).toString('base64')}`;

/**
 * The whole API in the process of a medium spec, over the real services and a database of the
 * spec's own.
 */
export class ApiUnderTest {
  private constructor(
    readonly app: NestExpressApplication,
    readonly database: mongoose.Connection,
    private readonly home: string,
  ) {}

  /**
   * @param environment variables on top
   * @param port default: any
   */
  static async start(
    environment: Readonly<Record<string, string>> = {},
    port = 0,
  ): Promise<ApiUnderTest> {
    const services = testServices();
    const home = mkdtempSync(join(tmpdir(), 'millrace-api-'));
    const result = parseConfig({
      MONGODB_URI: services.mongodbUri,
      MONGODB_DATABASE: services.databaseName,
      REDIS_URL: services.redisUrl,
      MILLRACE_HOME: home,
      MILLRACE_TOKEN: TOKEN,
      ENCRYPTION_KEYS: KEYS,
      ...environment,
    });
    if (result.kind === 'invalid') throw new Error(JSON.stringify(result.problems));
    const logger = createRootLogger({ level: 'silent', role: 'test' });
    const app = await createApiApp('api', result.config, logger);
    await app.listen(port, '127.0.0.1');
    const database = await mongoose
      .createConnection(services.mongodbUri, { dbName: services.databaseName })
      .asPromise();
    const api = new ApiUnderTest(app, database, home);
    await eventually(async () => {
      const { status } = await api.call('get', '/api/health/ready');
      return status === 200 || undefined;
    }, 30_000);
    return api;
  }

  call(method: 'get' | 'post' | 'put' | 'patch' | 'delete', path: string): request.Test {
    return request(this.app.getHttpServer())[method](path).set('authorization', `Bearer ${TOKEN}`);
  }

  async createPipeline(yaml: string): Promise<string> {
    const response = await this.call('post', '/api/ci/pipelines')
      .send({ yaml_content: yaml })
      .expect(201);
    return (response.body as { id: string }).id;
  }

  /** Sets a field of all documents that a filter finds. */
  async set(
    collection: string,
    filter: Readonly<Record<string, unknown>>,
    change: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    await this.database.collection(collection).updateMany(filter, { $set: change });
  }

  /** How many documents of a collection match. */
  async count(collection: string, filter: Readonly<Record<string, unknown>> = {}): Promise<number> {
    return this.database.collection(collection).countDocuments(filter);
  }

  async stop(): Promise<void> {
    await this.database.dropDatabase();
    await this.database.close();
    await this.app.close();
    rmSync(this.home, { recursive: true });
  }
}
