import type { PartType } from '../../engine/steps/deploy/deploy-action.js';
import { type DirectorySettings, sshOf, type TargetSettings } from '../record/deployment.js';
import type { DeployTarget } from './deploy-target.js';

/** The targets that this worker can use. */
export class DeployTargets {
  constructor(
    private readonly byType: Readonly<Record<PartType, DeployTarget>>,
    private readonly bySsh: DeployTarget<DirectorySettings>,
  ) {}

  of(settings: TargetSettings): DeployTarget {
    return sshOf(settings) === undefined ? this.byType[settings.type] : this.bySsh;
  }
}
