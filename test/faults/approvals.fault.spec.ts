import type { FailPoint } from '../../src/common/fail-point.js';
import { eventually } from '../support/eventually.js';
import { Ledger } from '../support/ledger.js';
import { MillraceServer } from '../support/millrace-server.js';
import { expectInvariants } from './support/expect-invariants.js';

jest.setTimeout(240_000);

/** A worker dies, is found lost, and another one comes. */
const LOSS_MS = 120_000;

interface Fate {
  readonly point: FailPoint;
  /** Retries that the pipeline has: what a loss may cost. */
  readonly retries: number;
  /** `CI_ATTEMPT` of the step before the approval, and of the one behind it. */
  readonly ran: { readonly build: readonly string[]; readonly ship: readonly string[] };
}

describe('kill -9 around an approval, at', () => {
  let server: MillraceServer;
  let ledger: Ledger;

  beforeAll(async () => {
    ledger = await Ledger.open();
    server = await MillraceServer.start({ workers: 0 });
  });
  afterAll(async () => {
    await server.stop();
    await ledger.remove();
  });

  const yaml = (label: string, retries: number): string =>
    JSON.stringify({
      name: label,
      runs_on: [label],
      retry_count: retries,
      steps: [
        { name: 'build', retry: 0, run: `${ledger.note}; echo made >file` },
        { name: 'ok', approval: 'Ship it?' },
        { name: 'ship', retry: 0, run: `${ledger.note}; grep made file` },
      ],
    });
  const ran = async (id: string, step: string): Promise<string[]> =>
    (await ledger.entries())
      .filter((entry) => entry.execution === id && entry.step === step)
      .map(({ attempt }) => attempt);
  const isKilled = (worker: { readonly child: { readonly signalCode: string | null } }) =>
    eventually(() => worker.child.signalCode === 'SIGKILL' || undefined, LOSS_MS);
  const isWaiting = (id: string) => server.until(id, ({ status }) => status === 'waiting', LOSS_MS);
  const approve = (id: string): Promise<Response> =>
    server.fetch('POST', `/api/ci/executions/${id}/approve`, { override: true, reason: 'a test' });

  it.each<Fate>([
    // What is not stored to wait is lost with its worker, and begins again.
    { point: 'snapshot_folder_kept', retries: 1, ran: { build: ['1.1', '2.1'], ship: ['3.1'] } },
    { point: 'snapshot_kept', retries: 1, ran: { build: ['1.1', '2.1'], ship: ['3.1'] } },
    // From then on nothing is lost, and nothing costs a retry.
    { point: 'execution_suspended', retries: 0, ran: { build: ['1.1'], ship: ['2.1'] } },
    { point: 'snapshot_folder_restored', retries: 0, ran: { build: ['1.1'], ship: ['3.1'] } },
    { point: 'snapshot_restored', retries: 0, ran: { build: ['1.1'], ship: ['3.1'] } },
  ])('$point', async ({ point, retries, ran: expected }) => {
    const label = point.replaceAll('_', '-');
    const labels = { WORKER_LABELS: label, WORKER_CONCURRENCY: '1' };
    const doomed = await server.startWorker({ ...labels, FAIL_POINT: point });
    const id = await server.trigger(await server.createPipeline(yaml(label, retries)));
    const isHitLater = point.endsWith('restored');
    if (isHitLater) {
      await isWaiting(id);
      expect((await approve(id)).status).toBe(200);
    }
    await isKilled(doomed);
    await server.startWorker(labels);
    if (!isHitLater) {
      await isWaiting(id);
      expect((await approve(id)).status).toBe(200);
    }
    const ended = await server.finished(id, LOSS_MS);
    expect(ended).toMatchObject({ status: 'success' });
    expect({ build: await ran(id, 'build'), ship: await ran(id, 'ship') }).toEqual(expected);
    await expectInvariants({ server, ledger, accepted: [id], ended: new Map([[id, ended]]) });
  });

  it('execution_answered, of the API: what was said holds', async () => {
    const label = 'answered';
    await server.startWorker({ WORKER_LABELS: label });
    const id = await server.trigger(await server.createPipeline(yaml(label, 0)));
    await isWaiting(id);
    await server.api?.end();
    const api = await server.startApi({ FAIL_POINT: 'execution_answered' });
    await approve(id).catch(() => undefined);
    await isKilled(api);
    await server.startApi();
    const ended = await server.finished(id, LOSS_MS);
    expect(ended).toMatchObject({ status: 'success', attempt: 2 });
    expect(await ran(id, 'ship')).toEqual(['2.1']);
  });
});
