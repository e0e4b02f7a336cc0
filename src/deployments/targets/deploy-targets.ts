import type { DeploymentType } from '../../engine/steps/deploy/deploy-action.js';
import type { DeployTarget } from './deploy-target.js';

/** The targets of this host, one for each type. */
export class DeployTargets {
  constructor(private readonly byType: Readonly<Record<DeploymentType, DeployTarget>>) {}

  of(type: DeploymentType): DeployTarget {
    return this.byType[type];
  }
}
