import { readFile } from 'node:fs/promises';
import type { FailPoint } from '../../../src/common/fail-point.js';
import { eventually } from '../../support/eventually.js';
import { Ledger } from '../../support/ledger.js';
import {
  type ExecutionBody,
  MillraceServer,
  type ServerProcess,
} from '../../support/millrace-server.js';
import { expectInvariants, noteRecovery } from './expect-invariants.js';
import { Jitter } from './jitter.js';

export type Blow = 'SIGKILL' | 'SIGSTOP' | 'SIGTERM';

/** Every state of a run in which a worker can be hit. */
export const workerPoints = [
  'job_taken',
  'execution_claimed',
  'step_started',
  'step_ended',
  'hook_started',
  'log_closed',
  'execution_settled',
] as const satisfies readonly FailPoint[];

export type WorkerPoint = (typeof workerPoints)[number];

/** A worker that is hit in one state, and what it had. */
export interface Strike {
  readonly point: WorkerPoint;
  /** The first attempt of the step or hook at which it is hit would last for minutes. */
  readonly lasting?: boolean;
}

interface Struck {
  readonly id: string;
  readonly doomed: ServerProcess;
  readonly ledger: Ledger;
  readonly hitAt: number;
  readonly end: Promise<{ readonly execution: ExecutionBody; readonly at: number }>;
}

/**
 * From the blow to the end, with the start of all others, the heir's, and what other tests on the
 * machine may add.
 */
const END_MS = 200_000;
const STARTS_AT_ONCE = 2;

/**
 * Workers that are hit, each in another state of a run, all at once; then one heir of all of them
 * comes. Each has a label of its own, so that it has one execution only.
 */
export class PointRig {
  private constructor(
    private readonly server: MillraceServer,
    private readonly blow: Blow,
    private readonly struck: ReadonlyMap<Strike, Promise<Struck>>,
    private readonly heirAt: Promise<number>,
  ) {}

  static async start(blow: Blow, strikes: readonly Strike[]): Promise<PointRig> {
    const server = await MillraceServer.start({ workers: 0 });
    const labels = strikes.map((_strike, index) => `l${index + 1}`);
    // A start is a second of work: all at once, none of them would be ready in time on a machine
    // that does more than this.
    const lanes = Array.from({ length: STARTS_AT_ONCE }, () => Promise.resolve<unknown>(undefined));
    const struck = strikes.map((strike, index) => {
      const lane = index % STARTS_AT_ONCE;
      const next = (lanes[lane] ?? Promise.resolve()).then(() =>
        hit(server, blow, strike, labels[index] ?? ''),
      );
      lanes[lane] = next.catch(() => undefined);
      return next;
    });
    const heirAt = Promise.allSettled(struck).then(async () => {
      await server.startWorker({ WORKER_LABELS: labels.join(','), WORKER_CONCURRENCY: '8' });
      return performance.now();
    });
    heirAt.catch(() => undefined);
    const byStrike = new Map(
      strikes.map((strike, index) => {
        const one = struck[index] ?? Promise.reject(new Error('no such strike'));
        return [strike, one] as const;
      }),
    );
    return new PointRig(server, blow, byStrike, heirAt);
  }

  /**
   * How the execution ended under the heir: by success, in this attempt, and held against the
   * invariants.
   */
  async success(strike: Strike, attempt: number): Promise<ExecutionBody> {
    const ended = await this.outcome(strike);
    if (ended.status !== 'success' || ended.attempt !== attempt) {
      throw new Error(`not a success in attempt ${attempt}: ${JSON.stringify(ended, null, 1)}`);
    }
    return ended;
  }

  private async outcome(strike: Strike): Promise<ExecutionBody> {
    const { server, blow } = this;
    const struck = await this.struck.get(strike);
    if (!struck) throw new Error('no such strike');
    const { id, doomed, ledger, hitAt, end } = struck;
    const heirAt = await this.heirAt;
    const { execution: ended, at } = await end;
    noteRecovery(
      `${blow} at ${strike.point} to the end`,
      at - Math.max(hitAt, Math.min(heirAt, at)),
    );
    if (blow === 'SIGSTOP') {
      // Slept past its lease, it finds that nothing counts any more, and ends by itself.
      await eventually(async () => (await this.server.isLost(doomed)) || undefined, 40_000);
      doomed.child.kill('SIGCONT');
      await eventually(() => doomed.child.exitCode ?? undefined, 40_000);
    }
    if (blow === 'SIGTERM') {
      expect(await eventually(() => doomed.child.exitCode ?? undefined, 40_000)).toBe(0);
    }
    const subject = { server, ledger, accepted: [id], ended: new Map([[id, ended]]) };
    await expectInvariants(subject);
    return ended;
  }

  async stop(): Promise<void> {
    await this.server.stop();
    for (const struck of await Promise.allSettled(this.struck.values())) {
      if (struck.status === 'fulfilled') await struck.value.ledger.remove();
    }
  }
}

async function hit(
  server: MillraceServer,
  blow: Blow,
  { point, lasting = false }: Strike,
  label: string,
): Promise<Struck> {
  const ledger = await Ledger.open();
  const doomed = await server.startWorker({
    WORKER_LABELS: label,
    WORKER_CONCURRENCY: '1',
    FAIL_POINT: `${point}:${blow}`,
  });
  await new Jitter(`${blow} ${point}`).before(700);
  const pipeline = await server.createPipeline(yamlOf(label, ledger, lasting ? point : undefined));
  const id = await server.trigger(pipeline);
  await eventually(() => isHit(doomed, blow));
  const hitAt = performance.now();
  const end = server
    .finished(id, END_MS)
    .then((execution) => ({ execution, at: performance.now() }));
  // Awaited by the test of this strike, later.
  end.catch(() => undefined);
  return { id, doomed, ledger, hitAt, end };
}

function yamlOf(label: string, ledger: Ledger, lastsAt: WorkerPoint | undefined): string {
  const wait = (when: WorkerPoint): string =>
    lastsAt === when ? 'test "$CI_EXECUTION_ATTEMPT" = 2 || sleep 600' : 'sleep 0.2';
  const command = (run: string): string => JSON.stringify(`${ledger.note}\n${run}`);
  return `name: ${label}
retry_count: 1
runs_on: [${label}]
steps:
  - { name: first, retry: { max: 0 }, run: ${command(wait('step_started'))} }
  - { name: second, retry: { max: 0 }, run: ${command('echo second')} }
always:
  - { name: last, run: ${command(wait('hook_started'))} }
`;
}

async function isHit({ pid, child, output }: ServerProcess, blow: Blow): Promise<true | undefined> {
  switch (blow) {
    case 'SIGKILL':
      return child.signalCode === 'SIGKILL' || undefined;
    case 'SIGTERM':
      return output().includes('"signal":"SIGTERM"') || undefined;
    case 'SIGSTOP':
      // proc(5): T = stopped by a signal.
      return /^State:\s+T/m.test(await readFile(`/proc/${pid}/status`, 'utf8')) || undefined;
  }
}
