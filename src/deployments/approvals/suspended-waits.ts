import { Injectable } from '@nestjs/common';
import { ContinueExecution } from '../../executions/approvals/continue-execution.js';
import { type OutsideView, OutsideWaits } from '../../executions/approvals/outside-waits.js';
import { type Deployment, isFinished } from '../record/deployment.js';
import { DeploymentStore } from '../record/deployment-store.js';
import { deploymentReasons } from '../running/deployment-reasons.js';
import { DeploymentGate } from '../running/approval-gate.js';

/** Of an environment, deployments that are looked at when its rules have changed. */
const MOST = 1_000;

/** Deployments whose executions wait with them: when they continue. */
@Injectable()
export class SuspendedWaits {
  constructor(
    private readonly store: DeploymentStore,
    private readonly gate: DeploymentGate,
    private readonly continuing: ContinueExecution,
    outside: OutsideWaits,
  ) {
    outside.registerDeployments((id) => this.viewOf(id));
  }

  /** Somebody has said something of it: its execution continues, if that decides it. */
  async lookAt({ suspended_in: attempt, execution_id: id }: Deployment): Promise<void> {
    if (attempt != null && id !== null) await this.continuing.lookAt(id);
  }

  /** The rules of an environment have changed: what waits there may continue. */
  async lookAtAll(environment: string): Promise<void> {
    for (const one of await this.store.unfinishedIn(environment, MOST)) await this.lookAt(one);
  }

  private async viewOf(id: string): Promise<OutsideView> {
    const deployment = await this.store.find(id);
    if (deployment === undefined) return { kind: 'over', reason: deploymentReasons.gone(id) };
    const { suspended_in: attempt, reason, cancel_requested_by: by } = deployment;
    if (isFinished(deployment) || attempt == null) {
      return { kind: 'over', reason: reason ?? deploymentReasons.continues(id) };
    }
    if (by !== null) return { kind: 'over', reason: deploymentReasons.cancelled(by) };
    const view = await this.gate.look(deployment);
    if (view.kind === 'closed') return { kind: 'waits', until: view.until };
    if (view.kind === 'refused') return { kind: 'over', reason: view.reason };
    return { kind: 'over', reason: deploymentReasons.continues(id) };
  }
}
