import { Ledger } from '../support/ledger.js';
import {
  type ExecutionBody,
  MillraceServer,
  type ServerProcess,
} from '../support/millrace-server.js';
import { expectInvariants, noteRecovery } from './support/expect-invariants.js';
import { Jitter } from './support/jitter.js';

/** From the loss of a worker to the end, with what the machine's load may add. */
const LOSS_MS = 40_000;

interface Explained {
  readonly stages: readonly {
    readonly name: string;
    readonly reason: { readonly code: string; readonly message: string; readonly data?: unknown };
    readonly when: { readonly result: boolean } | null;
    readonly steps: readonly { readonly reason: { readonly code: string } }[];
  }[];
}

describe('a worker is lost or stopped in the second stage', () => {
  let server: MillraceServer;
  let ledger: Ledger;
  const jitter = new Jitter('worker-resumes');

  beforeAll(async () => {
    ledger = await Ledger.open();
    server = await MillraceServer.start({ workers: 2, concurrency: 2 });
  });

  afterAll(async () => {
    await server.stop();
    await ledger.remove();
  });

  const yaml = (resume: boolean): string =>
    JSON.stringify({
      name: `resumes-${resume}`,
      retry_count: 1,
      ...(resume && { resume }),
      stages: [
        {
          name: 'build',
          when: "trigger.event == 'manual'",
          steps: [
            { name: 'compile', run: `${ledger.note}; echo v=7 >>"$CI_OUTPUT"`, outputs: ['v'] },
            { name: 'pack', run: ledger.note },
          ],
        },
        {
          name: 'test',
          steps: [
            { name: 'unit', run: ledger.note },
            { name: 'slow', run: `${ledger.note}; test "$CI_EXECUTION_ATTEMPT" = 2 || sleep 600` },
          ],
        },
        {
          name: 'publish',
          when: 'steps.compile.outputs.v == 7',
          steps: [{ name: 'ship', run: ledger.note }],
        },
      ],
    });

  async function hit(resume: boolean, signal: 'SIGKILL' | 'SIGTERM'): Promise<ExecutionBody> {
    const id = await server.trigger(await server.createPipeline(yaml(resume)));
    await server.until(id, ({ stages }) => stages[1]?.steps[1]?.status === 'running');
    const { placements } = await server.execution(id);
    const name = placements.at(-1)?.worker_name ?? '';
    const holder: ServerProcess | undefined = server.workers.find(({ pid }) =>
      name.endsWith(`-${pid}`),
    );
    if (!holder) throw new Error(`no worker is named ${name}`);
    await jitter.before(500);
    const hitAt = performance.now();
    await server.startWorker();
    if (signal === 'SIGKILL') process.kill(holder.pid, signal);
    else await holder.end(signal);
    const ended = await server.finished(id, LOSS_MS);
    noteRecovery(`worker hit by ${signal} to the end`, performance.now() - hitAt);
    return ended;
  }

  /** By step, the attempts in which the ledger has it. */
  async function ran(id: string): Promise<Record<string, string[]>> {
    const runs = new Map<string, string[]>();
    for (const { execution, step, attempt } of await ledger.entries()) {
      if (execution === id) runs.set(step, [...(runs.get(step) ?? []), attempt]);
    }
    return Object.fromEntries(runs);
  }

  it.each(['SIGKILL', 'SIGTERM'] as const)(
    '%s: with resume what has passed ran once, and the execution passes behind it',
    async (signal) => {
      const ended = await hit(true, signal);
      expect(ended).toMatchObject({ status: 'success', attempt: 2 });
      expect(await ran(ended.id)).toEqual({
        compile: ['1.1'],
        pack: ['1.1'],
        unit: ['1.1', '2.1'],
        slow: ['1.1', '2.1'],
        ship: ['2.1'],
      });
      const path = `/api/ci/executions/${ended.id}/explain`;
      const [build, test, publish] = (await server.call<Explained>('GET', path)).stages;
      expect(build).toMatchObject({
        reason: {
          code: 'kept',
          message: 'passed in attempt 1 and is kept (`resume`)',
          data: { attempt: 1 },
        },
        when: { result: true },
        steps: [{ reason: { code: 'kept' } }, { reason: { code: 'kept' } }],
      });
      expect([test?.reason.code, publish?.reason.code]).toEqual(['started', 'started']);
      expect(publish?.when?.result).toBe(true);
      await expectInvariants({ server, ledger });
    },
  );

  it('SIGKILL: without resume everything runs again', async () => {
    const ended = await hit(false, 'SIGKILL');
    expect(ended).toMatchObject({ status: 'success', attempt: 2 });
    expect(await ran(ended.id)).toEqual({
      compile: ['1.1', '2.1'],
      pack: ['1.1', '2.1'],
      unit: ['1.1', '2.1'],
      slow: ['1.1', '2.1'],
      ship: ['2.1'],
    });
    await expectInvariants({ server, ledger });
  });
});
