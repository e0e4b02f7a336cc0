import type { Account } from '../../auth/accounts/accounts.js';
import { type Role, ROLES, type Scope } from '../../auth/policy/policy.js';
import type { ApprovalFacts } from '../../engine/plan/approval-facts.js';
import type { Reason } from '../../engine/plan/run-state.js';
import {
  type ApprovalKind,
  type DeploymentCause,
  type Standing,
  standingBy,
} from '../../environments/approval.js';
import { isStillThere, refusedApprover } from '../../environments/approver-rules.js';
import type { NamedUser, People } from '../../environments/environment.js';
import {
  isSameStep,
  type StepAnswer,
  type StepApproval,
  textOfInputs,
  type WaitingStep,
} from '../record/suspension.js';
import { approvalReasons, rolesOf } from './approval-reasons.js';

/** Of the routes: whoever has it not may not approve, also where they are named. */
export const APPROVING: Scope = 'executions:approve';

/** A step that waits, with what is looked at of its execution. */
export interface JudgedStep extends WaitingStep {
  readonly asked: ApprovalFacts;
  /** Those of `asked.users` that have accounts. */
  readonly users: readonly NamedUser[];
  readonly cause: DeploymentCause;
  readonly commit: string | null;
}

export type KnownAccounts = ReadonlyMap<string, Account>;

/** What was said of a step, and what it is worth. */
export type StepStanding = Standing<StepApproval>;

/**
 * Why this account may not say this; undefined: it may. Whoever is asked may say no to what is
 * their own.
 */
export function whyNoAnswer(
  step: JudgedStep,
  account: Account | undefined,
  kind: Exclude<ApprovalKind, 'override'>,
): Reason | undefined {
  const rules = { approvers: approversOf(step), allow_self: kind === 'rejection' };
  switch (refusedApprover(rules, step.cause, account, APPROVING)) {
    case 'not_approver':
      return approvalReasons.notApprover(step.asked);
    case 'own':
      return approvalReasons.ownExecution();
    case undefined:
      return undefined;
  }
}

/** What was said of one step is worth this now. Pure. */
export function standingOf(
  step: JudgedStep,
  approvals: readonly StepApproval[],
  accounts: KnownAccounts,
): StepStanding {
  const own = approvals.filter((one) => isSameStep(one, step));
  const valued = own.map((approval) => ({
    approval,
    counts: doesCount(step, approval, accounts.get(approval.by)),
  }));
  // People approve one thing: of two who said other things at one moment, the first one counts.
  const first = valued.find(({ counts, approval: { kind } }) => counts && kind === 'approval');
  const given = valued.map(({ approval, counts }) => ({
    approval,
    counts: counts && (approval.kind !== 'approval' || isOfSame(approval, first?.approval)),
  }));
  return standingBy(given, step.asked.required);
}

/** What the step is told; undefined: it still waits. A no outranks all, any word the time. Pure. */
export function answerOf(
  step: JudgedStep,
  standing: StepStanding,
  now: Date,
): StepAnswer | undefined {
  const { stage, step: name, attempt } = step;
  const place = { stage, step: name, attempt };
  const { rejection, override, missing } = standing;
  if (rejection !== undefined) {
    const reason = approvalReasons.rejected(rejection.login, rejection.reason);
    return { ...place, kind: 'rejected', reason, inputs: [] };
  }
  if (override !== undefined) {
    const reason = approvalReasons.overridden(override.login, override.reason);
    return { ...place, kind: 'approved', reason, inputs: override.inputs };
  }
  if (missing === 0) {
    const counted = standing.given.filter(({ counts }) => counts).map(({ approval }) => approval);
    const why = counted.findLast(({ reason }) => reason !== null)?.reason ?? null;
    const reason = approvalReasons.approved(
      counted.map(({ login }) => login),
      why,
    );
    return { ...place, kind: 'approved', reason, inputs: counted.at(-1)?.inputs ?? [] };
  }
  if (Date.parse(step.asked.until) > now.getTime()) return undefined;
  return {
    ...place,
    kind: 'timeout',
    reason: approvalReasons.timeout(step.asked, missing),
    inputs: [],
  };
}

export function approversOf({ asked, users }: Pick<JudgedStep, 'asked' | 'users'>): People {
  const named = rolesOf(asked);
  const roles = ROLES.filter((role: Role) => named.includes(role));
  return { users, roles };
}

function doesCount(
  step: JudgedStep,
  approval: StepApproval,
  account: Account | undefined,
): boolean {
  const { kind, commit, plan_hash: plan } = approval;
  const isOfThis = commit === step.commit && plan === step.cause.plan_hash;
  if (!isOfThis || !isStillThere(approval, account)) return false;
  if (kind === 'override') return account.role === 'admin';
  return kind === 'rejection' || whyNoAnswer(step, account, kind) === undefined;
}

function isOfSame({ inputs }: StepApproval, first: StepApproval | undefined): boolean {
  return first === undefined || textOfInputs(inputs) === textOfInputs(first.inputs);
}
