import { Injectable } from '@nestjs/common';
import { Accounts } from '../../auth/accounts/accounts.js';
import type { Reason } from '../../engine/plan/run-state.js';
import type { DeploymentCause } from '../../environments/approval.js';
import { environmentReasons } from '../../environments/environment-reasons.js';
import {
  standingOf,
  whyItWaits,
  whyNoBranch,
  whyNoDeployer,
} from '../../environments/environment-rules.js';
import type { EnvironmentRules } from '../../environments/environment.js';
import { EnvironmentsService } from '../../environments/environments.service.js';
import type { Deployment } from '../record/deployment.js';
import { DeploymentGate, type GateView } from '../running/approval-gate.js';

/** Holds deployments against the rules of their environment, as those and the people are now. */
@Injectable()
export class EnvironmentGate extends DeploymentGate {
  constructor(
    private readonly environments: EnvironmentsService,
    private readonly accounts: Accounts,
  ) {
    super();
  }

  async look(
    deployment: Pick<
      Deployment,
      'kind' | 'environment' | 'cause' | 'approvals' | 'commit' | 'created_at' | 'expires_at'
    >,
  ): Promise<GateView> {
    const { kind, environment, cause, approvals = [] } = deployment;
    // Who may roll back was asked when it was asked for; it goes to what served there before.
    if (kind === 'rollback' || kind === 'remove' || cause === undefined) return { kind: 'open' };
    const rules = await this.environments.rulesOf(environment);
    const refusal = await this.refusalBy(rules, environment, cause);
    if (refusal !== undefined) return { kind: 'refused', reason: refusal };
    const known = await this.accounts.findAll(approvals.map(({ by }) => by));
    const now = new Date();
    const standing = standingOf(rules, { ...deployment, cause, approvals }, known, now);
    if (standing.rejection !== undefined) {
      const { login, reason } = standing.rejection;
      return { kind: 'refused', reason: environmentReasons.rejected(login, reason) };
    }
    const reason = whyItWaits(rules, environment, standing);
    if (reason === undefined) return { kind: 'open' };
    const { expires_at: limit } = deployment;
    if (limit !== undefined && limit <= now) {
      return { kind: 'refused', reason: environmentReasons.timeout(environment, limit, standing) };
    }
    const until = standing.missing === 0 ? standing.waitsUntil : undefined;
    return { kind: 'closed', reason, ...(until && { until }) };
  }

  async refusal(environment: string, cause: DeploymentCause): Promise<Reason | undefined> {
    return this.refusalBy(await this.environments.rulesOf(environment), environment, cause);
  }

  async deployerRefusal(environment: string, accountId: string): Promise<Reason | undefined> {
    const rules = await this.environments.rulesOf(environment);
    if (rules.deployers === null) return undefined;
    return whyNoDeployer(environment, rules, await this.accounts.find(accountId));
  }

  private async refusalBy(
    rules: EnvironmentRules,
    environment: string,
    { deployer, branch }: DeploymentCause,
  ): Promise<Reason | undefined> {
    const refusal = whyNoBranch(environment, rules, branch);
    if (refusal !== undefined || rules.deployers === null) return refusal;
    const account = deployer === null ? undefined : await this.accounts.find(deployer);
    return whyNoDeployer(environment, rules, account);
  }
}
