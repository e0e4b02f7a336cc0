import { uuidV7 } from '../../common/ids/uuid.js';
import { standIn } from '../../../test/support/stand-in.js';
import type { Account, Accounts } from '../../auth/accounts/accounts.js';
import { type Principal, principalOf } from '../../auth/principals/principal.js';
import { type EnvironmentRules, NO_LIMITS } from '../../environments/environment.js';
import type { EnvironmentsService } from '../../environments/environments.service.js';
import { DeploymentApprovals } from '../approvals/deployment-approvals.js';
import { EnvironmentGate } from '../approvals/environment-gate.js';
import type { SuspendedWaits } from '../approvals/suspended-waits.js';
import {
  type Deployment,
  notBegun,
  type Service,
  type TargetSettings,
} from '../record/deployment.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import {
  DeployRefusedError,
  type DeployTarget,
  TargetAwayError,
} from '../targets/deploy-target.js';
import { DeploymentRun } from './deployment-run.js';

const account = (id: string, more: Partial<Account> = {}): Account => ({
  ...{ id, kind: 'user', login: id, name: null, role: 'developer' },
  ...{ isActive: true, generation: 1, ...more },
});
const principal = (id: string, role: Principal['role'] = 'developer'): Principal =>
  principalOf({ id, kind: 'user', role, name: id });

describe('a deployment at the gate of its environment', () => {
  let store: MemoryDeploymentStore;
  let people: Map<string, Account>;
  let rules: EnvironmentRules;
  let gate: EnvironmentGate;
  let approvals: DeploymentApprovals;
  let stop: AbortController;
  let looked: string[];

  beforeEach(() => {
    store = new MemoryDeploymentStore();
    stop = new AbortController();
    people = new Map(['ada', 'grace', 'bob', 'eve'].map((id) => [id, account(id)] as const)).set(
      'root',
      account('root', { role: 'admin' }),
    );
    const approvers = {
      users: ['ada', 'grace', 'bob'].map((id) => ({ id, login: id })),
      roles: [],
    };
    rules = { ...NO_LIMITS, approvers, required: 1 };
    const environments = standIn<EnvironmentsService>({ rulesOf: () => Promise.resolve(rules) });
    const accounts = standIn<Accounts>({
      find: (id) => Promise.resolve(people.get(id)),
      findAll: () => Promise.resolve(people),
    });
    gate = new EnvironmentGate(environments, accounts);
    looked = [];
    const waits = standIn<SuspendedWaits>({
      lookAt: async ({ _id }) => void looked.push(_id),
    });
    approvals = new DeploymentApprovals(store, environments, accounts, waits);
  });

  const accept = (more: Partial<Deployment> = {}): Promise<Deployment> => {
    const _id = uuidV7();
    const settings: TargetSettings = {
      ...{ type: 'local_directory', path: '/srv', keep: 2, exclude: [], shared: [] },
      permissions: {},
    };
    const place = { environment: 'production', service: 'shop', host: 'h' };
    return store.accept(
      {
        ...{ _id, request_key: _id, kind: 'deploy', ...place, service_id: 'production/shop' },
        ...{ type: 'local_directory', settings, worker_id: 'w', fence: 1, release_id: null },
        ...{ execution_id: _id, pipeline_id: null, pipeline_name: null, stage: null, step: null },
        ...{ commit: 'c', branch: 'main', triggered_by: 'ada' },
        ...{ ...notBegun(new Date()), ...more },
        cause: {
          ...{ deployer: 'ada', accounts: ['ada'], names: ['ada'], branch: 'main', plan_hash: 'p' },
        },
      },
      {
        ...{ _id: 'production/shop', id: 's', name: 'shop', environment: 'production', host: 'h' },
        ...{ service_type: 'local_directory', place: 'h:/srv', status: 'starting' },
        ...{ release_id: null, deployment_id: null },
        ...{ created_at: new Date(0), updated_at: new Date(0) },
      },
    );
  };
  /** Where a run continues, its target says no: so it is known that it did. */
  const closed = { code: 'path_closed', message: 'only its owner can enter /srv' };
  let planFails: Error | undefined;
  const target = standIn<DeployTarget>({
    plan: () => (planFails ? Promise.reject(planFails) : Promise.resolve([closed])),
    placeOf: () => {
      throw new DeployRefusedError({ code: 'continued', message: 'it continued' });
    },
  });
  const run = (deployment: Deployment): Promise<Deployment> => {
    const source = { packed: (): never => never() };
    const tools = { store, host: 'h', targetOf: () => target, gate, gatePollMs: 1 };
    const asked = { signal: stop.signal, ...(deployment.kind === 'deploy' && { source }) };
    return new DeploymentRun(deployment, tools, asked).run();
  };
  const until = async (deployment: Deployment, code: string): Promise<void> => {
    while ((await now(deployment))?.reason?.code !== code) await nextTurn();
  };
  const now = async ({ _id }: Deployment): Promise<Deployment | undefined> => store.find(_id);
  const approve = (
    { _id }: Deployment,
    by: Principal,
    more: { override?: boolean; reason?: string } = {},
  ): Promise<void> => approvals.approve(_id, by, { override: false, reason: undefined, ...more });

  it('continues at once where nobody is asked', async () => {
    rules = NO_LIMITS;
    const deployment = await accept();
    expect(await run(deployment)).toMatchObject({ reason: { code: 'continued' } });
    expect((await now(deployment))?.gate).toBeUndefined();
  });

  it('waits, says for whom, holds nothing, and continues when the right person approves', async () => {
    const deployment = await accept();
    const running = run(deployment);
    await until(deployment, 'approval_needed');
    expect(await now(deployment)).toMatchObject({
      ...{ status: 'waiting', gate: 'closed', reason: { code: 'approval_needed' } },
      // Whoever approves sees them before.
      warnings: [closed],
    });
    expect((await store.service('production/shop'))?.active).toBeNull();
    const next = await accept();
    expect(await store.firstBefore('production/shop', next.turn)).toBeUndefined();
    await expect(approve(deployment, principal('ada'))).rejects.toMatchObject({
      ...{ status: 403, details: { code: 'own_deployment' } },
    });
    await expect(approve(deployment, principal('eve'))).rejects.toMatchObject({
      ...{ status: 403, details: { code: 'approver_not_allowed' } },
    });
    await approve(deployment, principal('grace'));
    await expect(approve(deployment, principal('grace'))).rejects.toMatchObject({ status: 409 });
    expect(await running).toMatchObject({ reason: { code: 'continued' } });
    await expect(approve(deployment, principal('bob'))).rejects.toMatchObject({ status: 409 });
    // Whoever waits with it hears of what was said, and of nothing that was refused.
    expect(looked).toEqual([deployment._id]);
  });

  it('waits also where its target is away for now', async () => {
    planFails = new TargetAwayError({ code: 'ssh_away', message: 'away' });
    const deployment = await accept();
    const running = run(deployment);
    await until(deployment, 'approval_needed');
    planFails = undefined;
    await approve(deployment, principal('grace'));
    expect(await running).toMatchObject({ reason: { code: 'continued' }, warnings: [] });
  });

  it('asks nobody where the disk says no', async () => {
    planFails = Object.assign(new Error("EACCES: permission denied, open '/srv/a'"), {
      ...{ code: 'EACCES', errno: -13 },
    });
    expect(await run(await accept())).toMatchObject({
      ...{ status: 'failed', reason: { code: 'deploy_failed' } },
    });
    planFails = new Error('a defect');
    await expect(run(await accept())).rejects.toThrow('a defect');
    planFails = undefined;
  });

  it('asks nobody about what is refused whatever they say, also when that is found out later', async () => {
    const first = await accept();
    const serves = (more: Partial<Service>): void => {
      const known = store.serviceRecords.get('production/shop');
      if (known === undefined) throw new Error('it is there');
      store.serviceRecords.set(known._id, { ...known, release_id: 'r', ...more });
    };
    serves({ service_type: 'docker_container' });
    expect(await run(first)).toMatchObject({ status: 'failed', reason: { code: 'type_changed' } });
    expect((await now(first))?.gate).toBeUndefined();

    serves({ service_type: 'local_directory', release_id: null });
    const later = await accept();
    const running = run(later);
    await until(later, 'approval_needed');
    serves({ unit: 'production/all' });
    rules = { ...rules, required: 2 };
    expect(await running).toMatchObject({ status: 'failed', reason: { code: 'part_of_unit' } });
  });

  it('counts those who are there: who has left is missing again', async () => {
    rules = { ...rules, required: 2 };
    const deployment = await accept();
    const running = run(deployment);
    await until(deployment, 'approval_needed');
    await approve(deployment, principal('grace'));
    people.set('grace', account('grace', { isActive: false }));
    await approve(deployment, principal('bob'));
    while ((await now(deployment))?.reason?.data?.['missing'] !== 1) await nextTurn();
    expect(await now(deployment)).toMatchObject({ status: 'waiting', gate: 'closed' });
    expect(await approvals.viewOf((await now(deployment)) ?? deployment)).toMatchObject({
      ...{ missing: 1, given: [{ counts: false }, { counts: true }] },
    });
    people.set('grace', account('grace'));
    expect(await running).toMatchObject({ reason: { code: 'continued' } });
  });

  it('fails when somebody rejects it, with the reason', async () => {
    const deployment = await accept();
    const running = run(deployment);
    await until(deployment, 'approval_needed');
    await expect(approvals.reject(deployment._id, principal('eve'), 'no')).rejects.toMatchObject({
      status: 403,
    });
    await approvals.reject(deployment._id, principal('ada'), 'not today');
    await expect(approve(deployment, principal('bob'))).rejects.toMatchObject({ status: 409 });
    expect(await running).toMatchObject({
      status: 'failed',
      reason: { code: 'approval_rejected', message: 'ada rejected it: not today' },
    });
  });

  it('is put through by an administrator alone, with a reason, also through the wait', async () => {
    rules = { ...rules, required: 2, wait: 600 };
    const deployment = await accept();
    const running = run(deployment);
    await until(deployment, 'approval_needed');
    const root = principal('root', 'admin');
    await expect(approve(deployment, root)).rejects.toMatchObject({ status: 403 });
    await expect(approve(deployment, root, { override: true })).rejects.toMatchObject({
      status: 400,
    });
    const asked = { override: true, reason: 'it burns' };
    await expect(approve(deployment, principal('grace'), asked)).rejects.toMatchObject({
      details: { code: 'override_not_allowed' },
    });
    await approve(deployment, root, asked);
    expect(await running).toMatchObject({ reason: { code: 'continued' } });
    expect((await now(deployment))?.approvals).toMatchObject([
      { kind: 'override', by: 'root', reason: 'it burns', commit: 'c', plan_hash: 'p' },
    ]);
  });

  it('waits for its time', async () => {
    rules = { ...NO_LIMITS, wait: 60 };
    const deployment = await accept();
    const running = run(deployment);
    await until(deployment, 'wait_time');
    rules = { ...NO_LIMITS };
    expect(await running).toMatchObject({ reason: { code: 'continued' } });
  });

  it('says when nobody has to be asked any more, and for how long it waits for people', async () => {
    rules = { ...NO_LIMITS, wait: 60 };
    const deployment = await accept();
    const until = new Date(deployment.created_at.getTime() + 60_000);
    expect(await gate.look(deployment)).toMatchObject({ kind: 'closed', until });
    rules = { ...rules, required: 1 };
    expect(await gate.look(deployment)).not.toHaveProperty('until');
    const limited = { ...deployment, expires_at: new Date(Date.now() - 1) };
    expect(await gate.look(limited)).toMatchObject({
      ...{ kind: 'refused', reason: { code: 'approval_timeout', data: { missing: 1 } } },
    });
    rules = NO_LIMITS;
    expect(await gate.look(limited)).toEqual({ kind: 'open' });
  });

  it('goes by the rules of now', async () => {
    const deployment = await accept();
    const running = run(deployment);
    await until(deployment, 'approval_needed');
    rules = { ...NO_LIMITS, branches: ['stable'] };
    expect(await running).toMatchObject({
      ...{ status: 'failed', reason: { code: 'branch_not_allowed' } },
    });
  });

  it('ends when it is cancelled, and with its step', async () => {
    const cancelled = await accept();
    const running = run(cancelled);
    await until(cancelled, 'approval_needed');
    await store.requestCancel(cancelled._id, 'ada');
    expect(await running).toMatchObject({ status: 'cancelled' });
    const other = await accept();
    const stopped = run(other);
    await until(other, 'approval_needed');
    stop.abort({ kind: 'timeout' });
    expect(await stopped).toMatchObject({ status: 'cancelled' });
  });

  it('of a worker that was killed, fails by its record: its files are gone', async () => {
    const deployment = await accept();
    const running = run(deployment);
    await until(deployment, 'approval_needed');
    const taken = await store.take((await now(deployment)) ?? deployment, 'w2');
    const ended = await new DeploymentRun(
      taken ?? deployment,
      { store, host: 'h', targetOf: () => target, gate },
      { signal: new AbortController().signal },
    ).run();
    expect(ended).toMatchObject({ status: 'failed', reason: { code: 'worker_lost' } });
    await expect(approve(deployment, principal('grace'))).rejects.toMatchObject({ status: 409 });
    stop.abort({ kind: 'interrupt' });
    await expect(running).rejects.toThrow('taken by another worker');
  });

  it('says what nobody is asked about', async () => {
    const deployment = await accept();
    await expect(approve(deployment, principal('grace'))).rejects.toMatchObject({ status: 409 });
    await expect(
      approve({ ...deployment, _id: uuidV7() }, principal('grace')),
    ).rejects.toMatchObject({ status: 404 });
    expect(await approvals.viewOf(deployment)).toBeUndefined();
  });

  it('asks nobody about a rollback but for who may deploy', async () => {
    const rollback = await accept({ kind: 'rollback' });
    expect(await gate.look(rollback)).toEqual({ kind: 'open' });
    rules = { ...rules, deployers: { users: [{ id: 'ada', login: 'ada' }], roles: [] } };
    expect(await gate.deployerRefusal('production', 'ada')).toBeUndefined();
    expect((await gate.deployerRefusal('production', 'grace'))?.code).toBe('deployer_not_allowed');
  });
});

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function never(): never {
  throw new Error('nobody reads the files here');
}
