import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
import type { Deployment, TargetSettings } from '../record/deployment.js';
import { DeploymentRun } from './deployment-run.js';
import { DeploymentFencedError, type DeploymentTools, type RunDeployment } from './recorded-run.js';

/**
 * Says what only a worker of the host can say of settings, and of whole ones the same once more.
 *
 * @throws DeployRefusedError, TargetAwayError, the reason of the signal
 */
export type FindSettings = (
  settings: TargetSettings,
  tell: (line: string) => void,
  signal: AbortSignal,
) => Promise<TargetSettings>;

/**
 * Does a deployment that no step does. What it is of is found, and stored, before anybody is asked
 * about it: so what was approved is what is deployed, whichever worker does it in the end.
 */
export class DirectRun extends DeploymentRun {
  constructor(
    deployment: Deployment,
    tools: DeploymentTools,
    asked: RunDeployment,
    private readonly find: FindSettings,
  ) {
    super(deployment, tools, asked);
  }

  protected override async mayBegin(): Promise<boolean> {
    // Of what people were asked about it was found then.
    const isFound = this.deployment.gate !== undefined || (await this.findSettings());
    return isFound && super.mayBegin();
  }

  /** False: it has ended meanwhile. */
  private async findSettings(): Promise<boolean> {
    if (await this.endIfStopped()) return false;
    try {
      await this.unlessCancelled(async (signal, tell) => {
        await this.changeSettings(await this.find(this.deployment.settings, tell, signal));
      });
    } catch (error) {
      if (error instanceof DeploymentFencedError || isDatabaseUnavailable(error)) throw error;
      await this.afterError(error);
      return false;
    }
    return true;
  }
}
