import autocannon from 'autocannon';
import type { HttpClient } from '../http-client.js';
import { type Rig } from '../rig.js';
import { atLeast, atMost, type Row } from '../row.js';

const RATE = 200;
const SECONDS = 20;
const CONNECTIONS = 20;
/** As many as the two workers run at once. */
const RUNS = 8;
const MAX_P99_MS = 60;

/** Talks ten times a second for longer than it is read. */
const YAML = `name: reads
steps:
  - name: talk
    run: i=0; while [ $i -lt 400 ]; do echo "line $i of a run that continues"; i=$((i+1)); sleep 0.1; done
`;

/**
 * Reads at a steady rate while runs continue: lists, executions, logs and explanations of what
 * runs, and of what is over.
 */
export const reads: Row = {
  id: 'reads',
  measure: async (rig) => {
    const { http } = rig.server;
    const pipeline = await http.json<{ id: string }>('POST', '/api/ci/pipelines', {
      yaml_content: YAML,
    });
    const ids = await Promise.all(Array.from({ length: RUNS }, () => trigger(http, pipeline.id)));
    await running(http, ids);
    const result = await load(rig, ids, pipeline.id);
    const ended = await statuses(http, ids);
    await Promise.all(ids.map((id) => http.send('POST', `/api/ci/executions/${id}/cancel`, {})));
    const bad = result.errors + result.timeouts + result.non2xx;
    return {
      work: `${RATE} reads a second for ${SECONDS} s (list, get, logs, explain) while ${RUNS} runs continue; p50 ${result.latency.p50} ms, p97.5 ${result.latency.p97_5} ms, slowest ${result.latency.max} ms`,
      times: {},
      goals: [
        atMost('p99', MAX_P99_MS, result.latency.p99, ' ms'),
        atMost('errors', 0, bad),
        atLeast('requests', RATE * SECONDS * 0.95, result.requests.total),
        atLeast('runs that kept running', RUNS, ended.filter((it) => it === 'running').length),
      ],
    };
  },
};

async function load(
  rig: Rig,
  ids: readonly string[],
  pipelineId: string,
): Promise<autocannon.Result> {
  const paths = ids.flatMap((id) => [
    '/api/ci/executions',
    `/api/ci/executions?limit=50&pipeline_id=${pipelineId}`,
    `/api/ci/executions?limit=50&status=success`,
    `/api/ci/executions/${id}`,
    `/api/ci/executions/${id}`,
    `/api/ci/executions/${id}/logs?limit=200`,
    `/api/ci/executions/${id}/explain`,
  ]);
  const headers = rig.server.http.headers;
  return autocannon({
    url: `http://127.0.0.1:${rig.server.http.port}`,
    connections: CONNECTIONS,
    duration: SECONDS,
    overallRate: RATE,
    requests: paths.map((path) => ({ method: 'GET', path, headers })),
  });
}

async function trigger(http: HttpClient, pipelineId: string): Promise<string> {
  const path = `/api/ci/pipelines/${pipelineId}/trigger`;
  return (await http.json<{ execution_id: string }>('POST', path, {})).execution_id;
}

async function running(http: HttpClient, ids: readonly string[]): Promise<void> {
  const giveUpAt = performance.now() + 30_000;
  for (;;) {
    if ((await statuses(http, ids)).every((status) => status === 'running')) return;
    if (performance.now() > giveUpAt) throw new Error('the runs did not all start within 30 s');
  }
}

async function statuses(http: HttpClient, ids: readonly string[]): Promise<string[]> {
  const paths = ids.map((id) => `/api/ci/executions/${id}`);
  const all = await Promise.all(paths.map((path) => http.json<{ status: string }>('GET', path)));
  return all.map(({ status }) => status);
}
