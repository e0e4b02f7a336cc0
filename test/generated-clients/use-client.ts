/** Uses the client that openapi-typescript makes of openapi.json: types checked by tsc, run against a real server. */
import createClient from 'openapi-fetch';
import type { components, paths } from './schema.js';

type Execution = components['schemas']['ExecutionResponse'];

const [, , baseUrl = '', token = ''] = process.argv;
const client = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${token}` } });
const terminal: readonly Execution['status'][] = ['success', 'failed', 'cancelled', 'timeout'];

function known<T>({ data, error }: { data?: T; error?: unknown }): T {
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data;
}

const yaml_content = 'name: typed\nsteps:\n  - { name: say, run: echo from TypeScript }\n';
const pipeline = known(await client.POST('/api/ci/pipelines', { body: { yaml_content } }));
const path = { id: pipeline.id };

// Nothing of these bodies is required.
const accepted = known(
  await client.POST('/api/ci/pipelines/{id}/trigger', { params: { path }, body: {} }),
);
const byHand = { environment: { WHO: 'typed' }, inputs: {} };
known(await client.POST('/api/ci/pipelines/{id}/trigger', { params: { path }, body: byHand }));
const planned = known(
  await client.POST('/api/ci/pipelines/plan', {
    body: { pipeline_id: pipeline.id, trigger: { branch: 'main' } },
  }),
);
known(await client.PUT('/api/log-level', { body: { level: 'info' } }));

const one = { params: { path: { id: accepted.execution_id } } };
let execution: Execution;
do {
  execution = known(await client.GET('/api/ci/executions/{id}', one));
  await new Promise((resolve) => setTimeout(resolve, 50));
} while (!terminal.includes(execution.status));
known(await client.POST('/api/ci/executions/{id}/rerun', { ...one, body: {} }));

// What may be null must be asked for it, and may be read behind it.
const author: string | null = execution.commit === null ? null : execution.commit.author;
const code: string | undefined = execution.reason?.code;
// @ts-expect-error: the commit may be null
void (() => execution.commit.sha);
// @ts-expect-error: no such property
void (() => execution.nonsense);
// @ts-expect-error: a text is needed
void (() => client.POST('/api/service-accounts', { body: { name: 7 } }));

const list = known(
  await client.GET('/api/ci/executions', {
    params: { query: { limit: 10, pipeline_id: pipeline.id } },
  }),
);
const log = known(
  await client.GET('/api/ci/executions/{id}/logs', {
    ...one,
    headers: { accept: 'text/plain' },
    parseAs: 'text',
  }),
);
const missing = await client.GET('/api/ci/pipelines/{id}', {
  params: { path: { id: '00000000-0000-7000-8000-000000000000' } },
});

const seen = {
  status: execution.status,
  commit: execution.commit,
  author,
  reason: typeof code,
  steps: execution.stages.flatMap(({ steps }) => steps.map(({ name }) => name)),
  starts: planned.decision?.starts ?? null,
  repository: planned.plan?.repository ?? null,
  listed: Array.isArray(list) ? -1 : list.items.length,
  log,
  missing: missing.error?.error ?? null,
};
process.stdout.write(`${JSON.stringify(seen)}\n`);
