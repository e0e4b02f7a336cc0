import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/config/paths.js';
import { ScenarioRepositories } from '../scenarios/scenario-repositories.js';
import { DocumentedApi, type ApiDocument } from '../support/documented-api.js';
import { eventually } from '../support/eventually.js';
import { LiveApi } from '../support/live-api.js';
import { MillraceServer } from '../support/millrace-server.js';

jest.setTimeout(120_000);

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

describe('the OpenAPI document and the live server', () => {
  let server: MillraceServer;
  let repositories: ScenarioRepositories;
  let api: LiveApi;

  beforeAll(async () => {
    repositories = await ScenarioRepositories.start();
    server = await MillraceServer.start({
      workers: 1,
      environment: { RATE_LIMIT: '0', AUTH_FAILURE_LIMIT: '0', COMPILE_LIMIT: '0' },
    });
    api = new LiveApi(documented, server.baseUrl);
  });

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
    await api.ask('GET', '/metrics');
    await api.ask('GET', '/metrics?scope=process');
    await api.json(200, 'GET', '/api/log-level');
    await api.json(200, 'PUT', '/api/log-level', { body: { level: 'warn', for_seconds: 60 } });
    await api.json(200, 'GET', '/api/log-level');
    await api.json(200, 'DELETE', '/api/log-level');
    expect(api.problems).toEqual([]);
  });

  it('have met at every way to succeed that the document knows', () => {
    expect(documented.unseen(/^[23]/)).toEqual([]);
  });
});
