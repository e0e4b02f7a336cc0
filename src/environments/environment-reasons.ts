import type { Reason } from '../engine/plan/run-state.js';
import type { EnvironmentRules, People } from './environment.js';

/** Why an environment lets something wait, or refuses it; docs/reasons.md explains each code. */
export const environmentReasons = {
  notDeployer: (environment: string, deployers: People, who: string | undefined): Reason => ({
    code: 'deployer_not_allowed',
    message: `${who ?? 'whoever asked for it is no account here, and'} may not deploy to ${environment}: ${peopleText(deployers)} may`,
    data: { environment, ...peopleData(deployers) },
  }),
  notBranch: (environment: string, branches: readonly string[], branch: string | null): Reason => ({
    code: 'branch_not_allowed',
    message: `${branch === null ? 'what is of no branch, or of one that nobody can tell,' : `the branch ${branch}`} is not deployed to ${environment}: only ${listed(branches)}`,
    data: { environment, branches, branch },
  }),
  missing: (
    environment: string,
    { required, approvers }: Pick<EnvironmentRules, 'required' | 'approvers'>,
    missing: number,
  ): Reason => ({
    code: 'approval_needed',
    message: `${environment} needs ${required} ${required === 1 ? 'approval' : 'approvals'}, and ${missing} ${missing === 1 ? 'is' : 'are'} missing: ${peopleText(approvers)} may approve`,
    data: { environment, required, missing, ...peopleData(approvers) },
  }),
  waiting: (environment: string, until: Date): Reason => ({
    code: 'wait_time',
    message: `${environment} lets deployments wait, this one until ${until.toISOString()}`,
    data: { environment, until: until.toISOString() },
  }),
  timeout: (
    environment: string,
    until: Date,
    { required, missing }: { readonly required: number; readonly missing: number },
  ): Reason => ({
    code: 'approval_timeout',
    message: `${environment} did not let it through in time: ${missing} of ${required} ${required === 1 ? 'approval' : 'approvals'} were missing at ${until.toISOString()}`,
    data: { environment, until: until.toISOString(), required, missing },
  }),
  rejected: (by: string, why: string | null): Reason => ({
    code: 'approval_rejected',
    message: `${by} rejected it${why === null ? '' : `: ${why}`}`,
    data: { by, ...(why !== null && { reason: why }) },
  }),
  notApprover: (environment: string, approvers: People): Reason => ({
    code: 'approver_not_allowed',
    message: `You may not approve deployments to ${environment}: ${peopleText(approvers)} may`,
    data: { environment, ...peopleData(approvers) },
  }),
  noOverride: (): Reason => ({
    code: 'override_not_allowed',
    message: 'Only an administrator may pass over the approvals of an environment',
  }),
  ownDeployment: (environment: string): Reason => ({
    code: 'own_deployment',
    message: `You have caused this deployment, or wrote what is in it: ${environment} wants the approval of somebody else`,
    data: { environment },
  }),
} as const;

/** As the start of a sentence's end: `ada, or an admin`. */
export function peopleText({
  users,
  roles,
}: {
  readonly users: People['users'];
  readonly roles: readonly string[];
}): string {
  const named = users.map(({ login }) => login);
  const ofRole = roles.map(
    (role) => `${/^[aeiou]/.test(role) ? 'an' : 'a'} ${role.replace('_', ' ')}`,
  );
  const all = [...named, ...ofRole];
  return all.length === 0 ? 'nobody' : listed(all);
}

function peopleData({ users, roles }: People): Readonly<Record<string, unknown>> {
  return { users: users.map(({ login }) => login), roles };
}

function listed(texts: readonly string[]): string {
  if (texts.length < 2) return texts.join('');
  return `${texts.slice(0, -1).join(', ')} or ${texts.at(-1)}`;
}
