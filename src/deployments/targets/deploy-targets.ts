import type { DeploymentType } from '../../engine/steps/deploy/deploy-action.js';
import type { TargetSettings } from '../record/deployment.js';
import type { DeployTarget } from './deploy-target.js';

/** The targets that this worker can use. */
export class DeployTargets {
  constructor(
    private readonly byType: Readonly<Record<DeploymentType, DeployTarget>>,
    private readonly bySsh: Readonly<Record<DeploymentType, DeployTarget>>,
  ) {}

  of({ type, ssh }: Pick<TargetSettings, 'type' | 'ssh'>): DeployTarget {
    return ssh === undefined ? this.byType[type] : this.bySsh[type];
  }
}
