import type { Account } from '../auth/accounts/accounts.js';
import type { Scope } from '../auth/policy/policy.js';
import type { Reason } from '../engine/plan/run-state.js';
import { namePattern } from '../engine/triggers/name-pattern.js';
import { type Approval, type DeploymentCause, type Standing, standingBy } from './approval.js';
import { isAmong, isStillThere, refusedApprover } from './approver-rules.js';
import { environmentReasons } from './environment-reasons.js';
import type { EnvironmentRules } from './environment.js';

/** Of the route: whoever has it not may not approve, also where they are named. */
const APPROVING: Scope = 'deployments:approve';

/** What is looked at of a deployment. */
export interface JudgedDeployment {
  readonly environment: string;
  readonly cause: DeploymentCause;
  readonly approvals: readonly Approval[];
  readonly commit: string | null;
  readonly created_at: Date;
}

/** Accounts by their ids; who is not in it has left. */
export type KnownAccounts = ReadonlyMap<string, Account>;

/** An override stands in the place of the wait as well. */
export interface ApprovalStanding extends Standing<Approval> {
  /** Until when it waits, whoever approves; undefined: that time is over. */
  readonly waitsUntil: Date | undefined;
}

/** Why this account may put nothing into service there; undefined: it may. Pure. */
export function whyNoDeployer(
  environment: string,
  { deployers }: EnvironmentRules,
  account: Account | undefined,
): Reason | undefined {
  if (deployers === null || isAmong(deployers, account)) return undefined;
  return environmentReasons.notDeployer(environment, deployers, account?.login);
}

/** Why this branch is not deployed there; undefined: it is. Pure. */
export function whyNoBranch(
  environment: string,
  { branches }: EnvironmentRules,
  branch: string | null,
): Reason | undefined {
  if (branches === null) return undefined;
  if (branch !== null && branches.some((pattern) => namePattern(pattern)(branch))) return undefined;
  return environmentReasons.notBranch(environment, branches, branch);
}

/** Why this account may not approve a deployment; undefined: it may. Pure. */
export function whyNoApprover(
  rules: EnvironmentRules,
  { environment, cause }: Pick<JudgedDeployment, 'environment' | 'cause'>,
  account: Account | undefined,
): Reason | undefined {
  switch (refusedApprover(rules, cause, account, APPROVING)) {
    case 'not_approver':
      return environmentReasons.notApprover(environment, rules.approvers);
    case 'own':
      return environmentReasons.ownDeployment(environment);
    case undefined:
      return undefined;
  }
}

/** What the approvals that were given are worth now, by the rules of now. Pure. */
export function standingOf(
  rules: EnvironmentRules,
  deployment: JudgedDeployment,
  accounts: KnownAccounts,
  now: Date,
): ApprovalStanding {
  const given = deployment.approvals.map((approval) => ({
    approval,
    counts: doesCount(rules, deployment, approval, accounts.get(approval.by)),
  }));
  const waitsUntil = new Date(deployment.created_at.getTime() + rules.wait * 1000);
  return {
    ...standingBy(given, rules.required),
    waitsUntil: waitsUntil > now ? waitsUntil : undefined,
  };
}

/** Why a deployment waits, by what its approvals are worth; undefined: it does not. Pure. */
export function whyItWaits(
  rules: EnvironmentRules,
  environment: string,
  { missing, waitsUntil, override }: ApprovalStanding,
): Reason | undefined {
  if (override !== undefined) return undefined;
  if (missing > 0) return environmentReasons.missing(environment, rules, missing);
  return waitsUntil && environmentReasons.waiting(environment, waitsUntil);
}

function doesCount(
  rules: EnvironmentRules,
  deployment: JudgedDeployment,
  approval: Approval,
  account: Account | undefined,
): boolean {
  const { kind, commit, plan_hash: plan, by } = approval;
  const isOfThis = commit === deployment.commit && plan === deployment.cause.plan_hash;
  if (!isOfThis || !isStillThere(approval, account)) return false;
  if (kind === 'override') return account.role === 'admin';
  if (kind === 'rejection') return true;
  return account.id === by && whyNoApprover(rules, deployment, account) === undefined;
}
