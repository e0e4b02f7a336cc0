import type { Account } from '../auth/accounts/accounts.js';
import type { Approval, DeploymentCause } from './approval.js';
import {
  type JudgedDeployment,
  standingOf,
  whyItWaits,
  whyNoApprover,
  whyNoBranch,
  whyNoDeployer,
} from './environment-rules.js';
import { type EnvironmentRules, NO_LIMITS, type People } from './environment.js';

const account = (id: string, more: Partial<Account> = {}): Account => ({
  ...{ id, kind: 'user', login: id, name: null, role: 'developer' },
  ...{ isActive: true, generation: 1, ...more },
});
const people = (users: string[], roles: People['roles'] = []): People => ({
  users: users.map((id) => ({ id, login: id })),
  roles,
});
const rules = (more: Partial<EnvironmentRules> = {}): EnvironmentRules => ({
  ...NO_LIMITS,
  ...{ approvers: people(['grace', 'ada'], ['admin']), required: 1, ...more },
});
const CAUSE: DeploymentCause = {
  ...{ deployer: 'ada', accounts: ['ada'], names: ['Ada L.', 'pusher'] },
  ...{ branch: 'main', plan_hash: 'p' },
};
const approval = (by: string, more: Partial<Approval> = {}): Approval => ({
  ...{ kind: 'approval', by, login: by, generation: 1, reason: null, at: new Date(5) },
  ...{ commit: 'c', plan_hash: 'p', ...more },
});
const deployment = (...approvals: Approval[]): JudgedDeployment => ({
  ...{ environment: 'production', cause: CAUSE, approvals, commit: 'c', created_at: new Date(0) },
});

describe('who may approve a deployment of ada to production', () => {
  it.each<[string, Account | undefined, Partial<EnvironmentRules>, string | undefined]>([
    ['somebody who is named', account('grace'), {}, undefined],
    ['somebody of a role that is named', account('root', { role: 'admin' }), {}, undefined],
    ['somebody who is not', account('eve'), {}, 'approver_not_allowed'],
    ['nobody that is known', undefined, {}, 'approver_not_allowed'],
    [
      'one who is named and blocked',
      account('grace', { isActive: false }),
      {},
      'approver_not_allowed',
    ],
    [
      'one with the name, but another account',
      account('x', { login: 'grace' }),
      {},
      'approver_not_allowed',
    ],
    ['a viewer who is named', account('grace', { role: 'viewer' }), {}, 'approver_not_allowed'],
    ['who triggered it', account('ada'), {}, 'own_deployment'],
    ['who triggered it, where that is allowed', account('ada'), { allow_self: true }, undefined],
    [
      'who pushed, by the name at the forge',
      account('grace', { login: 'Pusher' }),
      {},
      'own_deployment',
    ],
    [
      'the author of the commit, by name',
      account('grace', { name: 'ada l.' }),
      {},
      'own_deployment',
    ],
    [
      'the author, where that is allowed',
      account('grace', { name: 'ada l.' }),
      { allow_self: true },
      undefined,
    ],
    ['an admin who has caused it', account('ada', { role: 'admin' }), {}, 'own_deployment'],
    [
      'anybody where nobody is named',
      account('grace'),
      { approvers: people([]) },
      'approver_not_allowed',
    ],
  ])('%s', (_who, who, more, code) => {
    expect(whyNoApprover(rules(more), deployment(), who)?.code).toBe(code);
  });
});

describe('what approvals are worth', () => {
  const known = (...all: Account[]): Map<string, Account> =>
    new Map(all.map((one) => [one.id, one]));
  const grace = account('grace');
  const root = account('root', { role: 'admin' });
  const at = new Date(10);

  it.each<[string, Partial<EnvironmentRules>, Approval[], Account[], number]>([
    ['none', {}, [], [], 1],
    ['one', {}, [approval('grace')], [grace], 0],
    ['one of two', { required: 2 }, [approval('grace')], [grace], 1],
    ['two of two', { required: 2 }, [approval('grace'), approval('root')], [grace, root], 0],
    ['one person twice', { required: 2 }, [approval('grace'), approval('grace')], [grace], 1],
    ['of somebody who has left', {}, [approval('grace')], [], 1],
    [
      'of an account that is blocked',
      {},
      [approval('grace')],
      [account('grace', { isActive: false })],
      1,
    ],
    [
      'of sessions that were ended',
      {},
      [approval('grace')],
      [account('grace', { generation: 2 })],
      1,
    ],
    [
      'of somebody who may not any more',
      { approvers: people(['bob']) },
      [approval('grace')],
      [grace],
      1,
    ],
    ['of another commit', {}, [approval('grace', { commit: 'd' })], [grace], 1],
    ['of another plan', {}, [approval('grace', { plan_hash: 'q' })], [grace], 1],
    ['of who caused it', {}, [approval('ada')], [account('ada')], 1],
  ])('%s', (_what, more, approvals, accounts, missing) => {
    const standing = standingOf(rules(more), deployment(...approvals), known(...accounts), at);
    expect(standing.missing).toBe(missing);
    const why = whyItWaits(rules(more), 'production', standing);
    expect(why?.code).toBe(missing === 0 ? undefined : 'approval_needed');
    if (missing > 0)
      expect(why?.message).toContain(`${missing} ${missing === 1 ? 'is' : 'are'} missing`);
  });

  it('waits for a time, also when all have approved, and says for what first', () => {
    const waits = rules({ wait: 60 });
    const all = deployment(approval('grace'));
    const now = standingOf(waits, all, known(grace), new Date(59_999));
    expect(whyItWaits(waits, 'production', now)?.code).toBe('wait_time');
    const none = standingOf(waits, deployment(), known(grace), new Date(0));
    expect(whyItWaits(waits, 'production', none)?.code).toBe('approval_needed');
    const later = standingOf(waits, all, known(grace), new Date(60_000));
    expect(whyItWaits(waits, 'production', later)).toBeUndefined();
  });

  it.each([
    [root, true],
    [account('root', { role: 'developer' }), false],
    [account('root', { role: 'admin', isActive: false }), false],
  ])('an override counts while %j is an administrator: %s', (by, counts) => {
    const overridden = deployment(approval('root', { kind: 'override', reason: 'fire' }));
    const strict = rules({ wait: 60, required: 2 });
    const standing = standingOf(strict, overridden, known(by), at);
    expect(whyItWaits(strict, 'production', standing) === undefined).toBe(counts);
    expect(standing.missing).toBe(2);
  });

  it('a rejection stands, whoever has approved and whoever has left', () => {
    const both = deployment(approval('grace'), approval('bob', { kind: 'rejection' }));
    expect(standingOf(rules(), both, known(grace), at).rejection?.by).toBe('bob');
  });

  it('says who may approve', () => {
    const standing = standingOf(rules({ required: 2 }), deployment(), known(), at);
    expect(whyItWaits(rules({ required: 2 }), 'production', standing)?.message).toBe(
      'production needs 2 approvals, and 2 are missing: grace, ada or an admin may approve',
    );
  });
});

describe('who may deploy, and what', () => {
  it.each<[People | null, Account | undefined, boolean]>([
    [null, undefined, true],
    [people(['ada']), account('ada'), true],
    [people([], ['service_account']), account('bot', { role: 'service_account' }), true],
    [people(['ada']), account('bob'), false],
    [people(['ada']), account('ada', { isActive: false }), false],
    [people(['ada']), undefined, false],
    [people([]), account('ada'), false],
  ])('deployers %j: %j', (deployers, who, may) => {
    expect(whyNoDeployer('production', rules({ deployers }), who) === undefined).toBe(may);
  });

  it.each<[string[] | null, string | null, boolean]>([
    [null, null, true],
    [['main'], 'main', true],
    [['main', 'release/*'], 'release/1', true],
    [['release/*'], 'release/1/x', false],
    [['main'], 'main2', false],
    [['**'], null, false],
  ])('branches %j: %j', (branches, branch, may) => {
    const why = whyNoBranch('production', rules({ branches }), branch);
    expect(why === undefined).toBe(may);
    if (!may) expect(why?.message).toContain(`only ${branches?.join(' or ')}`);
  });
});
