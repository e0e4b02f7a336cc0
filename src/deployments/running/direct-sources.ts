import type { StepFiles } from '../../executions/attempt/steps/deployer.js';
import {
  type ContainerSettings,
  type Deployment,
  type DirectRequest,
  sshOf,
} from '../record/deployment.js';
import type { DeploymentTools, RunDeployment } from './recorded-run.js';
import { DeployRefusedError } from '../targets/deploy-target.js';
import { imageGone } from '../targets/image-gone.js';
import type { DirectFiles } from './direct-files.js';
import type { DirectImages } from './direct-images.js';
import { DirectRun, type FindSettings } from './direct-run.js';

/** Of what is an image. */
const NO_FILES: StepFiles = {
  packed: () => Promise.reject(new Error('a release that is an image has no files')),
};

/** What direct deployments are made of, on the worker that does them. */
export class DirectSources {
  constructor(
    private readonly images: Pick<DirectImages, 'find'>,
    private readonly files: Pick<DirectFiles, 'of'>,
  ) {}

  /** @param direct of the deployment */
  runOf(
    deployment: Deployment,
    direct: DirectRequest,
    tools: DeploymentTools,
    asked: RunDeployment,
  ): DirectRun {
    const { _id: id } = deployment;
    const { artifact, may_be_older: mayBeOlder } = direct;
    const source = artifact === undefined ? NO_FILES : this.files.of(id, artifact);
    const dated = artifact && { datedBy: artifact.dated_by };
    const find = this.finding(id, direct, tools);
    return new DirectRun(deployment, tools, { ...asked, source, mayBeOlder, ...dated }, find);
  }

  private finding(
    id: string,
    { image = {} }: DirectRequest,
    { targetOf }: Pick<DeploymentTools, 'targetOf'>,
  ): FindSettings {
    const keep = async (settings: ContainerSettings): Promise<void> => {
      if (await targetOf(settings).keepWaiting(id, settings)) return;
      throw new DeployRefusedError(imageGone(settings.image));
    };
    return async (settings, tell, signal) => {
      switch (settings.type) {
        case 'docker_container':
          return this.images.find(id, settings, image, keep, tell, signal);
        case 'local_directory':
          // Relative to the first folder of this host, it is whole from here on.
          return sshOf(settings) === undefined
            ? { ...settings, path: targetOf(settings).placeOf(settings) }
            : settings;
        case 'local_service':
          return settings;
      }
    };
  }
}
