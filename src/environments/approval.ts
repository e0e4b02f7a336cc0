import type { RunContext } from '../engine/plan/plan.js';

/**
 * Who stands behind a deployment or an execution: what decides who may do it, and who may not
 * approve it.
 */
export interface DeploymentCause {
  /** Id of the account that asked for it; null: no person, or nobody that is known here. */
  readonly deployer: string | null;
  /** Ids of all accounts that caused it: triggered it, ran it again, pushed, promoted. */
  readonly accounts: readonly string[];
  /** Names, as the forge and the commit have them, of who pushed and who wrote the commit. */
  readonly names: readonly string[];
  /** The branch whose head it is; null: of none, or nobody can tell. */
  readonly branch: string | null;
  /** Of the execution. */
  readonly plan_hash: string | null;
}

/** Who stands behind what an execution does. */
export function causeOf({
  cause,
  trigger,
}: Pick<RunContext, 'cause' | 'trigger'>): DeploymentCause {
  return {
    deployer: cause?.asker ?? null,
    accounts: cause?.accounts ?? [],
    names: cause?.names ?? [],
    branch: cause?.isOfBranch === true ? (trigger.branch ?? null) : null,
    plan_hash: cause?.planHash ?? null,
  };
}

/** `override`: an administrator's word in the place of all approvals and of the waiting time. */
export type ApprovalKind = 'approval' | 'override' | 'rejection';

/**
 * Whether the same person has said the same again. What they said before they were signed out may
 * count no more, so after it they may say it once more.
 */
export function isSaidAgain(one: Approval, other: Approval): boolean {
  const { by, kind, generation } = other;
  return one.by === by && one.kind === kind && one.generation === generation;
}

/** What somebody has said of one deployment; it stands in its record and counts for no other. */
export interface Approval {
  readonly kind: ApprovalKind;
  /** Id of the account. */
  readonly by: string;
  /** To be shown. */
  readonly login: string;
  /** Of the account then: an approval counts while its sessions of that time would. */
  readonly generation: number;
  readonly reason: string | null;
  readonly at: Date;
  /** What was approved. */
  readonly commit: string | null;
  readonly plan_hash: string | null;
}

/** What was said, and what it is worth. */
export interface Standing<A extends Approval> {
  readonly given: readonly { readonly approval: A; readonly counts: boolean }[];
  readonly required: number;
  readonly missing: number;
  readonly rejection: A | undefined;
  /** An administrator has put it through, in the place of all approvals. */
  readonly override: A | undefined;
}

/** Who approves twice counts once. Pure. */
export function standingBy<A extends Approval>(
  given: Standing<A>['given'],
  required: number,
): Standing<A> {
  const valid = given.filter(({ counts }) => counts).map(({ approval }) => approval);
  const approvers = new Set(valid.filter(({ kind }) => kind === 'approval').map(({ by }) => by));
  return {
    ...{ given, required, missing: Math.max(0, required - approvers.size) },
    // What was said no to is not done, also when whoever said it has left.
    rejection: given.find(({ approval }) => approval.kind === 'rejection')?.approval,
    override: valid.find(({ kind }) => kind === 'override'),
  };
}
