import type { Account } from '../auth/accounts/accounts.js';
import { type Scope, SCOPES_OF_ROLE } from '../auth/policy/policy.js';
import type { Approval, DeploymentCause } from './approval.js';
import type { People } from './environment.js';

/** Who may approve something, and whether those who caused it may. */
export interface ApproverRules {
  readonly approvers: People;
  readonly allow_self: boolean;
}

/** Why an account may not approve: it is not among those who may, or it has caused it. */
export type ApproverRefusal = 'not_approver' | 'own';

/**
 * Whoever has not the scope may not approve, also where they are named. Undefined: it may. Pure.
 */
export function refusedApprover(
  { approvers, allow_self: allowSelf }: ApproverRules,
  cause: DeploymentCause,
  account: Account | undefined,
  scope: Scope,
): ApproverRefusal | undefined {
  const mayAtAll = account !== undefined && SCOPES_OF_ROLE[account.role].includes(scope);
  if (!mayAtAll || !isAmong(approvers, account)) return 'not_approver';
  return !allowSelf && hasCaused(cause, account) ? 'own' : undefined;
}

/** Whoever said it is here still, as when it was said. Pure. */
export function isStillThere(
  { generation }: Pick<Approval, 'generation'>,
  account: Account | undefined,
): account is Account {
  return account?.isActive === true && account.generation === generation;
}

export function isAmong({ users, roles }: People, account: Account | undefined): boolean {
  if (account?.isActive !== true) return false;
  return roles.includes(account.role) || users.some(({ id }) => id === account.id);
}

/**
 * By id, and by any name that the forge or the commit has: a name may be anybody's, so it takes a
 * right away and never gives one.
 */
function hasCaused({ accounts, names }: DeploymentCause, { id, login, name }: Account): boolean {
  if (accounts.includes(id)) return true;
  const own = [login, name].flatMap((one) => (one === null ? [] : [one.toLowerCase()]));
  return names.some((one) => own.includes(one.toLowerCase()));
}
