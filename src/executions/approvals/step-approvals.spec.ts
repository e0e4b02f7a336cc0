import { Logger } from '@nestjs/common';
import { standIn } from '../../../test/support/stand-in.js';
import type { Account, Accounts } from '../../auth/accounts/accounts.js';
import { SCOPES_OF_ROLE, type Role } from '../../auth/policy/policy.js';
import type { Principal } from '../../auth/principals/principal.js';
import type { ApprovalFacts } from '../../engine/plan/approval-facts.js';
import { EndingFixture } from '../ending/ending.fixture.js';
import type { ExecutionPlacer } from '../placement/execution-placer.js';
import { pendingExecution } from '../record/execution.fixture.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import type { StoredStage } from '../record/stored-state.js';
import { waitedMs } from '../record/suspension.js';
import { OutsideWaits } from './outside-waits.js';
import { ContinueExecution } from './continue-execution.js';
import { StepApprovals } from './step-approvals.js';

Logger.overrideLogger(false);

const LATER = new Date(Date.now() + 3_600_000).toISOString();

function account(id: string, role: Role = 'developer', login = id): Account {
  return { id, kind: 'user', login, name: null, role, isActive: true, generation: 1 };
}

const PEOPLE = [
  ...[account('grace'), account('bob'), account('root', 'admin')],
  ...[account('twin-1', 'developer', 'twin'), account('twin-2', 'developer', 'twin')],
];

function principal(id: string): Principal {
  const role = PEOPLE.find((one) => one.id === id)?.role ?? 'viewer';
  return { id, scopes: new Set(SCOPES_OF_ROLE[role]) } as unknown as Principal;
}

function stage(name: string, asked: Partial<ApprovalFacts> = {}): StoredStage {
  const approval = { message: 'Ship?', required: 1, asked: LATER, until: LATER, ...asked };
  const times = { started_at: new Date(1), finished_at: null, duration: null };
  const attempt = { number: 1, status: 'waiting', reason: null, ...times, approval };
  const step = { name: 'ok', status: 'waiting', reason: null, attempts: [attempt], ...times };
  return {
    name,
    status: 'waiting',
    reason: null,
    steps: [step],
    ...times,
  } as unknown as StoredStage;
}

describe('StepApprovals', () => {
  let fixture: EndingFixture;
  let offered: number[];
  let continuing: ContinueExecution;
  let outside: OutsideWaits;
  let approvals: StepApprovals;
  let id: string;

  beforeEach(() => {
    fixture = new EndingFixture();
    offered = [];
    const accounts = standIn<Accounts>({
      find: async (one) => PEOPLE.find((each) => each.id === one),
      findAll: async (ids) =>
        new Map(PEOPLE.filter((one) => [...ids].includes(one.id)).map((one) => [one.id, one])),
      withLogin: async (login) => PEOPLE.filter((one) => one.login === login),
    });
    const placer = standIn<ExecutionPlacer>({
      offer: async ({ enqueue_number }) => {
        offered.push(enqueue_number);
        return true;
      },
    });
    const { executions, endings, bus, live } = fixture;
    outside = new OutsideWaits();
    continuing = new ContinueExecution(
      ...([executions.repository, accounts, endings, placer, bus, outside] as const),
    );
    approvals = new StepApprovals(executions.repository, live, accounts, continuing);
  });
  afterEach(() => fixture.close());

  async function waiting(stages: StoredStage[], more: Partial<ExecutionRecord> = {}) {
    const suspension = { attempt: 1, at: new Date(), bytes: 1, answers: [], continued_in: null };
    const state = { ...{ status: 'waiting' as const, attempt: 1, stages, suspension }, ...more };
    id = (await fixture.insert(pendingExecution(state)))._id;
  }
  const stored = () => fixture.executions.stored(id);
  const yes = (who: string, more: object = {}) =>
    approvals.approve(id, principal(who), { override: false, ...more });

  it('lets it continue with what was decided, once', async () => {
    await waiting([stage('a')]);
    await yes('grace', { reason: 'fine' });
    expect(stored()).toMatchObject({
      status: 'pending',
      reason: { code: 'approval_answered' },
      suspension: { answers: [{ stage: 'a', step: 'ok', kind: 'approved' }] },
    });
    expect(stored()).not.toHaveProperty('waits_until');
    expect(offered).toEqual([2]);
    await expect(yes('bob')).rejects.toMatchObject({ kind: 'ConflictError' });
    expect(await continuing.lookAt(id)).toBe(false);
  });

  it('tells how long it waited: of waits that are over, and of the one that is not', async () => {
    const at = new Date(Date.now() - 60_000);
    const suspension = { attempt: 1, at, bytes: 1, answers: [], continued_in: null };
    await waiting([stage('a')], { suspension, waited: 5_000 });
    expect(waitedMs(stored(), new Date(at.getTime() + 1_000))).toBe(6_000);
    await yes('grace');
    const { waited = 0 } = stored();
    expect(waited).toBeGreaterThanOrEqual(65_000);
    // From then on nobody waits for people.
    expect(waitedMs(stored(), new Date(at.getTime() + 3_600_000))).toBe(waited);
    await waiting([stage('a')], { suspension, cancel_requested: { at, by: 'ada' } });
    await continuing.lookAt(id);
    expect(stored()).toMatchObject({ status: 'cancelled' });
    expect(stored().waited).toBeGreaterThanOrEqual(60_000);
  });

  it('keeps what is said while other steps run, until it waits', async () => {
    await waiting([stage('a')], { status: 'running' });
    await yes('grace');
    expect(stored()).toMatchObject({ status: 'running', approvals: [{ by: 'grace' }] });
    fixture.executions.patch(id, { status: 'waiting' });
    expect(await continuing.lookAt(id)).toBe(true);
  });

  it('looks again when the first of them has no time left', async () => {
    const soon = new Date(Date.now() + 60_000).toISOString();
    await waiting([stage('a'), stage('b', { until: soon })]);
    expect(await continuing.lookAt(id)).toBe(false);
    expect(stored()).toMatchObject({ status: 'waiting', waits_until: new Date(soon) });
  });

  it('continues for one that is decided, and leaves the others', async () => {
    const over = new Date(Date.now() - 1).toISOString();
    await waiting([stage('a'), stage('b', { until: over })]);
    expect(await continuing.lookAt(id)).toBe(true);
    expect(stored().suspension?.answers).toMatchObject([{ stage: 'b', kind: 'timeout' }]);
  });

  describe('a step that waits with its deployment', () => {
    const ship = (until?: Date) => {
      const deployment = { id: 'd', environment: 'production', service: 'shop' };
      const attempts = [{ number: 1, status: 'waiting', deployment }];
      const one = { ...stage('a'), steps: [{ name: 'ship', status: 'waiting', attempts }] };
      outside.registerDeployments(async (id) =>
        isOver
          ? { kind: 'over', reason: { code: 'deployment_continues', message: id } }
          : { kind: 'waits', until },
      );
      return waiting([one as unknown as StoredStage]);
    };
    let isOver: boolean;

    beforeEach(() => (isOver = false));

    it('continues when that says so, and looks again by itself', async () => {
      await ship();
      const before = Date.now();
      expect(await continuing.lookAt(id)).toBe(false);
      const next = stored().waits_until?.getTime() ?? 0;
      expect(next - before).toBeGreaterThanOrEqual(30_000);
      expect(next - before).toBeLessThan(3_600_000);
      isOver = true;
      expect(await continuing.lookAt(id)).toBe(true);
      expect(stored()).toMatchObject({
        ...{ status: 'pending', reason: { code: 'approval_answered' } },
        suspension: { answers: [{ stage: 'a', step: 'ship', attempt: 1, kind: 'look' }] },
      });
    });

    it('looks again when its time is over', async () => {
      const soon = new Date(Date.now() + 5_000);
      await ship(soon);
      expect(await continuing.lookAt(id)).toBe(false);
      expect(stored().waits_until).toEqual(soon);
    });
  });

  it('ends one whose cancel nobody has carried out', async () => {
    await waiting([stage('a')], { cancel_requested: { at: new Date(), by: 'ada' } });
    expect(await continuing.lookAt(id)).toBe(false);
    expect(stored()).toMatchObject({ status: 'cancelled' });
    expect(offered).toEqual([]);
  });

  it('wants to know which step is meant', async () => {
    await waiting([stage('a'), stage('b')]);
    await expect(yes('grace')).rejects.toMatchObject({ kind: 'ValidationError' });
    await expect(yes('grace', { step: 'c' })).rejects.toMatchObject({ kind: 'ConflictError' });
    await yes('grace', { step: 'b/ok' });
    expect(stored().suspension?.answers).toMatchObject([{ stage: 'b' }]);
  });

  it('a name that several accounts have is nobody’s', async () => {
    await waiting([stage('a', { users: ['twin', 'bob'] })]);
    await expect(yes('twin-1')).rejects.toMatchObject({ kind: 'AuthorizationError' });
    await yes('bob');
    expect(stored().status).toBe('pending');
  });

  it('refuses the approval of other inputs than the first one saw', async () => {
    const inputs = [{ name: 'v', type: 'string' as const, options: [], required: true }];
    await waiting([stage('a', { required: 2, inputs })]);
    await expect(yes('grace')).rejects.toMatchObject({ kind: 'UnprocessableError' });
    await yes('grace', { inputs: { v: '1' } });
    await expect(yes('bob', { inputs: { v: '2' } })).rejects.toMatchObject({
      kind: 'ConflictError',
    });
    await yes('bob', { inputs: { v: '1' } });
    expect(stored().suspension?.answers).toMatchObject([{ inputs: [{ name: 'v', value: '1' }] }]);
  });

  it('an override is for administrators, with a reason', async () => {
    await waiting([stage('a', { users: ['grace'] })]);
    const override = { override: true, reason: 'fire' };
    await expect(yes('bob', override)).rejects.toMatchObject({ kind: 'AuthorizationError' });
    await expect(yes('root', { override: true })).rejects.toMatchObject({
      kind: 'ValidationError',
    });
    await yes('root', override);
    expect(stored().suspension?.answers).toMatchObject([
      { kind: 'approved', reason: { code: 'approval_overridden' } },
    ]);
  });

  it('tells what was asked, what was said, and what is missing', async () => {
    await waiting([stage('a', { required: 2 })]);
    await yes('grace');
    const [view] = await approvals.viewOf(stored());
    expect(view).toMatchObject({
      ...{ stage: 'a', step: 'ok', attempt: 1, isWaiting: true },
      standing: { missing: 1, given: [{ counts: true, approval: { by: 'grace' } }] },
    });
    await approvals.reject(id, principal('bob'), { reason: 'no' });
    expect(stored().suspension?.answers).toMatchObject([{ kind: 'rejected' }]);
  });
});
