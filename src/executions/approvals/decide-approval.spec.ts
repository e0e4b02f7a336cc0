import type { Account } from '../../auth/accounts/accounts.js';
import { rolesWith } from '../../auth/policy/policy.js';
import type { ApprovalFacts } from '../../engine/plan/approval-facts.js';
import { APPROVING_ROLES } from '../../engine/steps/approval/approval-action.js';
import type { StepApproval } from '../record/suspension.js';
import {
  answerOf,
  APPROVING,
  type JudgedStep,
  standingOf,
  whyNoAnswer,
} from './decide-approval.js';

const UNTIL = '2026-01-31T12:00:00.000Z';
const BEFORE = new Date('2026-01-31T11:59:59.999Z');
const PLACE = { stage: 'release', step: 'ok', attempt: 1 };

const account = (id: string, more: Partial<Account> = {}): Account => ({
  ...{ id, kind: 'user', login: id, name: null, role: 'developer' },
  ...{ isActive: true, generation: 1, ...more },
});
const step = (asked: Partial<ApprovalFacts> = {}): JudgedStep => ({
  ...{ ...PLACE, commit: 'c', users: (asked.users ?? []).map((login) => ({ id: login, login })) },
  asked: { message: 'Ship?', required: 1, asked: UNTIL, until: UNTIL, ...asked },
  cause: {
    ...{ deployer: 'ada', accounts: ['ada'], names: ['Pusher'], branch: null, plan_hash: 'p' },
  },
});
const word = (by: string, more: Partial<StepApproval> = {}): StepApproval => ({
  ...{ ...PLACE, kind: 'approval', by, login: by, generation: 1, reason: null, at: new Date(5) },
  ...{ commit: 'c', plan_hash: 'p', inputs: [], ...more },
});
const known = (...accounts: Account[]) => new Map(accounts.map((one) => [one.id, one]));
const PEOPLE = known(account('grace'), account('bob'), account('root', { role: 'admin' }));

const decided = (
  of: JudgedStep,
  words: StepApproval[],
  now = BEFORE,
  people: ReadonlyMap<string, Account> = PEOPLE,
) => answerOf(of, standingOf(of, words, people), now);

it('the roles that a pipeline may name are those that may approve', () => {
  expect([...APPROVING_ROLES]).toEqual(rolesWith(APPROVING));
});

describe('who may approve a step of an execution of ada', () => {
  it.each<[string, Account | undefined, Partial<ApprovalFacts>, string | undefined]>([
    ['anybody who may at all, where nobody is named', account('grace'), {}, undefined],
    ['no viewer', account('v', { role: 'viewer' }), {}, 'approver_not_allowed'],
    ['no program', account('s', { role: 'service_account' }), {}, 'approver_not_allowed'],
    ['nobody that is known', undefined, {}, 'approver_not_allowed'],
    ['one of a role', account('root', { role: 'admin' }), { roles: ['admin'] }, undefined],
    ['none of another role', account('grace'), { roles: ['admin'] }, 'approver_not_allowed'],
    ['one who is named', account('grace'), { users: ['grace'] }, undefined],
    ['none who is not', account('bob'), { users: ['grace'] }, 'approver_not_allowed'],
    [
      'no administrator who is not named',
      account('r', { role: 'admin' }),
      { users: ['grace'] },
      'approver_not_allowed',
    ],
    [
      'none with the name, but another account',
      account('x', { login: 'grace' }),
      { users: ['grace'] },
      'approver_not_allowed',
    ],
    ['none who is blocked', account('grace', { isActive: false }), {}, 'approver_not_allowed'],
    ['not who triggered it', account('ada'), {}, 'own_execution'],
    ['not who pushed, by name', account('grace', { login: 'pusher' }), {}, 'own_execution'],
  ])('%s', (_name, who, asked, code) => {
    expect(whyNoAnswer(step(asked), who, 'approval')?.code).toBe(code);
  });

  it('whoever may, may say no to what is their own', () => {
    expect(whyNoAnswer(step(), account('ada'), 'rejection')).toBeUndefined();
    expect(whyNoAnswer(step({ users: ['bob'] }), account('ada'), 'rejection')?.code).toBe(
      'approver_not_allowed',
    );
  });
});

describe('what a step is told', () => {
  it('nothing, as long as approvals are missing and there is time', () => {
    expect(decided(step(), [])).toBeUndefined();
    expect(decided(step({ required: 2 }), [word('grace')])).toBeUndefined();
    expect(decided(step({ required: 2 }), [word('grace'), word('grace')])).toBeUndefined();
  });

  it('yes, with the inputs and by whom', () => {
    const inputs = [{ name: 'v', value: 1 }];
    const words = [word('grace', { inputs }), word('bob', { inputs, reason: 'fine' })];
    expect(decided(step({ required: 2 }), words)).toEqual({
      ...{ ...PLACE, kind: 'approved', inputs },
      reason: {
        ...{ code: 'approved', message: 'approved by grace, bob: fine' },
        data: { by: ['grace', 'bob'], reason: 'fine' },
      },
    });
  });

  it('nothing by two who approved other inputs at one moment: the first counts', () => {
    const said = (value: number) => ({ inputs: [{ name: 'v', value }] });
    const two = step({ required: 2 });
    const words = [word('grace', said(1)), word('bob', said(2))];
    expect(decided(two, words)).toBeUndefined();
    const counts = standingOf(two, words, PEOPLE).given.map((one) => one.counts);
    expect(counts).toEqual([true, false]);
    const people = known(account('grace'), account('bob'), account('eve'));
    const third = [...words, word('eve', said(1))];
    expect(decided(two, third, BEFORE, people)).toMatchObject({
      kind: 'approved',
      ...said(1),
      reason: { data: { by: ['grace', 'eve'] } },
    });
    // Of one who may not approve any more nothing counts: then the other one is the first.
    expect(decided(step(), words, BEFORE, known(account('bob')))).toMatchObject(said(2));
    const override = word('root', { kind: 'override', reason: 'fire', ...said(3) });
    expect(decided(two, [...words, override])).toMatchObject(said(3));
  });

  it('no, whatever else was said, also when whoever said it has left', () => {
    const words = [word('grace'), word('gone', { kind: 'rejection', reason: 'stop' })];
    expect(decided(step(), words)).toMatchObject({
      kind: 'rejected',
      reason: { code: 'approval_rejected', message: 'gone rejected it: stop' },
    });
  });

  it('that the time has passed, unless enough have approved by then', () => {
    const now = new Date(UNTIL);
    expect(decided(step({ required: 2 }), [word('grace')], now)).toMatchObject({
      kind: 'timeout',
      reason: { code: 'approval_timeout', data: { missing: 1 } },
    });
    expect(decided(step(), [word('grace')], now)?.kind).toBe('approved');
  });

  it('yes by an override, of an administrator alone', () => {
    const override = (by: string) => word(by, { kind: 'override', reason: 'fire' });
    expect(decided(step({ required: 5 }), [override('root')])).toMatchObject({
      kind: 'approved',
      reason: { code: 'approval_overridden' },
    });
    expect(decided(step(), [override('grace')])).toBeUndefined();
  });

  it.each<[string, StepApproval, ReadonlyMap<string, Account>]>([
    ['has left', word('grace'), known()],
    ['is blocked', word('grace'), known(account('grace', { isActive: false }))],
    ['has ended its sessions', word('grace'), known(account('grace', { generation: 2 }))],
    ['may not approve any more', word('grace'), known(account('grace', { role: 'viewer' }))],
    ['approved another commit', word('grace', { commit: 'd' }), PEOPLE],
    ['approved another plan', word('grace', { plan_hash: 'q' }), PEOPLE],
    ['approved another step', word('grace', { step: 'other' }), PEOPLE],
    ['approved an earlier try', word('grace', { attempt: 2 }), PEOPLE],
  ])('nothing by an approval whose account %s', (_name, approval, people) => {
    expect(decided(step(), [approval], BEFORE, people)).toBeUndefined();
  });
});
