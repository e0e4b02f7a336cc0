import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpClient } from '../http-client.js';
import type { Server } from '../rig.js';
import { atLeast, atMost, type Row, type RowResult, shown } from '../row.js';
import { until } from '../until.js';

/** Fewer are for a first look. */
const SERVICES = Number(process.env.WATCHED_SERVICES ?? 500);
const MEASURED_MS = 60_000;
/** Of one core, for all processes that watch. */
const GOAL_PERCENT = 10;
/** Executions that deploy at the same time. */
const AT_ONCE = 8;
/** Of the clock in /proc/PID/stat: 100 a second on Linux. */
const TICK_MS = 10;

interface Execution {
  readonly status: string;
}
interface Services {
  readonly items: readonly { readonly status: string }[];
  readonly next_cursor: string | null;
}

/**
 * What 500 services cost that run: each is a small web server that was deployed as a program of the
 * host, published, and is asked every 10 s. Needs Debian's busybox-static.
 */
export const watched: Row = {
  id: 'watched',
  measure: async (rig) => {
    const server = await rig.startServer('bench_watched', 1);
    try {
      return await ofDeployed(server);
    } finally {
      await rig.stopServer(server);
    }
  },
};

async function ofDeployed(server: Server): Promise<RowResult> {
  const { http } = server;
  const pipeline = await createPipeline(http);
  let next = 0;
  const deploySome = async (): Promise<void> => {
    while (next < SERVICES) await deploy(http, pipeline, (next += 1));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, deploySome));
  while ((await running(http)) < SERVICES) await sleep(1_000);

  const watching = { api: server.apiPids(), worker: server.workerPids() };
  const supervisor = JSON.parse(
    readFileSync(join(server.home, 'services/supervisor.json'), 'utf8'),
  ) as { readonly pid: number };
  const all = { ...watching, supervisor: [supervisor.pid] };
  const before = cpuMs(all);
  const began = performance.now();
  await sleep(MEASURED_MS);
  const measuredMs = performance.now() - began;
  const after = cpuMs(all);
  const percent = new Map(
    Object.keys(all).map((name) => [
      name,
      (((after.get(name) ?? 0) - (before.get(name) ?? 0)) / measuredMs) * 100,
    ]),
  );
  const shares = [...percent].map(([name, share]) => `${name} ${shown(share)} %`).join(', ');
  const total = [...percent.values()].reduce((sum, share) => sum + share, 0);
  return {
    work: `${SERVICES} deployed services are watched for ${MEASURED_MS / 1_000} s (${shares})`,
    times: {},
    goals: [
      atMost('processes that watch, of one core', GOAL_PERCENT, total, ' %'),
      atLeast('services that run at the end', SERVICES, await running(http)),
    ],
  };
}

async function createPipeline(http: HttpClient): Promise<string> {
  const yaml_content = `name: watched
triggers: [{ manual: { inputs: { name: { type: string, default: none } } } }]
steps:
  - run: mkdir out && echo well >out/index.html
  - deploy:
      type: local_service
      service: "\${{ inputs.name }}"
      source: out
      run: exec busybox httpd -f -p "127.0.0.1:$PORT" -h .
      gate: { path: /index.html, stable: 50ms }
`;
  return (await http.json<{ id: string }>('POST', '/api/ci/pipelines', { yaml_content })).id;
}

async function deploy(http: HttpClient, pipeline: string, number: number): Promise<void> {
  const { execution_id: id } = await http.json<{ execution_id: string }>(
    ...(['POST', `/api/ci/pipelines/${pipeline}/trigger`] as const),
    { inputs: { name: `watched-${number}` } },
  );
  const { status } = await until<Execution>(
    ...([http, `/api/ci/executions/${id}`] as const),
    (now) => !['pending', 'running'].includes(now.status),
  );
  if (status !== 'success') throw new Error(`deploy ${number}: ${status}`);
}

/** How many services pass their checks. */
async function running(http: HttpClient): Promise<number> {
  let count = 0;
  for (let cursor: string | null = ''; cursor !== null;) {
    const path: string = `/api/services?limit=100${cursor && `&cursor=${cursor}`}`;
    const page: Services = await http.json<Services>('GET', path);
    count += page.items.filter(({ status }) => status === 'running').length;
    cursor = page.next_cursor;
  }
  return count;
}

/** Time of the processor that processes have used, by their names. */
function cpuMs(
  processes: Readonly<Record<string, readonly number[]>>,
): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(processes).map(([name, pids]) => [
      name,
      pids.map(cpuMsOf).reduce((sum, ms) => sum + ms, 0),
    ]),
  );
}

function cpuMsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name of the program is in brackets and may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
