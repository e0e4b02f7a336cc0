import { Injectable } from '@nestjs/common';
import { ExecutionsRepository } from '../../executions/record/executions.repository.js';
import { isTerminal } from '../../engine/plan/run-status.js';
import type { Reason } from '../../engine/plan/run-state.js';
import { maskReason } from '../../engine/runtime/reasons.js';
import type { HoldState } from '../../executions/record/execution-moves.js';
import type { Suspension } from '../../executions/record/suspension.js';
import { type Deployment, LOGS_KEPT } from '../record/deployment.js';
import { DeploymentStore } from '../record/deployment-store.js';
import { deploymentReasons } from './deployment-reasons.js';

/** Where the execution of a suspended deployment is. */
export type WaitingExecution = Pick<HoldState, 'status' | 'attempt'> & {
  readonly suspension?: Pick<Suspension, 'attempt'> | undefined;
};

export interface DeploymentEnd {
  readonly status: 'failed' | 'cancelled';
  readonly reason: Reason;
}

/**
 * How a suspended deployment has ended with its execution; undefined: that one continues with it,
 * or lets it wait still. Pure.
 */
export function endWithExecution(
  suspendedIn: number,
  execution: WaitingExecution | undefined,
): DeploymentEnd | undefined {
  if (execution === undefined || isTerminal(execution.status)) {
    return { status: 'cancelled', reason: deploymentReasons.executionOver() };
  }
  const { status, attempt, suspension } = execution;
  // Whatever waits in a later suspension was asked again by the attempt that was suspended then.
  if (suspension?.attempt === suspendedIn) return undefined;
  // Its attempt may yet keep all that it needs; any later one begins without it.
  if (status === 'running' && attempt === suspendedIn) return undefined;
  return { status: 'failed', reason: deploymentReasons.workerLost() };
}

/** Deployments that no worker is at, since their executions wait for people. */
@Injectable()
export class SuspendedDeployments {
  constructor(
    private readonly store: DeploymentStore,
    private readonly executions: ExecutionsRepository,
  ) {}

  /** Ends those that no execution will continue with. */
  async endAbandoned(suspended: readonly Deployment[]): Promise<void> {
    const ids = suspended.flatMap(({ execution_id: id }) => (id === null ? [] : [id]));
    if (ids.length === 0) return;
    const known = await this.executions.holdStates([...new Set(ids)]);
    const byId = new Map(known.map((one) => [one._id, one]));
    for (const deployment of suspended) {
      const { suspended_in: attempt, execution_id: id } = deployment;
      const end = endWithExecution(attempt ?? 0, byId.get(id ?? ''));
      if (end !== undefined) await this.end(deployment, end);
    }
  }

  /**
   * Ends one that nothing was begun of, and says so in its log. Undefined: somebody has taken it
   * meanwhile.
   * @param mask takes out of the reason what may not be shown
   */
  async end(
    seen: Deployment,
    { status, reason: why }: DeploymentEnd,
    mask: (text: string) => string = String,
  ): Promise<Deployment | undefined> {
    const { _id: id, fence, service_id: serviceId } = seen;
    const reason = maskReason(why, mask);
    const logs = [...seen.logs, reason.message].slice(-LOGS_KEPT);
    const change = { status, reason, logs, suspended_in: null, finished_at: new Date() };
    if (!(await this.store.change({ id, fence }, change))) return undefined;
    await this.store.freeService(serviceId, id);
    return { ...seen, ...change };
  }
}
