import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../../src/config/environment.js';
import { defaultCache } from '../../../src/config/paths.js';
import { CADDY_COMPONENT, installCaddy } from '../../../src/embedded/caddy/caddy-install.js';
import { cachedComponent } from '../../../src/embedded/system/component-cache.js';
import { DockerEngine } from '../../support/docker-engine.js';
import { freePort } from '../../support/free-port.js';
import { makeNodeStepImage } from '../../support/language-images.js';
import { SteadyRequests } from '../../support/steady-requests.js';
import type { HttpClient } from '../http-client.js';
import type { Rig } from '../rig.js';
import { median } from '../rounds.js';
import { atMost, type Row, type RowResult } from '../row.js';
import { until } from '../until.js';

/** From the last probe of the gate to the last new request that the old release gets. */
const GOAL_MS = 1_000;
/** Deploys of a round. */
const DEPLOYS = 4;
const PER_SECOND = 200;
const READ_EVERY_MS = 1;
const IMAGE = 'switch:1';

/**
 * Tells with each answer when it was asked, and when it was last probed before anybody else asked:
 * that is the last probe of its gate.
 */
const programAt = (address: string): string => `let probed = null;
let isServing = false;
require('node:http').createServer(({ url }, answer) => {
  const asked = Date.now();
  if (url === '/gate') {
    if (!isServing) probed = asked;
    return answer.end();
  }
  isServing = true;
  answer.end(JSON.stringify({ release: process.env.RELEASE, asked, probed }));
}).listen(process.env.PORT, '${address}');
`;

interface ProgramAnswer {
  readonly release: string;
  readonly asked: number;
  readonly probed: number | null;
}

interface Execution {
  readonly status: string;
  readonly stages: readonly {
    readonly steps: readonly {
      readonly attempts: readonly { readonly deployment?: { readonly id: string } }[];
    }[];
  }[];
}

interface Deployment {
  readonly phases: readonly { readonly name: string; readonly started_at: string }[];
}

/** A program of the host, behind the proxy. */
export const switchProgram: Row = {
  id: 'switch-program',
  measure: async (rig, rounds) => {
    const run = JSON.stringify([process.execPath, '-e', programAt('127.0.0.1')]);
    return withServer(rig, 'switch_program', {}, (http) =>
      behindTheProxy(http, 'a program', rounds, `type: local_service, source: out, run: ${run}`),
    );
  },
};

/** A container, by an engine of its own. Needs root and Docker. */
export const switchContainer: Row = {
  id: 'switch-container',
  measure: async (rig, rounds) => {
    const engine = await DockerEngine.start();
    try {
      await makeNodeStepImage(engine, IMAGE);
      const command = JSON.stringify(['node', '-e', programAt('0.0.0.0')]);
      const keys = `type: docker_container, image: "${IMAGE}", port: 8080, command: ${command}`;
      return await withServer(rig, 'switch_container', { DOCKER_HOST: engine.host }, (http) =>
        behindTheProxy(http, 'a container', rounds, keys),
      );
    } finally {
      await engine.stop();
    }
  },
};

/** The link of a folder. It has no gate: the time is from the record of the switch. */
export const switchFolder: Row = {
  id: 'switch-folder',
  measure: async (rig, rounds) => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-switch-'));
    // The worker deploys as itself, steps are another user.
    await chmod(folder, 0o755);
    try {
      return await withServer(rig, 'switch_folder', { DEPLOY_FOLDERS: folder }, (http) =>
        ofTheLink(http, rounds, join(folder, 'switched/current/release')),
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function withServer(
  rig: Rig,
  name: string,
  own: Environment,
  work: (http: HttpClient) => Promise<RowResult>,
): Promise<RowResult> {
  const server = await rig.startServer(`bench_${name}`, 1, own);
  try {
    return await work(server.http);
  } finally {
    await rig.stopServer(server);
  }
}

/** @param keys of the deployment, which say what is run */
async function behindTheProxy(
  http: HttpClient,
  what: string,
  rounds: number,
  keys: string,
): Promise<RowResult> {
  await bringProxy();
  const port = await freePort();
  const deploys = await Deploys.of(
    http,
    `${keys}, publish: ${port}, drain: 1s, gate: { path: /gate, stable: 200ms }, ` +
      'variables: { RELEASE: "${{ inputs.release }}" }',
  );
  await deploys.one(0);
  /** Of each release. */
  const probed = new Map<number, number>();
  const lastAsked = new Map<number, number>();
  const requests = new SteadyRequests(`http://127.0.0.1:${port}/`, PER_SECOND, (body) => {
    const { release, asked, probed: at } = JSON.parse(body) as ProgramAnswer;
    const number = Number(release);
    lastAsked.set(number, Math.max(asked, lastAsked.get(number) ?? 0));
    if (at !== null) probed.set(number, at);
    return true;
  });
  const count = rounds * DEPLOYS;
  let failed = 0;
  try {
    for (let number = 1; number <= count; number += 1) await deploys.one(number);
  } finally {
    const sent = await requests.stop();
    for (const times of sent.failed.values()) failed += times;
  }
  const times = Array.from({ length: count }, (_, before) => {
    const [last, probe] = [lastAsked.get(before), probed.get(before + 1)];
    if (last === undefined || probe === undefined) throw new Error(`nobody asked ${before}`);
    return last - probe;
  });
  return {
    work: `last probe of the gate to the last request of the old release, ${what}, ${count} deploys under ${PER_SECOND} requests/s`,
    times: { millrace: times },
    goals: [...goalsOf(times), atMost('requests that failed', 0, failed)],
  };
}

/** As after the first deployment of this machine, which builds the proxy: that takes minutes. */
async function bringProxy(): Promise<void> {
  const progress = (line: string): void => void process.stderr.write(`${line}\n`);
  const { env } = process;
  await cachedComponent({
    ...{ cache: defaultCache(), env, name: CADDY_COMPONENT, progress },
    make: (root) => installCaddy(root, { env, progress }),
  });
}

/** @param path of the file that each release has */
async function ofTheLink(http: HttpClient, rounds: number, path: string): Promise<RowResult> {
  const deploys = await Deploys.of(http, 'type: local_directory, source: out');
  await deploys.one(0);
  const lastRead = new Map<number, number>();
  const timer = setInterval(() => {
    const at = Date.now();
    lastRead.set(Number(readFileSync(path, 'utf8')), at);
  }, READ_EVERY_MS);
  const count = rounds * DEPLOYS;
  const begun: number[] = [];
  try {
    for (let number = 1; number <= count; number += 1) begun.push(await deploys.one(number));
  } finally {
    clearInterval(timer);
  }
  const times = begun.map((at, before) => (lastRead.get(before) ?? NaN) - at);
  return {
    work: `record of the switch to the last read of the old release, a folder, ${count} deploys, a read each ms`,
    times: { millrace: times },
    goals: goalsOf(times),
  };
}

function goalsOf(times: readonly number[]): RowResult['goals'] {
  return [
    atMost('p50', GOAL_MS, median(times), ' ms'),
    atMost('longest', GOAL_MS, Math.max(...times), ' ms'),
  ];
}

/** Deployments of one service, each with its number in the file `out/release`. */
class Deploys {
  private constructor(
    private readonly http: HttpClient,
    private readonly pipeline: string,
  ) {}

  /** @param keys of the deploy, beside the service */
  static async of(http: HttpClient, keys: string): Promise<Deploys> {
    const yaml_content = `name: switched
triggers: [{ manual: { inputs: { release: { type: string, default: "0" } } } }]
steps:
  - run: mkdir out; printf %s "$RELEASE" >out/release
    environment: { RELEASE: "\${{ inputs.release }}" }
  - name: ship
    deploy: { service: switched, keep: 2, ${keys} }
`;
    const path = '/api/ci/pipelines';
    return new Deploys(http, (await http.json<{ id: string }>('POST', path, { yaml_content })).id);
  }

  /** Resolves at its end, with when its switch began by the record, ms since 1970. */
  async one(release: number): Promise<number> {
    const { http, pipeline } = this;
    const { execution_id: id } = await http.json<{ execution_id: string }>(
      ...(['POST', `/api/ci/pipelines/${pipeline}/trigger`] as const),
      { inputs: { release: String(release) } },
    );
    const { status, stages } = await until<Execution>(
      ...([http, `/api/ci/executions/${id}`] as const),
      (now) => !['pending', 'running'].includes(now.status),
    );
    if (status !== 'success') throw new Error(`deploy ${release}: ${status}`);
    const attempts = stages.flatMap(({ steps }) => steps).flatMap((step) => step.attempts);
    const deployment = attempts.flatMap((attempt) => attempt.deployment?.id ?? [])[0] ?? '';
    const { phases } = await http.json<Deployment>('GET', `/api/deployments/${deployment}`);
    return Date.parse(phases.find(({ name }) => name === 'switch')?.started_at ?? '');
  }
}
