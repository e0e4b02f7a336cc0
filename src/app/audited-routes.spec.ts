import { ModulesContainer, NestFactory } from '@nestjs/core';
import { AUDIT_ACTION_NAMES } from '../common/audit/audit-actions.js';
import { auditedRoute, notAudited } from '../common/audit/audited.decorator.js';
import { controllerRoutes, type ControllerRoute } from '../common/http/controller-routes.js';
import { createRootLogger } from '../common/logging/root-logger.js';
import { parseConfig } from '../config/load-config.js';
import { AppModule } from './app.module.js';

const CHANGING = ['POST', 'PUT', 'PATCH', 'DELETE'];

/** Actions that no route names: what happens beside requests. */
const OF_NO_ROUTE = [
  'audit.lost',
  'audit.retention',
  'requests.call',
  'sessions.stolen',
  'users.access_lost',
];

describe('every route that changes something', () => {
  let routes: ControllerRoute[];
  const textOf = ({ method, path }: ControllerRoute): string => `${method} ${path}`;

  beforeAll(async () => {
    const parsed = parseConfig({ MONGODB_URI: 'mongodb://unused', REDIS_URL: 'redis://unused' });
    if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems));
    const logger = createRootLogger({ level: 'silent', role: 'api' });
    const app = await NestFactory.create(AppModule.forRole('api', parsed.config, logger), {
      preview: true,
      logger: false,
    });
    routes = controllerRoutes(app.get(ModulesContainer));
  });

  it('is audited, or says why not', () => {
    const changing = routes.filter(({ method }) => CHANGING.includes(method));
    expect(changing.length).toBeGreaterThan(20);
    const silent = changing.filter(
      ({ handler }) => auditedRoute(handler) === undefined && notAudited(handler) === undefined,
    );
    expect(silent.map(textOf)).toEqual([]);
  });

  it('says one of the two', () => {
    const both = routes.filter(
      ({ handler }) => auditedRoute(handler) !== undefined && notAudited(handler) !== undefined,
    );
    expect(both.map(textOf)).toEqual([]);
  });

  it('is not audited only where nothing is changed', () => {
    const exempt = routes.filter(({ handler }) => notAudited(handler) !== undefined);
    expect(exempt.map(textOf)).toEqual([
      'POST /api/ci/pipelines/plan',
      'POST /api/ci/pipelines/validate',
      'POST /api/detect',
      'POST /api/detect/upload',
      'POST /api/repositories/:id/check',
    ]);
  });

  it('leaves no action that nobody tells', () => {
    const told = new Set(routes.flatMap(({ handler }) => auditedRoute(handler)?.action ?? []));
    expect([...told, ...OF_NO_ROUTE].sort()).toEqual([...AUDIT_ACTION_NAMES].sort());
  });
});
