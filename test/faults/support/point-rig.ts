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

interface Strike {
  /** Full name of the test. */
  readonly fault: string;
  readonly point: WorkerPoint;
  readonly blow: Blow;
  /** The first attempt of the step or hook at which it is hit would last for minutes. */
  readonly lasting?: boolean;
}

/** From the blow to the end, with what other tests on the machine may add: a lease of 15 s, a look each 5 s. */
const END_MS = 90_000;

/**
 * Workers that are hit in one state of a run, side by side: each has a label of its own, so that it and its heir see one
 * execution only. Started by the first test that needs it, because Jest runs `it.concurrent` before `beforeAll`.
 */
export class PointRig {
  private server: Promise<MillraceServer> | undefined;
  private count = 0;

  /** Hits a worker, and returns how its execution ended under its heir, held against the invariants. */
  async strike({ fault, point, blow, lasting = false }: Strike): Promise<ExecutionBody> {
    const server = await (this.server ??= MillraceServer.start({ workers: 0 }));
    const ledger = await Ledger.open();
    const label = `l${(this.count += 1)}`;
    const labels = { WORKER_LABELS: label, WORKER_CONCURRENCY: '1' };
    const doomed = await server.startWorker({ ...labels, FAIL_POINT: `${point}:${blow}` });
    const pipeline = await server.createPipeline(
      yamlOf(label, ledger, lasting ? point : undefined),
    );
    const id = await server.trigger(pipeline);
    await eventually(() => isHit(doomed, blow));
    const hitAt = performance.now();
    await new Jitter(fault).before(1_000);
    await server.startWorker(labels);
    const ended = await server.finished(id, END_MS);
    noteRecovery(`${blow} at ${point} to the end`, hitAt, fault);
    if (blow === 'SIGSTOP') {
      // It slept past its lease: it finds that nothing counts any more, and ends by itself.
      doomed.child.kill('SIGCONT');
      await eventually(() => doomed.child.exitCode ?? undefined, 40_000);
    }
    if (blow === 'SIGTERM') {
      expect(await eventually(() => doomed.child.exitCode ?? undefined, 40_000)).toBe(0);
    }
    const subject = { server, ledger, accepted: [id], ended: new Map([[id, ended]]) };
    await expectInvariants(subject, fault);
    await ledger.remove();
    return ended;
  }

  async stop(): Promise<void> {
    await (await this.server)?.stop();
  }
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
