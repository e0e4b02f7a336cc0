import type { InputDefinition } from './input-definition.js';

/** What a try that waits for people asks of them. */
export interface ApprovalFacts {
  /** Masked. */
  readonly message: string;
  /** Who may approve; neither `roles` nor `users`: whoever may approve at all. */
  readonly roles?: readonly string[];
  /** Log-in names, or ids of accounts. */
  readonly users?: readonly string[];
  /** Approvals of different people. */
  readonly required: number;
  /** What they must say, and what becomes its outputs; absent = nothing. */
  readonly inputs?: readonly InputDefinition[];
  /** From then on it waits, as an ISO date. */
  readonly asked: string;
  /** Then it fails, as an ISO date. */
  readonly until: string;
}
