import { NestFactory, ModulesContainer, Reflector } from '@nestjs/core';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accessMatrix, authorizationPage, type MatrixRow } from '../auth/policy/access-matrix.js';
import { ROLE_LADDER, SCOPES, SCOPES_OF_ROLE } from '../auth/policy/policy.js';
import { controllerRoutes } from '../common/http/controller-routes.js';
import { createRootLogger } from '../common/logging/root-logger.js';
import { parseConfig } from '../config/load-config.js';
import { packageRoot } from '../config/paths.js';
import { AppModule } from './app.module.js';

const page = join(packageRoot(), 'docs/authorization.md');

/** Of the whole API; nothing is instantiated, so nothing connects. */
async function matrixOfApi(): Promise<MatrixRow[]> {
  const parsed = parseConfig({ MONGODB_URI: 'mongodb://unused', REDIS_URL: 'redis://unused' });
  if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems));
  const logger = createRootLogger({ level: 'silent', role: 'api' });
  const app = await NestFactory.create(AppModule.forRole('api', parsed.config, logger), {
    preview: true,
    logger: false,
  });
  return accessMatrix(new Reflector(), controllerRoutes(app.get(ModulesContainer)));
}

describe('who may do what', () => {
  let matrix: MatrixRow[];
  beforeAll(async () => {
    matrix = await matrixOfApi();
  });

  it('is told by every route of the API', () => {
    expect(matrix.length).toBeGreaterThan(25);
  });

  it('is what docs/authorization.md says (WRITE_DOCS=1 writes it again)', () => {
    const text = authorizationPage(matrix);
    if (process.env['WRITE_DOCS'] === '1') writeFileSync(page, text);
    expect(readFileSync(page, 'utf8')).toBe(text);
  });

  it('uses every scope, and gives each to an administrator', () => {
    const used = matrix.flatMap(({ access }) => (access.kind === 'scope' ? [access.scope] : []));
    expect([...new Set(used)].sort()).toEqual(Object.keys(SCOPES).sort());
    expect([...SCOPES_OF_ROLE.admin].sort()).toEqual(Object.keys(SCOPES).sort());
  });

  it('is a ladder: each role may do what those before it may', () => {
    ROLE_LADDER.slice(1).forEach((role, index) => {
      const before = SCOPES_OF_ROLE[ROLE_LADDER[index] ?? 'viewer'];
      expect(SCOPES_OF_ROLE[role]).toEqual(expect.arrayContaining([...before]));
    });
  });

  it('lets a program make no token, and change no pipeline', () => {
    const scopes = SCOPES_OF_ROLE.service_account;
    expect(
      scopes.filter((scope) => /write|delete|connect|drain|^tokens|^users/.test(scope)),
    ).toEqual([]);
  });

  it('has no other routes without authentication than these', () => {
    const open = matrix.filter(({ access }) => access.kind === 'public');
    expect(open.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /api/ci/pipelines/:id/webhook',
      'GET /api/health/live',
      'GET /api/health/ready',
      'GET /api/healthchecker',
      // Decided by the signature of the body.
      'POST /api/repositories/:id/webhook',
      // Says nothing of the server.
      'GET /api/schema.json',
      // The way to be known.
      'GET /api/sessions/oauth',
      'GET /api/sessions/oauth/:provider',
      'GET /api/sessions/oauth/:provider/callback',
      'POST /api/sessions/refresh',
      'POST /api/sessions/token',
      'POST /api/webhooks/:forge',
    ]);
  });

  it('lets a viewer change nothing but what is their own', () => {
    const own = ['sessions:end', 'tokens:write', 'pipelines:check'];
    const changing = matrix.filter(
      ({ method, access }) =>
        method !== 'GET' &&
        access.kind === 'scope' &&
        SCOPES_OF_ROLE.viewer.includes(access.scope) &&
        !own.includes(access.scope),
    );
    expect(changing).toEqual([]);
  });
});
