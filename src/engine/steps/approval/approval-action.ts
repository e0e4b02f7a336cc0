import type { InputDefinition } from '../../plan/input-definition.js';
import type { StepAction } from '../../plan/plan.js';

export const APPROVAL_KIND = 'approval';

/** Roles that may be asked: no other one may approve anything. */
export const APPROVING_ROLES = ['developer', 'admin'] as const;
export type ApprovingRole = (typeof APPROVING_ROLES)[number];

const DAY_MS = 86_400_000;
/** For so long people are asked, where the step does not say it. */
export const APPROVAL_TIMEOUT_MS = 7 * DAY_MS;
export const MAX_APPROVAL_TIMEOUT_MS = 30 * DAY_MS;

/** In plans: waits until people have approved. */
export interface ApprovalAction extends StepAction {
  readonly kind: typeof APPROVAL_KIND;
  /** Template. */
  readonly message: string;
  /** Neither roles nor users: whoever may approve at all. */
  readonly roles?: readonly ApprovingRole[];
  /** Log-in names, or ids of accounts. */
  readonly users?: readonly string[];
  /** Approvals of different people: 1 to 20. */
  readonly required: number;
  /** What whoever approves must say; absent = nothing. */
  readonly inputs?: readonly InputDefinition[];
  /** How long it waits, ms; then it fails. */
  readonly timeoutMs: number;
}
