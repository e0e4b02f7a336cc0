import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/config/paths.js';
import { CuttableProxy } from '../support/cuttable-proxy.js';
import {
  DocumentedApi,
  type ApiDocument,
  type LiveAnswer,
  type Operation,
} from '../support/documented-api.js';
import {
  errorExamples,
  shapeOf,
  writtenExamples,
  type MediaType,
} from '../support/documented-examples.js';
import { eventually } from '../support/eventually.js';
import { LiveApi, type Ask } from '../support/live-api.js';
import { MillraceServer } from '../support/millrace-server.js';
import { testServices } from '../support/services.js';

const document = JSON.parse(
  readFileSync(join(packageRoot(), 'openapi.json'), 'utf8'),
) as ApiDocument;
const documented = new DocumentedApi(document);
const { operations } = documented;

const MAX_UPLOAD_SIZE = 10 * 1024 * 1024;
/** Around the parts of a form. */
const SLACK = 1024 * 1024;
const hello = 'name: hello\nsteps:\n  - run: echo hello\n';
const upload = Buffer.from(
  `--b\r\nContent-Disposition: form-data; name="pipeline"; filename="p.yaml"\r\nContent-Type: text/yaml\r\n\r\n${hello}\r\n--b--\r\n`,
);
/** Bodies that are right, where an empty object is none. */
const bodies: Readonly<Record<string, unknown>> = {
  pipelines_create: { yaml_content: hello },
  pipelines_validate: { yaml_content: hello },
  pipelines_replace: { yaml_content: hello },
  pipelines_change: { enabled: true },
  detections_repository: { repository_id: randomUUID() },
  dryruns_plan: { pipeline_id: randomUUID() },
  repositories_connect: { url: 'https://gitlab.com/acme/shop', remote_id: '1' },
  repositories_change: { forks: 'never' },
  deliveries_approve: { pipeline_id: randomUUID(), commit: 'a'.repeat(40) },
  webhooks_ofForge: { repository: { id: 1 } },
  secrets_change: { protected: true },
  secrets_set: { value: 'hunter2-and-more' },
  loglevel_set: { level: 'info', for_seconds: 1 },
  oauth_takeOver: { code: 'none', verifier: 'none' },
  sessions_refresh: { refresh_token: 'none' },
  tokens_create: { name: 'a', scopes: ['pipelines:read'] },
  serviceaccounts_create: { name: 'bot' },
  deployments_deploy: {
    deploy: { type: 'local_directory', service: 'site' },
    artifact: { execution_id: randomUUID(), name: 'site' },
  },
  deployments_promote: { environment: 'production' },
  environments_set: { required: 0 },
  pipelinenotifications_set: { type: 'webhook', url: 'https://ops.example/hook' },
  notifications_set: { type: 'webhook', url: 'https://ops.example/hook' },
  services_change: { tags: [] },
  services_maintain: { minutes: 5, reason: 'disk' },
  services_register: { name: 'shop', endpoints: ['https://shop.example/healthz'] },
  serviceaccounttokens_create: { name: 'a', scopes: ['pipelines:read'] },
  users_change: { blocked: true },
};

/** What is no id, and no name of anything. */
const NO_ID = 'no-id';

/** The path with ids that nothing has, or with others. */
function pathOf({ path }: Operation, id: string = randomUUID(), provider = id): string {
  // Of a pipeline that is not there: a global secret of any name could be set.
  if (path === '/api/secrets/{name}') return `/api/secrets/A_KEY?pipeline_id=${randomUUID()}`;
  const known = new Map([
    ['version', '1'],
    ['provider', provider],
    ['forge', id === NO_ID ? id : 'github'],
  ]);
  return path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => known.get(name) ?? id);
}

function rightBody(operation: Operation): Ask {
  const types = Object.keys(operation.requestBody?.content ?? {});
  if (types.length === 0) return {};
  if (!types.includes('multipart/form-data')) return { body: bodies[operation.operationId] ?? {} };
  return { body: upload, headers: { 'content-type': 'multipart/form-data; boundary=b' } };
}

/** Of other bodies that are read before anybody is known, what they hold decides. */
const isSigned = (operation: Operation): boolean =>
  operation['x-max-body-bytes'] !== undefined && /webhook/.test(operation.path);
const withStatus = (status: number): [string, Operation][] =>
  operations
    .filter(({ responses }) => String(status) in responses)
    .map((operation) => [operation.operationId, operation]);
const withBody = operations
  .filter(({ requestBody }) => requestBody !== undefined)
  .map((operation): [string, Operation] => [operation.operationId, operation]);
const limitless = { AUTH_FAILURE_LIMIT: '0', COMPILE_LIMIT: '0', LOGIN_LIMIT: '0' };
/** People log in, at a forge that is not asked here. */
const logIns = {
  AUTH_MODE: 'oauth',
  PUBLIC_URL: 'http://127.0.0.1:9',
  GITHUB_OAUTH_CLIENT_ID: 'client',
  GITHUB_OAUTH_CLIENT_SECRET: 'secret',
};

/**
 * Every operation of the document is refused in every way that there is, and says so as documented.
 */
describe('the OpenAPI document and refusals', () => {
  let server: MillraceServer;
  let api: LiveApi;

  beforeAll(async () => {
    server = await MillraceServer.start({
      workers: 0,
      environment: { ...limitless, ...logIns, RATE_LIMIT: '0', TRUST_PROXY: '1' },
    });
    api = new LiveApi(documented, server.baseUrl);
  });

  afterAll(() => server.stop());

  const refused = async (
    status: number,
    operation: Operation,
    path: string,
    how: Ask,
  ): Promise<void> => {
    api.problems.length = 0;
    const answer = await api.askOperation(operation, path, how);
    expect([answer.status, api.problems]).toEqual([status, []]);
    // Foreign hosts and broken bodies are refused alike everywhere; examples tell what is the
    // route's own.
    if (status !== 403 && status !== 400) mustBeShown(operation, answer);
  };

  const mustBeShown = (operation: Operation, { status, text }: LiveAnswer): void => {
    const { message } = JSON.parse(text) as { message: string };
    const shown = errorExamples(operation, String(status)).map((each) => shapeOf(each.message));
    expect(shown).toContain(shapeOf(message));
  };

  it.each(withStatus(403))('403 of a foreign Host: %s', async (_id, operation) => {
    const headers = { host: 'evil.example' };
    await refused(403, operation, pathOf(operation), { headers });
  });

  it.each(withStatus(401))('401 without a token: %s', async (_id, operation) => {
    // The machine itself needs none for metrics, so the proxy that is trusted names another one.
    const { body, headers } = rightBody(operation);
    await refused(401, operation, pathOf(operation, randomUUID(), 'github'), {
      body,
      token: null,
      headers: { ...headers, 'x-forwarded-for': '192.0.2.1' },
    });
  });

  it.each(withStatus(404))('404 of what is not there: %s', async (_id, operation) => {
    const id = operation.path.includes('{id}') ? randomUUID() : NO_ID;
    await refused(404, operation, pathOf(operation, id), rightBody(operation));
  });

  it.each(
    operations
      .filter(({ path }) => path.includes('{id}'))
      .map((each): [string, Operation] => [each.operationId, each]),
  )('400 of an id that is none: %s', async (_id, operation) => {
    await refused(400, operation, pathOf(operation, NO_ID), rightBody(operation));
  });

  it.each(withBody.filter(([, operation]) => !isSigned(operation)))(
    '400 of a body that is broken: %s',
    async (_id, operation) => {
      const { headers = { 'content-type': 'application/json' } } = rightBody(operation);
      await refused(400, operation, pathOf(operation), { body: Buffer.from('{"a":'), headers });
    },
  );

  it.each(withBody.filter(([, operation]) => isSigned(operation)))(
    '401 of a body that nobody has signed: %s',
    async (_id, operation) => {
      const headers = { 'content-type': 'application/json' };
      await refused(401, operation, pathOf(operation), { body: Buffer.from('{"a":'), headers });
    },
  );

  // It asks the forge.
  it.each(withBody.filter(([id]) => id !== 'repositories_connect'))(
    'nothing is wrong with the bodies that the document shows: %s',
    async (_id, operation) => {
      const content = Object.entries(operation.requestBody?.content ?? {});
      for (const [type, media] of content as [string, MediaType][]) {
        for (const example of writtenExamples(media)) {
          const text = type === 'application/json' ? JSON.stringify(example) : String(example);
          const how = { body: Buffer.from(text), headers: { 'content-type': type } };
          const { status } = await api.askOperation(operation, pathOf(operation), how);
          expect([type, [400, 413, 415, 422].includes(status)]).toEqual([type, false]);
        }
      }
    },
  );

  it.each(withBody)('415 of a body of another type: %s', async (_id, operation) => {
    const headers = { 'content-type': 'text/plain' };
    await refused(415, operation, pathOf(operation), { body: Buffer.from('a'), headers });
  });

  it.each(withBody)('413 of a body that is too large: %s', async (_id, operation) => {
    const { headers = { 'content-type': 'application/json' } } = rightBody(operation);
    const missing = (operation['x-max-body-bytes'] ?? MAX_UPLOAD_SIZE) + SLACK;
    const how = { body: Buffer.from('{'), missing, headers };
    await refused(413, operation, pathOf(operation), how);
  });

  it('405 of a method that a path does not take, 404 of a path that is none', async () => {
    const problems: string[] = [];
    const paths = new Set(operations.map(({ path }) => path));
    for (const path of paths) {
      const taken = operations.filter((each) => each.path === path);
      const method = ['DELETE', 'PUT', 'PATCH', 'POST'].find(
        (each) => !taken.some((operation) => operation.method === each),
      );
      const [first] = taken;
      if (first === undefined || method === undefined) continue;
      const answer = await api.send(method, pathOf(first));
      // A further literal path may stand where this has a parameter.
      if (answer.status !== 405) problems.push(`${method} ${path}: ${answer.status}`);
      problems.push(...documented.schemaProblems('ErrorResponse', JSON.parse(answer.text)));
    }
    const { status, text } = await api.send('GET', '/api/nothing');
    expect(status).toBe(404);
    problems.push(...documented.schemaProblems('ErrorResponse', JSON.parse(text)));
    expect(problems).toEqual([]);
  });

  it('429 of a client that asks too often', async () => {
    const limited = await MillraceServer.start({
      workers: 0,
      environment: { ...limitless, RATE_LIMIT: '1', WEBHOOK_LIMIT: '1' },
    });
    try {
      const of = new LiveApi(documented, limited.baseUrl);
      await eventually(async () => {
        const { status } = await of.send('GET', '/api/workers');
        const webhook = await of.send('POST', '/api/webhooks/github');
        return (status === 429 && webhook.status === 429) || undefined;
      });
      for (const [id, operation] of withStatus(429)) {
        const answer = await of.askOperation(operation, pathOf(operation), rightBody(operation));
        // Streams have limits of their own.
        expect([id, answer.status]).toEqual([id, id === 'executionlogs_events' ? 404 : 429]);
        mustBeShown(operation, answer);
      }
      expect(of.problems).toEqual([]);
    } finally {
      await limited.stop();
    }
  });

  it('503 while the database is away', async () => {
    const uri = new URL(testServices().mongodbUri);
    // Our own database listens on a socket, whose path is the host.
    const host = decodeURIComponent(uri.hostname);
    const target = host.startsWith('/') ? { path: host } : { host, port: Number(uri.port) };
    const proxy = await CuttableProxy.start(target);
    uri.host = `127.0.0.1:${proxy.port}`;
    const { redisUrl } = testServices();
    const stores = { MONGODB_URI: uri.href, REDIS_URL: redisUrl };
    let alone: MillraceServer | undefined;
    try {
      const environment = { ...limitless, RATE_LIMIT: '0', ...stores };
      alone = await MillraceServer.start({ workers: 0, environment });
      proxy.cut();
      const of = new LiveApi(documented, alone.baseUrl);
      const asked = await Promise.all(
        withStatus(503).map(async ([, operation]): Promise<[Operation, LiveAnswer]> => {
          const how = rightBody(operation);
          return [operation, await of.askOperation(operation, pathOf(operation), how)];
        }),
      );
      expect(of.problems).toEqual([]);
      for (const [operation, answer] of asked) {
        // Probes answer with what is down.
        const isProbe = operation.path.startsWith('/api/health');
        if (answer.status === 503 && !isProbe) mustBeShown(operation, answer);
      }
      const served = asked
        .filter(([, { status }]) => status !== 503)
        .map(([{ operationId }]) => operationId);
      // What needs no database, or is refused before it is asked.
      expect(served.sort()).toEqual([
        'detections_upload',
        'loglevel_get',
        'loglevel_reset',
        'loglevel_set',
        'metrics_scrape',
        'oauth_begin',
        'oauth_callback',
        'oauth_logIns',
        'oauth_takeOver',
        'pipelines_validate',
        'pipelineschema_schema',
        'sessions_logOut',
        'sessions_logOutByGet',
        'sessions_me',
        'sessions_refresh',
        'tokens_create',
      ]);
    } finally {
      proxy.cut();
      await alone?.stop();
    }
  });
});
