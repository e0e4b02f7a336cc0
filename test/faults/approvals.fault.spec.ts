import { chmodSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FailPoint } from '../../src/common/fail-point.js';
import { eventually } from '../support/eventually.js';
import { Ledger } from '../support/ledger.js';
import {
  type ExecutionBody,
  MillraceServer,
  type ServerProcess,
} from '../support/millrace-server.js';
import { nameOf, OVER } from './support/deployment-rig.js';
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

describe('kill -9 around an approval', () => {
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

  const startWorker = (labels: string, at?: FailPoint): Promise<ServerProcess> =>
    server.startWorker({
      ...{ WORKER_LABELS: labels, WORKER_CONCURRENCY: '1' },
      ...(at !== undefined && { FAIL_POINT: at }),
    });
  /**
   * Each with a worker that is to die, all beside each other: most of a loss is waiting. All are
   * there before any is hit: one that came later could come to its point in what another has left.
   */
  const hitAtEach = async <T extends { readonly point: FailPoint }>(
    fates: readonly T[],
    labelOf: (point: FailPoint) => string,
    hit: (fate: T, label: string, doomed: ServerProcess) => Promise<ExecutionBody>,
  ): Promise<void> => {
    const hits: (() => Promise<ExecutionBody>)[] = [];
    for (const fate of fates) {
      const label = labelOf(fate.point);
      const doomed = await startWorker(label, fate.point);
      hits.push(() => hit(fate, label, doomed));
    }
    const ended = await Promise.all(hits.map((begin) => begin()));
    await expectInvariants({
      ...{ server, ledger, accepted: ended.map(({ id }) => id) },
      ended: new Map(ended.map((one) => [one.id, one])),
    });
  };

  const FATES: readonly Fate[] = [
    // What is not stored to wait is lost with its worker, and begins again.
    { point: 'snapshot_folder_kept', retries: 1, ran: { build: ['1.1', '2.1'], ship: ['3.1'] } },
    { point: 'snapshot_kept', retries: 1, ran: { build: ['1.1', '2.1'], ship: ['3.1'] } },
    // From then on nothing is lost, and nothing costs a retry.
    { point: 'execution_suspended', retries: 0, ran: { build: ['1.1'], ship: ['2.1'] } },
    { point: 'snapshot_folder_restored', retries: 0, ran: { build: ['1.1'], ship: ['3.1'] } },
    { point: 'snapshot_restored', retries: 0, ran: { build: ['1.1'], ship: ['3.1'] } },
  ];
  const hitOne = async (
    { point, retries, ran: expected }: Fate,
    label: string,
    doomed: ServerProcess,
  ): Promise<ExecutionBody> => {
    const id = await server.trigger(await server.createPipeline(yaml(label, retries)));
    const isHitLater = point.endsWith('restored');
    if (isHitLater) {
      await isWaiting(id);
      expect((await approve(id)).status).toBe(200);
    }
    await isKilled(doomed);
    const next = await startWorker(label);
    if (!isHitLater) {
      await isWaiting(id);
      expect((await approve(id)).status).toBe(200);
    }
    const ended = await server.finished(id, LOSS_MS);
    expect([point, ended]).toMatchObject([point, { status: 'success' }]);
    expect([point, { build: await ran(id, 'build'), ship: await ran(id, 'ship') }]).toEqual([
      ...[point, expected],
    ]);
    await next.end();
    return ended;
  };

  it('of the worker, at each point', () =>
    hitAtEach(FATES, (point) => point.replaceAll('_', '-'), hitOne));

  it('of the API, at execution_answered: what was said holds', async () => {
    const label = 'answered';
    const worker = await startWorker(label);
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
    await worker.end();
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

    const DEPLOY_FATES: readonly DeployFate[] = [
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
    ];
    const hitDeploy = async (
      { point, retries, attempt, build, deployments }: DeployFate,
      label: string,
      doomed: ServerProcess,
    ): Promise<ExecutionBody> => {
      const isHitLater = !['deployment_suspended', 'snapshot_kept', 'execution_suspended'].includes(
        point,
      );
      const id = await server.trigger(await server.createPipeline(deploying(label, retries)));
      if (isHitLater) {
        await isWaiting(id);
        await letThrough(id);
      }
      await isKilled(doomed);
      const next = await startWorker(label);
      if (!isHitLater) {
        await isWaiting(id);
        await letThrough(id);
      }
      const ended = await server.finished(id, LOSS_MS);
      // What no execution continues with is ended by a round of its worker.
      const made = await eventually(async () => {
        const all = await deploymentsOf(id);
        return all.every(({ status }) => OVER.includes(status)) ? all : undefined;
      }, LOSS_MS);
      const { status, attempt: endedBy } = ended;
      const seen = { status, endedBy, build: await ran(id, 'build') };
      expect([point, seen, made.map((one) => one.status)]).toEqual([
        ...[point, { status: 'success', endedBy: attempt, build }, deployments],
      ]);
      expect(readFileSync(join(folder, label, 'current/file'), 'utf8')).toBe('made\n');
      const releases = readdirSync(join(folder, label, 'releases'));
      expect([point, releases.length]).toEqual([point, 1]);
      await next.end();
      return ended;
    };

    it('at each point', () => hitAtEach(DEPLOY_FATES, (point) => nameOf('ship', point), hitDeploy));
  });
});
