import { chmodSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FailPoint } from '../../src/common/fail-point.js';
import { eventually } from '../support/eventually.js';
import { Ledger } from '../support/ledger.js';
import { MillraceServer } from '../support/millrace-server.js';
import { expectInvariants } from './support/expect-invariants.js';

jest.setTimeout(240_000);

/** A worker dies, is found lost, and another one comes. */
const LOSS_MS = 120_000;

interface DeploymentBody {
  readonly deployment_id: string;
  readonly status: string;
}

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
  let folder: string;

  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-approvals-')));
    chmodSync(folder, 0o755);
    ledger = await Ledger.open();
    const environment = { DEPLOY_FOLDERS: folder };
    server = await MillraceServer.start({ workers: 0, environment });
  });
  afterAll(async () => {
    await server.stop();
    await ledger.remove();
    rmSync(folder, { recursive: true });
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

  describe('of a deploy step that waits', () => {
    interface DeployFate {
      readonly point: FailPoint;
      readonly retries: number;
      /** The execution attempt that ends it, and `CI_ATTEMPT` of the step before. */
      readonly attempt: number;
      readonly build: readonly string[];
      /** How its deployments end, the first one first. */
      readonly deployments: readonly string[];
    }

    const deploying = (label: string, retries: number): string =>
      JSON.stringify({
        name: label,
        runs_on: [label],
        retry_count: retries,
        steps: [
          { name: 'build', retry: 0, run: `${ledger.note}; mkdir out; echo made >out/file` },
          {
            ...{ name: 'ship', retry: 0 },
            deploy: {
              ...{ type: 'local_directory', service: label, path: join(folder, label) },
              ...{ source: 'out', environment: 'guarded' },
            },
          },
        ],
      });
    const deploymentsOf = async (execution: string): Promise<readonly DeploymentBody[]> => {
      const answer = await server.fetch('GET', `/api/deployments?execution_id=${execution}`);
      return ((await answer.json()) as { items: DeploymentBody[] }).items.reverse();
    };
    const letThrough = async (execution: string): Promise<void> => {
      const id = await eventually(async () => {
        const [last] = (await deploymentsOf(execution)).slice(-1);
        return last?.status === 'waiting' ? last.deployment_id : undefined;
      }, LOSS_MS);
      const word = { override: true, reason: 'a test' };
      const answer = await server.fetch('POST', `/api/deployments/${id}/approve`, word);
      expect([answer.status, await answer.text()]).toEqual([200, expect.anything()]);
    };

    beforeAll(async () => {
      const rules = { required: 1, approvers: { users: [], roles: ['admin'] } };
      const answer = await server.fetch('PUT', '/api/environments/guarded', rules);
      expect(answer.status).toBe(200);
    });

    it.each<DeployFate>([
      // Nothing says yet that the execution waits: it begins again, and people are asked again.
      {
        ...{ point: 'deployment_suspended', retries: 1, attempt: 3, build: ['1.1', '2.1'] },
        deployments: ['failed', 'success'],
      },
      {
        ...{ point: 'snapshot_kept', retries: 1, attempt: 3, build: ['1.1', '2.1'] },
        deployments: ['failed', 'success'],
      },
      {
        ...{ point: 'execution_suspended', retries: 0, attempt: 2, build: ['1.1'] },
        deployments: ['success'],
      },
      {
        ...{ point: 'snapshot_restored', retries: 0, attempt: 3, build: ['1.1'] },
        deployments: ['success'],
      },
      // What was undone is done again under the approvals that it had.
      {
        ...{ point: 'release_prepared', retries: 1, attempt: 3, build: ['1.1'] },
        deployments: ['failed', 'success'],
      },
      // What serves is not put there again.
      {
        ...{ point: 'release_switched', retries: 1, attempt: 3, build: ['1.1'] },
        deployments: ['success'],
      },
      {
        ...{ point: 'deployment_serving', retries: 1, attempt: 3, build: ['1.1'] },
        deployments: ['success'],
      },
    ])('$point', async ({ point, retries, attempt, build, deployments }) => {
      const label = `ship-${point.replaceAll('_', '-')}`;
      const labels = { WORKER_LABELS: label, WORKER_CONCURRENCY: '1' };
      const isHitLater = !['deployment_suspended', 'snapshot_kept', 'execution_suspended'].includes(
        point,
      );
      const doomed = await server.startWorker({ ...labels, FAIL_POINT: point });
      const id = await server.trigger(await server.createPipeline(deploying(label, retries)));
      if (isHitLater) {
        await isWaiting(id);
        await letThrough(id);
      }
      await isKilled(doomed);
      await server.startWorker(labels);
      if (!isHitLater) {
        await isWaiting(id);
        await letThrough(id);
      }
      const ended = await server.finished(id, LOSS_MS);
      expect(ended).toMatchObject({ status: 'success', attempt });
      expect(await ran(id, 'build')).toEqual(build);
      const made = await deploymentsOf(id);
      expect(made.map(({ status }) => status)).toEqual(deployments);
      expect(readFileSync(join(folder, label, 'current/file'), 'utf8')).toBe('made\n');
      const releases = readdirSync(join(folder, label, 'releases'));
      expect(releases).toHaveLength(1);
      await expectInvariants({ server, ledger, accepted: [id], ended: new Map([[id, ended]]) });
    });
  });
});
