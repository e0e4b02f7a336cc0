import { type Scope } from '../../auth/policy/policy.js';
import type { EventInfo, TriggerInfo } from '../record/execution.schema.js';
import { approvedAgain, type Rerunner } from './fork-rerun.js';

const info = (event: Partial<EventInfo>): TriggerInfo => ({
  trigger_type: 'pull_request',
  triggered_by: 'eve',
  timestamp: new Date(0),
  event: {
    repository_id: 'r1',
    repository: 'acme/shop',
    default_branch: 'main',
    fork: true,
    ...event,
  },
});
const APPROVED = { approved_by: 'ada', author_user_id: 'eve' };
const asks = (id: string, ...scopes: Scope[]): Rerunner => ({ id, scopes: new Set(scopes) });
const grace = asks('grace', 'executions:trigger', 'deliveries:approve');
const REFUSED = expect.objectContaining({ kind: 'AuthorizationError' }) as unknown;
const refusal = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

describe('what a pull request of another repository started, run again', () => {
  it('is the approval of who runs it again', () => {
    const again = approvedAgain(info(APPROVED), { forks: 'approval' }, grace);
    expect(again.event).toMatchObject({ approved_by: 'grace', author_user_id: 'eve' });
  });

  it.each([
    ['somebody who may only start executions', asks('bob', 'executions:trigger'), {}],
    ['its author', asks('eve', 'executions:trigger', 'deliveries:approve'), {}],
    ['somebody whom the connection does not name', grace, { fork_approvers: ['ada'] }],
  ])('is refused to %s', (_who, by, named) => {
    for (const forks of ['approval', 'never', 'run'] as const) {
      expect(refusal(() => approvedAgain(info(APPROVED), { forks, ...named }, by))).toEqual(
        REFUSED,
      );
    }
  });

  it('needs one also when it had none, unless runs of forks need none now', () => {
    const bob = asks('bob', 'executions:trigger');
    const had = info({ author_user_id: 'eve' });
    expect(approvedAgain(had, { forks: 'run' }, bob)).toEqual(had);
    expect(refusal(() => approvedAgain(had, { forks: 'approval' }, bob))).toEqual(REFUSED);
    expect(refusal(() => approvedAgain(had, undefined, bob))).toEqual(REFUSED);
  });

  it.each<[string, TriggerInfo]>([
    ['of the repository itself', info({ fork: false })],
    ['of no event', { ...info({}), event: undefined }],
  ])('a run %s needs none', (_what, own) => {
    expect(approvedAgain(own, { forks: 'approval' }, asks('bob', 'executions:trigger'))).toBe(own);
  });
});
