import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';
import { Ledger } from '../support/ledger.js';
import { MillraceServer } from '../support/millrace-server.js';
import { processesWith } from '../support/processes.js';
import { expectInvariants, noteRecovery } from './support/expect-invariants.js';
import { Jitter } from './support/jitter.js';

/** The promise says 500; CI asks for fewer. */
const ROUNDS = Number(process.env['LATE_CANCELS'] ?? '50');
const AT_ONCE = 4;
/** Around the end of the last step. */
const WINDOW_MS = 5;

jest.setTimeout(Math.max(120_000, ROUNDS * 1_500));

describe('cancels', () => {
  let server: MillraceServer;
  let ledger: Ledger;
  const jitter = new Jitter('late-cancel');

  beforeAll(async () => {
    ledger = await Ledger.open();
    server = await MillraceServer.start({ workers: 1, concurrency: AT_ONCE });
  });

  afterAll(async () => {
    await server.stop();
    await ledger.remove();
  });

  it(`within ${WINDOW_MS} ms of the end, ${ROUNDS} times: 200 is cancelled, 409 is not, and nothing else`, async () => {
    // The step's last word is outside Millrace, so that the moment does not depend on Millrace's
    // news.
    const last = `echo done > ${ledger.path('')}$CI_EXECUTION_ID`;
    const pipeline = await server.createPipeline(
      `name: ends\nsteps:\n  - { name: only, run: ${JSON.stringify(`${ledger.note}\nsleep 0.2\n${last}`)} }\n`,
    );
    const outcomes: string[] = [];
    let round = 0;
    const client = async (): Promise<void> => {
      while (round < ROUNDS) outcomes.push(await cancelAtEnd(pipeline, (round += 1)));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, client));

    const counts = new Map<string, number>();
    for (const outcome of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    expect(
      [...counts.keys()].filter((key) => !['200 cancelled', '409 success'].includes(key)),
    ).toEqual([]);
    expect(outcomes).toHaveLength(ROUNDS);
    process.stdout.write(`late cancels: ${JSON.stringify(Object.fromEntries(counts))}\n`);
    await expectInvariants({ server, ledger });
  });

  it('leaves no process of a detached tree that ignores TERM after 12 s', async () => {
    const mark = `deaf-${randomUUID()}`;
    const deaf = `trap "" TERM; setsid sh -c 'trap "" TERM; : ${mark}; sleep 600' & sleep 600`;
    const yaml = `name: deaf\nsteps:\n  - { name: only, run: ${JSON.stringify(deaf)} }\n`;
    const id = await server.trigger(await server.createPipeline(yaml));
    await eventually(async () => (await processesWith(mark)).length > 0 || undefined);
    const begun = performance.now();
    await server.call('POST', `/api/ci/executions/${id}/cancel`, {});
    await eventually(async () => (await processesWith(mark)).length === 0 || undefined);
    noteRecovery('cancel to no process left', performance.now() - begun);
    expect(performance.now() - begun).toBeLessThan(12_000);
    expect((await server.finished(id)).status).toBe('cancelled');
    await expectInvariants({ server });
  });

  async function cancelAtEnd(pipeline: string, round: number): Promise<string> {
    const id = await server.trigger(pipeline);
    await eventually(async () =>
      (await readFile(ledger.path(id), 'utf8').catch(() => '')) === '' ? undefined : true,
    );
    await sleep((round % 6) * (WINDOW_MS / 5) + jitter.next());
    const { status } = await server.fetch('POST', `/api/ci/executions/${id}/cancel`, {});
    const ended = await server.finished(id);
    return `${status} ${ended.status}`;
  }
});
