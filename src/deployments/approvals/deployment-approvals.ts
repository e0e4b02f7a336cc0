import { Injectable } from '@nestjs/common';
import { type Account, Accounts } from '../../auth/accounts/accounts.js';
import type { Principal } from '../../auth/principals/principal.js';
import {
  conflict,
  MillraceError,
  notFound,
  validationError,
} from '../../common/errors/millrace.error.js';
import type { Reason } from '../../engine/plan/run-state.js';
import { type Approval, type ApprovalKind, isSaidAgain } from '../../environments/approval.js';
import { environmentReasons } from '../../environments/environment-reasons.js';
import {
  type ApprovalStanding,
  standingOf,
  whyNoApprover,
} from '../../environments/environment-rules.js';
import type { EnvironmentRules } from '../../environments/environment.js';
import { EnvironmentsService } from '../../environments/environments.service.js';
import { type Deployment, isFinished } from '../record/deployment.js';
import { DeploymentStore } from '../record/deployment-store.js';
import { SuspendedWaits } from './suspended-waits.js';
import { deploymentOver } from '../refusals.js';

/** Who has said what of a deployment, and what it is worth now. */
export interface ApprovalView extends ApprovalStanding {
  readonly rules: EnvironmentRules;
}

/** What people say of deployments that wait for them. */
@Injectable()
export class DeploymentApprovals {
  constructor(
    private readonly store: DeploymentStore,
    private readonly environments: EnvironmentsService,
    private readonly accounts: Accounts,
    private readonly waits: SuspendedWaits,
  ) {}

  /**
   * Approves a deployment, with others or alone.
   * @param override in the place of all approvals that are missing, and of the waiting time
   * @throws NotFoundError, ConflictError: it does not wait for anybody; AuthorizationError: not by
   *   this account; ValidationError: an override without a reason
   */
  async approve(
    id: string,
    by: Principal,
    { override, reason }: { readonly override: boolean; readonly reason: string | undefined },
  ): Promise<void> {
    if (!override) return this.say(id, by, 'approval', reason);
    if (reason === undefined) {
      const message = 'An override needs a reason, which is kept.';
      throw validationError(message, {
        details: [{ path: 'reason', code: 'isDefined', message: 'reason must be there' }],
      });
    }
    return this.say(id, by, 'override', reason);
  }

  /** Ends a deployment that waits. @throws as `approve` */
  async reject(id: string, by: Principal, reason: string | undefined): Promise<void> {
    return this.say(id, by, 'rejection', reason);
  }

  /** Undefined: nobody was asked. */
  async viewOf(deployment: Deployment): Promise<ApprovalView | undefined> {
    const { cause, gate, approvals = [] } = deployment;
    if (cause === undefined || gate === undefined) return undefined;
    const rules = await this.environments.rulesOf(deployment.environment);
    const known = await this.accounts.findAll(approvals.map((one) => one.by));
    const judged = { ...deployment, cause, approvals };
    return { ...standingOf(rules, judged, known, new Date()), rules };
  }

  private async say(
    id: string,
    by: Principal,
    kind: ApprovalKind,
    reason: string | undefined,
  ): Promise<void> {
    const deployment = await this.waiting(id);
    const account = await this.accounts.find(by.id);
    const refusal = await this.whyNot(deployment, by, account, kind);
    if (refusal !== undefined) throw refused(refusal);
    if (account === undefined) throw new Error(`the principal ${by.id} has no account`);
    const approval: Approval = {
      ...{ kind, by: account.id, login: account.login, generation: account.generation },
      ...{ reason: reason ?? null, at: new Date(), commit: deployment.commit },
      plan_hash: deployment.cause?.plan_hash ?? null,
    };
    if (await this.store.addApproval(id, approval)) return this.waits.lookAt(deployment);
    // Somebody was faster, or it has been said before: which of them, the record tells.
    const { approvals = [] } = await this.waiting(id);
    const isAgain = approvals.some((one) => isSaidAgain(one, approval));
    throw conflict(isAgain ? 'You have said that already.' : 'Somebody has rejected it already.');
  }

  /** @throws NotFoundError, ConflictError */
  private async waiting(id: string): Promise<Deployment> {
    const deployment = await this.store.find(id);
    if (deployment === undefined) throw notFound('deployment', id);
    if (isFinished(deployment)) throw deploymentOver();
    if (deployment.gate === 'closed') return deployment;
    throw conflict(
      deployment.gate === 'open'
        ? 'The deployment has all approvals that it needs, and continues.'
        : 'The deployment waits for nobody.',
    );
  }

  private async whyNot(
    { environment, cause }: Deployment,
    by: Principal,
    account: Account | undefined,
    kind: ApprovalKind,
  ): Promise<Reason | undefined> {
    if (kind === 'override') return mayOverride(by) ? undefined : environmentReasons.noOverride();
    const rules = await this.environments.rulesOf(environment);
    // Whoever may approve may say no to what is their own as well.
    const asked = kind === 'rejection' ? { ...rules, allow_self: true } : rules;
    if (cause === undefined) return undefined;
    return whyNoApprover(asked, { environment, cause }, account);
  }
}

/** Only who may change the rules may pass over them. */
function mayOverride({ scopes }: Principal): boolean {
  return scopes.has('environments:write');
}

/** 403, by the same code that the deployment would have. */
export function refused({ code, message, data }: Reason): MillraceError {
  return new MillraceError('AuthorizationError', `${message}.`, {
    details: { code, ...data },
    suggestions: ['`./millrace environments` shows who may deploy, and who may approve.'],
  });
}
