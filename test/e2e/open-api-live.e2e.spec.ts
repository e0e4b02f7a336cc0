import { createHash, createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { madeTar } from '../../src/common/archive/archive.fixture.js';
import { packageRoot } from '../../src/config/paths.js';
import { schemaDocument } from '../../src/engine/definition/schema-document.js';
import { ScenarioRepositories } from '../scenarios/scenario-repositories.js';
import { ConnectedRepository } from '../support/connected-repository.js';
import { buildCaddy, CADDY_BUILD_MS } from '../support/caddy-under-test.js';
import { DocumentedApi, type ApiDocument } from '../support/documented-api.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { type Ask, LiveApi } from '../support/live-api.js';
import { MillraceServer } from '../support/millrace-server.js';
import { OAuthStandIn } from '../support/oauth-stand-in.js';

const document = JSON.parse(
  readFileSync(join(packageRoot(), 'openapi.json'), 'utf8'),
) as ApiDocument;
const documented = new DocumentedApi(document);

const hello = 'name: hello\nsteps:\n  - run: echo hello\n';
/**
 * Something of everything: outputs, a second try, `when`s, a failure that continues, inputs,
 * variables.
 */
const much = `name: much
description: Of everything
environment: { LEVEL: info }
triggers:
  - manual: { inputs: { target: { default: staging } } }
  - push: { branches: [main] }
stages:
  - name: make
    steps:
      - name: out
        outputs: [v]
        run: echo v=1 >> "$CI_OUTPUT"; echo error >&2
      - { name: flaky, retry: 1, run: 'test -e x || { touch x; exit 3; }' }
      - { name: soft, continue_on_error: true, run: exit 4 }
  - name: never
    needs: [make]
    when: trigger.branch == 'other' && stages.make.steps.out.outputs.v == '1'
    steps:
      - { name: no, when: failure(), run: 'true' }
always:
  - { name: tidy, run: echo tidy }
`;
const failing = `name: failing
stages:
  - name: main
    steps:
      - { name: bad, run: 'echo last words; kill -9 $$' }
  - { name: after, needs: [main], steps: [{ name: skipped, run: 'true' }] }
on_failure: [echo oh]
`;
const slow = 'name: slow\nsteps:\n  - { name: slow, run: sleep 300 }\n';
const late = 'name: late\ntimeout: 1s\nsteps:\n  - { name: late, run: sleep 300 }\n';
const nowhere = 'name: nowhere\nruns_on: [of-no-worker]\nsteps:\n  - run: "true"\n';
const cloning = (url: string): string =>
  `name: cloning\nrepository: ${url}\nsteps:\n  - { name: check, run: sh check.sh }\n`;

interface Accepted {
  readonly execution_id: string;
}

interface Accepted {
  readonly delivery_id: string;
}

interface Decided {
  readonly decisions: readonly { readonly pipeline_id: string }[];
}

describe('the OpenAPI document and the live server', () => {
  let server: MillraceServer;
  let repositories: ScenarioRepositories;
  let api: LiveApi;

  beforeAll(async () => {
    await buildCaddy();
    repositories = await ScenarioRepositories.start();
    server = await MillraceServer.start({
      workers: 1,
      environment: { RATE_LIMIT: '0', AUTH_FAILURE_LIMIT: '0', COMPILE_LIMIT: '0' },
    });
    api = new LiveApi(documented, server.baseUrl);
  }, CADDY_BUILD_MS);

  afterAll(async () => {
    await server.stop();
    await repositories.stop();
  });

  beforeEach(() => {
    api.problems.length = 0;
  });

  const create = async (yaml: string): Promise<string> => {
    const body = { yaml_content: yaml };
    return (await api.json<{ id: string }>(201, 'POST', '/api/ci/pipelines', { body })).id;
  };
  const trigger = async (pipeline: string, body?: unknown): Promise<string> => {
    const path = `/api/ci/pipelines/${pipeline}/trigger`;
    return (await api.json<Accepted>(202, 'POST', path, { body })).execution_id;
  };
  const statusOf = async (id: string): Promise<string> =>
    (await api.json<{ status: string }>(200, 'GET', `/api/ci/executions/${id}`)).status;
  const until = (id: string, status: string): Promise<string> =>
    eventually(async () => {
      const now = await statusOf(id);
      return now === status ? now : undefined;
    });
  /** Every way to look at an execution. */
  const look = async (id: string): Promise<void> => {
    const path = `/api/ci/executions/${id}`;
    await api.json(200, 'GET', path);
    await api.json(200, 'GET', `${path}/explain`);
    await api.ask('GET', `${path}/logs?limit=3`);
    await api.ask('GET', `${path}/logs`, { headers: { accept: 'text/plain' } });
  };

  it('agree on artifacts', async () => {
    const pipeline = await create(
      "name: files\nsteps: [{ run: 'printf hello >f', artifacts: f }]\n",
    );
    const id = await trigger(pipeline);
    await until(id, 'success');
    const path = `/api/ci/executions/${id}`;
    await api.json(200, 'GET', `${path}/artifacts?limit=1`);
    await api.ask('GET', `${path}/artifacts.tar.gz?paths=f`);
    await api.ask('GET', `${path}/artifacts/f?step=step-1`);
    await api.ask('GET', `${path}/artifacts/f`, { headers: { range: 'bytes=1-2' } });
    await api.ask('GET', `${path}/artifacts/f`, { headers: { range: 'bytes=9-' } });
    expect(api.problems).toEqual([]);
  });

  it('agree on caches', async () => {
    const pipeline = await create(
      'name: kept\nsteps: [{ run: "echo x >f", cache: { paths: f, key: k } }]\n',
    );
    await until(await trigger(pipeline), 'success');
    const path = `/api/caches?pipeline_id=${pipeline}`;
    const { items } = await api.json<{ items: { id: string }[] }>(200, 'GET', path);
    await api.json(200, 'GET', '/api/caches?limit=1');
    await api.ask('DELETE', `/api/caches/${items[0]?.id ?? ''}`);
    expect(api.problems).toEqual([]);
  });

  it('agree on deployments', async () => {
    const pipeline = await create(
      'name: ships\nsteps: [{ name: s, run: mkdir out }, { deploy: { type: local_directory, service: ships, source: out } }]\n',
    );
    const ids: string[] = [];
    for (let n = 0; n < 2; n += 1) {
      const execution = await trigger(pipeline);
      await until(execution, 'success');
      const path = `/api/deployments?execution_id=${execution}`;
      const { items } = await api.json<{ items: { deployment_id: string }[] }>(200, 'GET', path);
      ids.push(items[0]?.deployment_id ?? '');
    }
    const path = `/api/deployments/${ids[1] ?? ''}`;
    await api.json(200, 'GET', path);
    await api.json(200, 'GET', `${path}/explain`);
    await api.json(409, 'POST', `${path}/cancel`);
    const next = { environment: 'next', path: join(server.home, 'deployed/next') };
    await api.json(409, 'POST', `${path}/promote`, { body: { environment: 'next' } });
    await api.json(202, 'POST', `${path}/promote`, { body: next });
    await api.json(200, 'GET', `${path}/rollback`);
    await api.json(409, 'GET', `${path}/rollback?release=9`);
    await api.json(202, 'POST', `${path}/rollback`, { body: {} });
    await api.json(409, 'POST', `${path}/rollback`, { body: { release: 9 } });
    // A worker looks every second: before it does, a rollback can be cancelled.
    for (let answered = 0; answered !== 200;) {
      const asked = await api.ask('POST', `${path}/rollback`, { body: {} });
      const release = asked.status === 202 ? asked : undefined;
      const back = release ?? (await api.ask('POST', `${path}/rollback`, { body: { release: 2 } }));
      if (back.status !== 202) continue;
      const { deployment_id: id } = JSON.parse(back.text) as { deployment_id: string };
      answered = (await api.ask('POST', `/api/deployments/${id}/cancel`)).status;
    }
    await api.json(200, 'GET', '/api/services/default%2Fships/removal');
    const { deployment_id: removal } = await api.json<{ deployment_id: string }>(
      ...([202, 'DELETE', '/api/services/default%2Fships'] as const),
    );
    await eventually(async () => {
      const one = await api.json<{ status: string }>(200, 'GET', `/api/deployments/${removal}`);
      return one.status === 'success' || undefined;
    });
    await api.json(404, 'GET', '/api/services/default%2Fships');
    await api.json(404, 'GET', '/api/services/default%2Fships/removal');
    expect(api.problems).toEqual([]);
  });

  it('agree on what is deployed without a step', async () => {
    const pipeline = await create(
      'name: packs\nsteps: [{ name: pack, run: mkdir out && touch out/a, artifacts: [out] }]\n',
    );
    const execution = await trigger(pipeline);
    await until(execution, 'success');
    const deploy = { type: 'local_directory', service: 'packed', source: 'out' };
    const artifact = { execution_id: execution, name: 'pack' };
    const ask = (status: number, body: object): Promise<{ deployment_id: string }> =>
      api.json(status, 'POST', '/api/deployments', { body });
    const { deployment_id: id } = await ask(202, { deploy, artifact });
    await eventually(async () => {
      const one = await api.json<{ status: string }>(200, 'GET', `/api/deployments/${id}`);
      return one.status === 'success' || undefined;
    });
    await api.json(200, 'GET', `/api/deployments/${id}/explain`);
    await ask(400, { deploy });
    await ask(404, { deploy, artifact: { ...artifact, name: 'none' } });
    await ask(409, { deploy: { ...deploy, path: '/srv/elsewhere' }, artifact });
    expect(api.problems).toEqual([]);
  });

  it('agree on the log of what was deployed', async () => {
    const program =
      "require('node:http').createServer((_, a) => a.end()).listen(process.env.PORT, '127.0.0.1')";
    const run = JSON.stringify([process.execPath, '-e', program]);
    const gate = '{ path: /, stable: 0s }';
    const ship = `{ type: local_service, service: logged, source: out, run: ${run}, gate: ${gate} }`;
    const pipeline = await create(
      `name: logged\nsteps: [{ name: s, run: mkdir out && touch out/a }, { deploy: ${ship} }]\n`,
    );
    await until(await trigger(pipeline), 'success');
    await api.json(200, 'GET', '/api/services/default%2Flogged/logs?lines=5');
    const body = { reason: 'a new disk' };
    const path = '/api/services/default%2Flogged';
    await api.json(202, 'POST', `${path}/stop`, { body });
    await eventually(async () => {
      const { stopped } = await api.json<{ stopped: unknown }>(200, 'GET', path);
      return stopped ?? undefined;
    });
    await api.json(409, 'POST', `${path}/restart`);
    await api.json(202, 'POST', `${path}/start`);
    await eventually(async () => {
      const { stopped } = await api.json<{ stopped: unknown }>(200, 'GET', path);
      return stopped === null || undefined;
    });
    await api.json(202, 'POST', `${path}/restart`);
    await api.json(202, 'DELETE', path);
    expect(api.problems).toEqual([]);
  });

  it('agree on environments and approvals', async () => {
    const path = '/api/environments/guarded';
    await api.json(404, 'GET', path);
    const rules = { required: 1, approvers: { roles: ['admin'] }, allow_self: true };
    await api.json(200, 'PUT', path, { body: rules });
    await api.json(422, 'PUT', path, { body: { required: 1 } });
    await api.json(422, 'PUT', path, { body: { deployers: { users: ['nobody'] } } });
    await api.json(400, 'PUT', '/api/environments/Not_a_name', { body: {} });
    const pipeline = await create(
      'name: asks\nsteps: [{ name: s, run: mkdir out }, { deploy: { type: local_directory, service: asks, environment: guarded, source: out } }]\n',
    );
    for (const [answer, body, end] of [
      ['approve', {}, 'success'],
      ['reject', { reason: 'no' }, 'failed'],
    ] as const) {
      const execution = await trigger(pipeline);
      const id = await eventually(async () => {
        const list = `/api/deployments?execution_id=${execution}&status=waiting`;
        const { items } = await api.json<{ items: { deployment_id: string; reason: unknown }[] }>(
          ...([200, 'GET', list] as const),
        );
        return items.find(({ reason }) => reason !== null)?.deployment_id;
      });
      await api.json(200, 'GET', path);
      await api.json(200, 'POST', `/api/deployments/${id}/${answer}`, { body });
      await until(execution, end);
      await api.json(409, 'POST', `/api/deployments/${id}/${answer}`, { body });
    }
    await api.json(200, 'GET', '/api/environments?limit=1');
    await api.json(409, 'DELETE', path);
    await api.ask('DELETE', `${path}?keep_services=true`);
    await api.json(404, 'DELETE', path);
    expect(api.problems).toEqual([]);
  });

  it('agree on steps that wait for approvals', async () => {
    const pipeline = await create(
      'name: asks-people\nsteps: [{ name: ok, approval: { message: m, roles: [admin], inputs: { v: { type: choice, options: [a, b], default: a } } } }, { name: x, run: "true" }]\n',
    );
    for (const [answer, body, end] of [
      ['approve', { override: true, reason: 'a test', inputs: { v: 'b' } }, 'success'],
      ['reject', { step: 'ok', reason: 'no' }, 'failed'],
    ] as const) {
      const execution = await trigger(pipeline);
      const path = `/api/ci/executions/${execution}`;
      await until(execution, 'waiting');
      await api.json(200, 'GET', `${path}/explain`);
      await api.json(403, 'POST', `${path}/approve`, { body: {} });
      await api.json(422, 'POST', `${path}/approve`, {
        body: { override: true, reason: 'x', inputs: { v: 'c' } },
      });
      await api.json(200, 'POST', `${path}/${answer}`, { body });
      await until(execution, end);
      await api.json(200, 'GET', path);
      await api.json(409, 'POST', `${path}/${answer}`, { body });
    }
    expect(api.problems).toEqual([]);
  });

  it('agree on reports of tests', async () => {
    const report = '<testsuite><testcase name="x"><failure>no</failure></testcase></testsuite>';
    const pipeline = await create(
      `name: tests\nsteps: [{ run: "echo '${report.replaceAll('"', '\\"')}' >r.xml", reports: { junit: r.xml } }]\n`,
    );
    const id = await trigger(pipeline);
    await until(id, 'success');
    await api.json(200, 'GET', `/api/ci/executions/${id}/reports`);
    await api.json(200, 'GET', `/api/ci/pipelines/${pipeline}/tests`);
    expect(api.problems).toEqual([]);
  });

  it('agree on pipelines', async () => {
    const id = await create(much);
    await create(hello);
    const path = `/api/ci/pipelines/${id}`;
    await api.json(200, 'GET', '/api/ci/pipelines');
    await api.json(200, 'GET', '/api/ci/pipelines?limit=1');
    await api.json(200, 'GET', path);
    await api.ask('GET', `${path}/yaml`);
    await api.json(200, 'PUT', path, { body: { yaml_content: `${much}# more\n` } });
    await api.json(200, 'PATCH', path, { body: { description: null, enabled: false } });
    await api.json(409, 'POST', `${path}/trigger`, { body: {} });
    await api.json(409, 'PUT', path, {
      body: { yaml_content: much },
      headers: { 'if-match': '"1"' },
    });
    await api.json(200, 'GET', `${path}/versions?limit=1`);
    await api.json(200, 'GET', `${path}/versions/1`);
    await api.json(200, 'GET', `${path}/stats`);
    const hook = { type: 'webhook', url: 'https://203.0.114.5/hook', on: ['failure', 'success'] };
    await api.json(200, 'PUT', `${path}/channels/on-call`, { body: hook });
    await api.json(400, 'PUT', `${path}/channels/on-call`, { body: { ...hook, on: [] } });
    await api.json(422, 'PUT', `${path}/channels/mail`, {
      body: { type: 'email', to: ['ops@example.org'] },
    });
    await api.json(200, 'GET', `${path}/channels`);
    await api.json(200, 'GET', `${path}/alerts?limit=1`);
    await api.ask('DELETE', `${path}/channels/on-call`);
    await api.json(404, 'DELETE', `${path}/channels/on-call`);
    await api.ask('GET', `/api/badges/${id}.svg`);
    await api.ask('DELETE', path);
    await api.json(404, 'GET', path);
    expect(api.problems).toEqual([]);
  });

  it('agree on uploads, and on what is sent twice', async () => {
    const part = Buffer.from(
      `--b\r\nContent-Disposition: form-data; name="pipeline"; filename="p.yaml"\r\nContent-Type: text/yaml\r\n\r\n${hello}\r\n--b--\r\n`,
    );
    const type = { 'content-type': 'multipart/form-data; boundary=b' };
    await api.json(201, 'POST', '/api/ci/pipelines/upload', { body: part, headers: type });
    const headers = { 'idempotency-key': randomUUID() };
    const once = { body: { yaml_content: hello }, headers };
    await api.json(201, 'POST', '/api/ci/pipelines', once);
    await api.json(201, 'POST', '/api/ci/pipelines', once);
    await api.json(422, 'POST', '/api/ci/pipelines', { headers, body: { yaml_content: slow } });
    expect(api.problems).toEqual([]);
  });

  it('agree on what stores nothing', async () => {
    const path = '/api/ci/pipelines';
    for (const yaml of [
      much,
      'name: 3\nwhat: ever\n',
      cloning(repositories.placeholders['REPO_URL'] ?? ''),
    ]) {
      const body = { yaml_content: yaml };
      await api.json(200, 'POST', `${path}/validate`, { body });
      await api.json(200, 'POST', `${path}/plan`, { body });
      const event = { ...body, trigger: { event: 'push', branch: 'main' } };
      await api.json(200, 'POST', `${path}/plan`, { body: event });
    }
    await api.json(200, 'POST', `${path}/plan`, { body: { pipeline_id: await create(much) } });
    expect(api.problems).toEqual([]);
  });

  it('agree on what kind of project it is', async () => {
    const repository = repositories.placeholders['REPO_URL'] ?? '';
    const path = '/api/detect';
    await api.json(200, 'POST', path, { body: { repository } });
    await api.json(200, 'POST', path, { body: { repository, tag: 'v1.0', type: 'go' } });
    await api.json(422, 'POST', path, { body: { repository, branch: 'none' } });
    await api.json(400, 'POST', path, { body: { repository: 'https://u:p@127.0.0.1/a.git' } });
    const tar = await madeTar([
      { name: 'package.json', content: '{ "dependencies": { "express": "5" } }' },
      { name: 'yarn.lock', content: '' },
      { name: 'package-lock.json', content: '{' },
      { name: 'index.js', content: '' },
    ]);
    const form = (archive: Buffer): Ask => ({
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
      body: Buffer.concat([
        Buffer.from(
          '--b\r\nContent-Disposition: form-data; name="archive"; filename="p.tar"\r\nContent-Type: application/x-tar\r\n\r\n',
        ),
        archive,
        Buffer.from('\r\n--b--\r\n'),
      ]),
    });
    await api.json(200, 'POST', `${path}/upload`, form(tar));
    await api.json(422, 'POST', `${path}/upload`, form(Buffer.from('hello')));
    expect(api.problems).toEqual([]);
  });

  it('agree on executions in every state', async () => {
    const [muchId, failingId, slowId, lateId, nowhereId] = await Promise.all(
      [much, failing, slow, late, nowhere].map(create),
    );
    const cloned = await create(cloning(repositories.placeholders['REPO_URL'] ?? ''));
    const ids = {
      success: await trigger(muchId ?? ''),
      failed: await trigger(failingId ?? '', { environment: { A: 'b' } }),
      timeout: await trigger(lateId ?? ''),
      cloned: await trigger(cloned, { branch: 'main', trigger_type: 'cli' }),
      running: await trigger(slowId ?? ''),
      pending: await trigger(nowhereId ?? ''),
    };
    await until(ids.running, 'running');
    for (const id of [ids.running, ids.pending]) await look(id);
    await api.json(200, 'DELETE', `/api/ci/executions/${ids.running}/cancel`);
    await api.json(200, 'POST', `/api/ci/executions/${ids.pending}/cancel`, {
      body: { reason: 'enough' },
    });
    await until(ids.success, 'success');
    await until(ids.failed, 'failed');
    await until(ids.timeout, 'timeout');
    await until(ids.cloned, 'success');
    await until(ids.running, 'cancelled');
    const rerun = `/api/ci/executions/${ids.cloned}/rerun`;
    const again = (await api.json<Accepted>(202, 'POST', rerun, { body: {} })).execution_id;
    await until(again, 'success');
    for (const id of [...Object.values(ids), again]) {
      await look(id);
      await api.ask('GET', `/api/ci/executions/${id}/events`);
    }
    await api.json(409, 'POST', `/api/ci/executions/${ids.success}/cancel`, { body: {} });
    await api.json(422, 'POST', `/api/ci/pipelines/${muchId ?? ''}/trigger`, {
      body: { inputs: { unknown: 1 } },
    });
    await api.json(200, 'GET', '/api/ci/executions');
    await api.json(200, 'GET', `/api/ci/executions?limit=2&status=failed`);
    for (const id of [muchId, failingId]) {
      await api.json(200, 'GET', `/api/ci/pipelines/${id ?? ''}/stats?days=1`);
      const badge = await api.ask('GET', `/api/badges/${id ?? ''}.svg?label=x`);
      const headers = { 'if-none-match': badge.headers['etag'] ?? '' };
      await api.ask('GET', `/api/badges/${id ?? ''}.svg?label=x`, { headers });
    }
    expect(api.problems).toEqual([]);
  });

  it('agree on workers, health, metrics and the log', async () => {
    const [worker] = await api.json<{ id: string }[]>(200, 'GET', '/api/workers');
    const drain = `/api/workers/${worker?.id ?? ''}/drain`;
    await api.json(200, 'POST', drain, { body: { reason: 'kernel' } });
    await api.json(200, 'GET', '/api/workers');
    await api.json(200, 'DELETE', drain);
    for (const path of ['/api/healthchecker', '/api/health/live', '/api/health/ready']) {
      await api.json(200, 'GET', path, { token: null });
    }
    const schema = await api.json(200, 'GET', '/api/schema.json', { token: null });
    expect(schema).toEqual(schemaDocument());
    await api.ask('GET', '/metrics');
    await api.ask('GET', '/metrics?scope=process');
    await api.json(200, 'GET', '/api/log-level');
    await api.json(200, 'PUT', '/api/log-level', { body: { level: 'warn', for_seconds: 60 } });
    await api.json(200, 'GET', '/api/log-level');
    await api.json(200, 'DELETE', '/api/log-level');
    expect(api.problems).toEqual([]);
  });

  it('agree on services', async () => {
    const body = { name: 'seen', endpoints: ['tcp://203.0.114.5:5432'], metadata: { a: 'b' } };
    const { id } = await api.json<{ id: string }>(201, 'POST', '/api/services', { body });
    await api.json(409, 'POST', '/api/services', { body });
    await api.json(422, 'POST', '/api/services', {
      body: { name: 'inside', endpoints: ['http://10.1.2.3/'] },
    });
    await api.json(200, 'GET', '/api/services?limit=1&environment=default');
    await api.json(200, 'GET', `/api/services/${id}`);
    await api.json(200, 'PATCH', `/api/services/${id}`, { body: { check: { up: 5 } } });
    await api.json(503, 'GET', '/api/discovery/seen');
    await api.json(200, 'GET', `/api/services/${id}/health?resolution=hour&limit=1`);
    await api.json(409, 'GET', `/api/services/${id}/logs?lines=5`);
    await api.json(
      400,
      'GET',
      `/api/services/${id}/health?from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z`,
    );
    await api.json(404, 'GET', '/api/discovery/seen?environment=production');
    const beat = { ttl_seconds: 60, endpoints: ['http://127.0.0.1:1/'] };
    await api.json(200, 'POST', '/api/services/default%2Fbatch/heartbeat', { body: beat });
    await eventually(async () => {
      const found = await api.ask('GET', '/api/discovery/batch');
      return found.status === 200 ? found : undefined;
    });
    const hook = { type: 'webhook', url: 'https://203.0.114.5/hook', secret: 'of-the-hook' };
    await api.json(200, 'PUT', `/api/services/${id}/channels/on-call`, { body: hook });
    await api.json(422, 'PUT', `/api/services/${id}/channels/mail`, {
      body: { type: 'email', to: ['ops@example.org'] },
    });
    await api.json(400, 'PUT', `/api/services/${id}/channels/on-call`, {
      body: { type: 'webhook' },
    });
    await api.json(200, 'GET', `/api/services/${id}/channels`);
    await api.json(200, 'GET', `/api/services/${id}/alerts?limit=1`);
    await api.ask('DELETE', `/api/services/${id}/channels/on-call`);
    await api.json(404, 'DELETE', `/api/services/${id}/channels/on-call`);
    const window = { minutes: 30, reason: 'a new disk' };
    await api.json(200, 'POST', `/api/services/${id}/maintenance`, { body: window });
    await api.json(400, 'POST', `/api/services/${id}/maintenance`, { body: {} });
    await api.json(200, 'DELETE', `/api/services/${id}/maintenance`);
    await api.json(200, 'GET', `/api/services/${id}/removal`);
    await api.ask('DELETE', `/api/services/${id}`);
    await api.json(404, 'GET', `/api/services/${id}`);
    expect(api.problems).toEqual([]);
  });

  it('agree on ports', async () => {
    await api.json(200, 'GET', '/api/ports');
    await api.json(200, 'GET', '/api/ports?limit=1');
    await api.json(400, 'GET', '/api/ports?cursor=x');
    expect(api.problems).toEqual([]);
  });

  it('agree on the audit', async () => {
    await api.json(200, 'GET', '/api/audit?limit=2');
    await api.json(200, 'GET', '/api/audit?actor=token&action=pipelines.create&outcome=success');
    await api.json(400, 'GET', '/api/audit?action=no.such');
    const { last } = await api.json<{ last: { seq: number; hash: string } }>(
      200,
      'GET',
      '/api/audit/verify',
    );
    const since = `since_seq=${String(last.seq)}&since_hash=`;
    await api.json(200, 'GET', `/api/audit/verify?${since}${last.hash}`);
    await api.json(200, 'GET', `/api/audit/verify?${since}${'0'.repeat(64)}`);
    expect(api.problems).toEqual([]);
  });

  it('agree on the schedules of a pipeline', async () => {
    const yaml = 'name: daily\ntriggers: [{ schedule: { cron: "0 3 * * *" } }]\nsteps: [true]\n';
    const body = { yaml_content: yaml };
    const { id } = await api.json<{ id: string }>(201, 'POST', '/api/ci/pipelines', { body });
    await api.json(200, 'GET', `/api/ci/pipelines/${id}/schedules`);
    expect(api.problems).toEqual([]);
  });

  it('agree on secrets', async () => {
    const id = await create(hello);
    const body = { value: 'hunter2-and-more' };
    for (const query of ['', `?pipeline_id=${id}`]) {
      await api.json(200, 'PUT', `/api/secrets/A_KEY${query}`, { body });
    }
    const rules = { events: ['push'], protected: true };
    await api.json(200, 'PATCH', '/api/secrets/A_KEY', { body: rules });
    await api.json(200, 'GET', '/api/secrets?limit=1');
    await api.json(200, 'GET', `/api/secrets?pipeline_id=${id}`);
    expect((await api.ask('DELETE', '/api/secrets/A_KEY')).status).toBe(204);
    expect(api.problems).toEqual([]);
  });

  it('agree on encryption keys', async () => {
    const { keys } = await api.json<{ keys: { id: string }[] }>(
      201,
      'POST',
      '/api/encryption-keys',
    );
    await api.json(200, 'GET', '/api/encryption-keys');
    const path = `/api/encryption-keys/${keys[1]?.id ?? ''}`;
    await eventually(async () => (await api.ask('DELETE', path)).status === 204 || undefined);
    expect(api.problems).toEqual([]);
  });

  it('agree on repositories, webhooks and deliveries', async () => {
    const repository = await ConnectedRepository.start({
      '.millrace.yml': 'name: shop\ntriggers: [pull_request]\nsteps:\n  - run: date\n',
    });
    const { forge, head } = repository;
    try {
      const connected = await api.json<{ id: string; paste: { secret: string } }>(
        201,
        'POST',
        '/api/repositories',
        { body: repository.connection },
      );
      const path = `/api/repositories/${connected.id}`;
      await api.json(200, 'GET', '/api/repositories');
      await api.json(200, 'GET', `${path}/pipelines`);
      await api.json(200, 'GET', path);
      await api.json(200, 'PATCH', path, { body: { forks: 'approval', protected_tags: ['v*'] } });
      await api.json(200, 'POST', `${path}/check`);
      const deliver = (webhook: string, event: string, payload: object): Promise<Accepted> => {
        const delivery = Buffer.from(JSON.stringify(payload));
        const signature = createHmac('sha256', connected.paste.secret).update(delivery);
        return api.json<Accepted>(202, 'POST', webhook, {
          token: null,
          body: delivery,
          headers: {
            'content-type': 'application/json',
            'x-github-event': event,
            'x-github-delivery': randomUUID(),
            'x-hub-signature-256': `sha256=${signature.digest('hex')}`,
          },
        });
      };
      await deliver(`${path}/webhook`, 'ping', { zen: 'a', repository: { id: 4711 } });
      const fromFork = forge.forkPullRequest('main', head, head);
      const { delivery_id: id } = await deliver('/api/webhooks/github', 'pull_request', fromFork);
      const decided = await eventually(async () => {
        const { decisions } = await api.json<Decided>(200, 'GET', `/api/ci/deliveries/${id}`);
        return decisions[0];
      }, 30_000);
      const approval = { pipeline_id: decided.pipeline_id, commit: head };
      await api.json(202, 'POST', `/api/ci/deliveries/${id}/approve`, { body: approval });
      await api.json(202, 'POST', `/api/ci/deliveries/${id}/replay`, { body: { dry_run: true } });
      const called = `/api/ci/pipelines/${decided.pipeline_id}`;
      const { secret } = await api.json<{ secret: string }>(
        200,
        'POST',
        `${called}/webhook-secret`,
      );
      await api.json(202, 'POST', `${called}/webhook`, {
        token: null,
        body: Buffer.from('{}'),
        headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
      });
      const { items } = await api.json<{ items: { id: string }[] }>(
        200,
        'GET',
        '/api/ci/deliveries',
      );
      expect(items).toHaveLength(4);
      await api.json(200, 'POST', `${path}/webhook-secret`);
      expect((await api.ask('DELETE', path)).status).toBe(204);
    } finally {
      await repository.stop();
    }
    expect(api.problems).toEqual([]);
  });
});

describe('the OpenAPI document and a live server where people log in', () => {
  let server: MillraceServer;
  let forge: OAuthStandIn;
  let api: LiveApi;

  beforeAll(async () => {
    forge = await OAuthStandIn.start();
    const port = String(await freePort());
    server = await MillraceServer.start({
      workers: 0,
      environment: {
        ...forge.environment,
        PORT: port,
        PUBLIC_URL: `http://127.0.0.1:${port}`,
        ALLOWED_LOGINS: '*',
        AUTH_FAILURE_LIMIT: '0',
      },
    });
    api = new LiveApi(documented, server.baseUrl);
  });

  afterAll(async () => {
    await server.stop();
    await forge.stop();
  });

  beforeEach(() => {
    api.problems.length = 0;
  });

  /** Logs in at the stand-in, and comes back as it is told to. */
  const comeBack = async (
    query: string,
    accept: string,
  ): Promise<{ readonly cookies: string; readonly location: string; readonly text: string }> => {
    const path = '/api/sessions/oauth/github';
    const begun = await api.ask('GET', path + query, { token: null });
    const back = forge.consent(begun.headers['location'] ?? '', { id: 7, login: 'gil' });
    const { pathname, search } = new URL(back);
    const cookie = (begun.headers['set-cookie'] ?? '').split(';', 1)[0] ?? '';
    const { headers, text } = await api.ask('GET', pathname + search, {
      token: null,
      headers: { cookie, accept },
    });
    return { cookies: headers['set-cookie'] ?? '', location: headers['location'] ?? '', text };
  };
  interface Tokens {
    readonly session_id: string;
    readonly access_token: string;
    readonly refresh_token: string;
  }
  const logIn = async (): Promise<Tokens> =>
    JSON.parse((await comeBack('', 'application/json')).text) as Tokens;

  it('agree on log-ins and sessions', async () => {
    await api.json(200, 'GET', '/api/sessions/oauth', { token: null });
    const { cookies } = await comeBack('?return_to=/api/docs', 'text/html');
    const [cookie = ''] = /millrace_session=[^;]+/.exec(cookies) ?? [];
    const known = { token: null, headers: { cookie } };
    const me = await api.json<{ csrf_token: string }>(200, 'GET', '/api/sessions/me', known);
    const headers = { cookie, 'x-csrf-token': me.csrf_token };
    const path = '/api/sessions/logout';
    expect((await api.ask('POST', path, { token: null, headers })).status).toBe(204);

    const verifier = 'a-secret-of-the-command-line-that-nobody-else-knows';
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const waiting = `?cli_port=4711&cli_state=s&cli_challenge=${challenge}`;
    const { location } = await comeBack(waiting, 'text/html');
    const code = new URL(location).searchParams.get('code');
    const taken = await api.json<Tokens>(200, 'POST', '/api/sessions/token', {
      token: null,
      body: { code, verifier },
    });
    const { access_token: token, refresh_token } = taken;
    await api.json(200, 'POST', '/api/sessions/refresh', { token: null, body: { refresh_token } });
    const other = await logIn();
    await api.json(200, 'GET', '/api/sessions/list', { token });
    const ending = await api.ask('DELETE', `/api/sessions/${other.session_id}`, { token });
    expect(ending.status).toBe(204);
    expect((await api.ask('GET', path, { token })).status).toBe(204);
    const last = (await logIn()).access_token;
    expect((await api.ask('DELETE', '/api/sessions', { token: last })).status).toBe(204);
    await api.json(401, 'GET', '/api/sessions/me', { token: last });
    expect(api.problems).toEqual([]);
  });

  it('agree on users, tokens and service accounts', async () => {
    const token = (await logIn()).access_token;
    const { items: users } = await api.json<{ items: { id: string }[] }>(200, 'GET', '/api/users');
    const user = `/api/users/${users[0]?.id ?? ''}`;
    await api.json(200, 'GET', user);
    await api.json(200, 'PATCH', user, { body: { role: 'developer', blocked: false } });

    const body = { name: 'mine', scopes: ['pipelines:read'], expires_in_days: 1 };
    const made = await api.json<{ id: string }>(201, 'POST', '/api/tokens', { token, body });
    await api.json(200, 'GET', '/api/tokens', { token });
    expect((await api.ask('DELETE', `/api/tokens/${made.id}`, { token })).status).toBe(204);
    await api.json(403, 'POST', '/api/tokens', { body });

    const accounts = '/api/service-accounts';
    const account = await api.json<{ id: string }>(201, 'POST', accounts, {
      body: { name: 'bot', description: 'deploys' },
    });
    await api.json(409, 'POST', accounts, { body: { name: 'bot' } });
    await api.json(200, 'GET', accounts);
    await api.json(200, 'GET', `${accounts}/${account.id}`);
    const tokens = `${accounts}/${account.id}/tokens`;
    const its = await api.json<{ id: string }>(201, 'POST', tokens, { body });
    await api.json(422, 'POST', tokens, { body: { ...body, scopes: ['users:write'] } });
    await api.json(200, 'GET', tokens);
    expect((await api.ask('DELETE', `${tokens}/${its.id}`)).status).toBe(204);
    expect((await api.ask('DELETE', `${accounts}/${account.id}`)).status).toBe(204);
    expect(api.problems).toEqual([]);
  });
});

describe('the OpenAPI document and live servers', () => {
  it('have met at every way to succeed that the document knows', () => {
    expect(documented.unseen(/^[23]/)).toEqual([]);
  });
});
