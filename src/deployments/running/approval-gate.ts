import { setTimeout as delay } from 'node:timers/promises';
import type { Reason } from '../../engine/plan/run-state.js';
import type { DeploymentCause } from '../../environments/approval.js';
import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
import type { Deployment } from '../record/deployment.js';

export type GateView =
  | { readonly kind: 'open' }
  /** By rules of now: it may yet be opened. */
  | {
      readonly kind: 'closed';
      readonly reason: Reason;
      /** All that it waits for is this time; absent: people. */
      readonly until?: Date | undefined;
    }
  | { readonly kind: 'refused'; readonly reason: Reason };

type Gated = Pick<
  Deployment,
  'kind' | 'environment' | 'cause' | 'approvals' | 'commit' | 'created_at' | 'expires_at'
>;

/** Port: what the environment of a deployment says to it now. */
export abstract class DeploymentGate {
  /** Why the environment refuses it, whoever approves; undefined: it does not. */
  abstract refusal(environment: string, cause: DeploymentCause): Promise<Reason | undefined>;
  /** Why this account may not even go back there; undefined: it may. */
  abstract deployerRefusal(environment: string, accountId: string): Promise<Reason | undefined>;
  abstract look(deployment: Gated): Promise<GateView>;
}

/** The deployment that stands before the gate, in the hands of whoever does it. */
export interface GatedRun {
  /** As it is stored; it throws when another worker has it. */
  readonly now: () => Promise<Deployment>;
  /** True: it has ended, as its step has, or somebody has cancelled it. */
  readonly isEnded: () => Promise<boolean>;
  /** The process ends, and another one can continue with it. */
  readonly isLeft: () => boolean;
  readonly close: (reason: Reason) => Promise<void>;
  /** Lets it out of hands as long as it is closed; absent: it is waited for here. */
  readonly suspend?: ((reason: Reason) => Promise<void>) | undefined;
  /** False: somebody has rejected it at this moment. */
  readonly open: () => Promise<boolean>;
  readonly refuse: (reason: Reason) => Promise<void>;
  readonly signal: AbortSignal;
  /** How long it waits before it looks again, ms. */
  readonly pollMs: number;
}

/**
 * Waits until the environment lets a deployment through. It holds no service meanwhile, and stands
 * in no line. A database that is away for a while changes nothing. False: it has ended, is left to
 * another process, or suspended.
 */
export async function passApprovals(
  gate: DeploymentGate | undefined,
  run: GatedRun,
): Promise<boolean> {
  if (gate === undefined) return true;
  for (;;) {
    if (run.isLeft()) return false;
    const end = await step(gate, run).catch((error: unknown) => {
      // While its step is stopped nobody waits for the database: its end is found out later.
      if (!isDatabaseUnavailable(error) || run.signal.aborted) throw error;
      return undefined;
    });
    if (end !== undefined) return end;
    await delay(run.pollMs, undefined, { signal: run.signal }).catch(() => undefined);
  }
}

/** Undefined: it still waits. */
async function step(gate: DeploymentGate, run: GatedRun): Promise<boolean | undefined> {
  if (await run.isEnded()) return false;
  const now = await run.now();
  const view = await gate.look(now);
  if (view.kind === 'refused') {
    await run.refuse(view.reason);
    return false;
  }
  if (view.kind === 'closed' && run.suspend !== undefined) {
    await run.suspend(view.reason);
    return false;
  }
  if (view.kind === 'closed') {
    const isTold = now.gate === 'closed' && now.reason?.message === view.reason.message;
    if (!isTold) await run.close(view.reason);
    return undefined;
  }
  if (now.gate !== 'closed') return true;
  return (await run.open()) || undefined;
}
