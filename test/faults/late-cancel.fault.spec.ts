import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';
import { Ledger } from '../support/ledger.js';
import { MillraceServer } from '../support/millrace-server.js';

jest.setTimeout(120_000);

const ROUNDS = 50;
const AT_ONCE = 4;
/** Around the end of the last step. */
const WINDOW_MS = 5;

describe('a cancel within 5 ms of the end', () => {
  let server: MillraceServer;
  let ledger: Ledger;

  beforeAll(async () => {
    ledger = await Ledger.open();
    server = await MillraceServer.start({ workers: 1, concurrency: AT_ONCE });
  });

  afterAll(async () => {
    await server.stop();
    await ledger.remove();
  });

  it(`${ROUNDS} times: 200 is cancelled, 409 is not, and nothing else`, async () => {
    // The step's last word is outside Millrace, so that the moment does not depend on Millrace's news.
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
    expect(await ledger.doubles()).toEqual([]);
  });

  async function cancelAtEnd(pipeline: string, round: number): Promise<string> {
    const id = await server.trigger(pipeline);
    await eventually(async () =>
      (await readFile(ledger.path(id), 'utf8').catch(() => '')) === '' ? undefined : true,
    );
    await sleep((round % 6) * (WINDOW_MS / 5));
    const { status } = await server.fetch('POST', `/api/ci/executions/${id}/cancel`, {});
    const ended = await server.finished(id);
    return `${status} ${ended.status}`;
  }
});
