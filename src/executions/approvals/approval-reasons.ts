import type { ApprovalFacts } from '../../engine/plan/approval-facts.js';
import type { Reason } from '../../engine/plan/run-state.js';
import { APPROVING_ROLES } from '../../engine/steps/approval/approval-action.js';
import { peopleText } from '../../environments/environment-reasons.js';

type Asked = Pick<ApprovalFacts, 'roles' | 'users' | 'required' | 'until' | 'message'>;

/** Why a step waits for people, and how that ended; docs/reasons.md explains each code. */
export const approvalReasons = {
  needed: (asked: Asked): Reason => ({
    code: 'approval_needed',
    message: `needs ${approvals(asked.required)} until ${asked.until}: ${approversText(asked)} may approve`,
    data: {
      waits_for: 'approval',
      required: asked.required,
      users: asked.users ?? [],
      roles: rolesOf(asked),
      until: asked.until,
      message: asked.message,
    },
  }),
  approved: (by: readonly string[], why: string | null): Reason => ({
    code: 'approved',
    message: `approved by ${by.join(', ')}${said(why)}`,
    data: { by, ...(why !== null && { reason: why }) },
  }),
  overridden: (by: string, why: string | null): Reason => ({
    code: 'approval_overridden',
    message: `${by} passed over its approvals${said(why)}`,
    data: { by, ...(why !== null && { reason: why }) },
  }),
  rejected: (by: string, why: string | null): Reason => ({
    code: 'approval_rejected',
    message: `${by} rejected it${said(why)}`,
    data: { by, ...(why !== null && { reason: why }) },
  }),
  timeout: ({ until, required }: Asked, missing: number): Reason => ({
    code: 'approval_timeout',
    message: `nobody approved it in time: ${missing} of ${approvals(required)} were missing at ${until}`,
    data: { until, required, missing },
  }),
  notApprover: (asked: Asked): Reason => ({
    code: 'approver_not_allowed',
    message: `You may not approve this step: ${approversText(asked)} may`,
    data: { users: asked.users ?? [], roles: rolesOf(asked) },
  }),
  ownExecution: (): Reason => ({
    code: 'own_execution',
    message:
      'You have caused this execution, or wrote what it runs: it wants the approval of somebody else',
  }),
  noOverride: (): Reason => ({
    code: 'override_not_allowed',
    message: 'Only an administrator may pass over the approvals of a step',
  }),
  notSuspended: (why: string): Reason => ({
    code: 'snapshot_failed',
    message: `it cannot wait without a worker, because its workspace cannot be kept: ${why}`,
  }),
  snapshotLost: (why: string): Reason => ({
    code: 'snapshot_lost',
    message: `The workspace that was kept while it waited cannot be restored: ${why}`,
  }),
} as const;

/** The roles that are asked: without any, and without users, all that may approve at all. */
export function rolesOf({ roles, users }: Pick<Asked, 'roles' | 'users'>): readonly string[] {
  return roles ?? (users === undefined ? APPROVING_ROLES : []);
}

export function approversText(asked: Pick<Asked, 'roles' | 'users'>): string {
  const users = (asked.users ?? []).map((login) => ({ id: login, login }));
  return peopleText({ users, roles: rolesOf(asked) });
}

function approvals(count: number): string {
  return `${count} ${count === 1 ? 'approval' : 'approvals'}`;
}

function said(why: string | null): string {
  return why === null ? '' : `: ${why}`;
}
