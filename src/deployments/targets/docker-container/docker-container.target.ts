import { nameRecord } from '../../../common/values/name-record.js';
import { DEFAULT_PIDS } from '../../../engine/steps/container/container-action.js';
import {
  ContainerNotStartedError,
  type ServiceContainers,
} from '../../../integrations/container-runtime/service-containers.js';
import type { ContainerSettings } from '../../record/deployment.js';
import { instanceName } from '../../routes/service-route.js';
import { DeployRefusedError, type PlacedRelease, type PreparedRelease } from '../deploy-target.js';
import { orAway } from '../or-away.js';
import { type InstanceStart, type RoutedParts, RoutedTarget } from '../routed.target.js';
import { ContainerInstances } from './container-instances.js';
import { whoListens } from './listening-inside.js';

type ContainerRelease = PlacedRelease<ContainerSettings>;

export interface ContainerTargetParts extends RoutedParts {
  readonly containers: ServiceContainers;
}

/** Releases as containers of images. */
export class DockerContainerTarget extends RoutedTarget<ContainerSettings> {
  private readonly containers: ServiceContainers;

  constructor({ containers, ...parts }: ContainerTargetParts) {
    super(parts, new ContainerInstances(containers));
    this.containers = containers;
  }

  prepare({ number, settings, service_id: id }: ContainerRelease): Promise<PreparedRelease> {
    return orAway(this.prepared(id, number, settings));
  }

  digestOf({ number, service_id: id }: ContainerRelease): Promise<string | undefined> {
    return orAway(this.containers.keptImage(instanceName(id, number)));
  }

  protected override async launch(
    { number, settings, service_id: id }: ContainerRelease,
    { port: hostPort, variables, once }: InstanceStart,
  ): Promise<void> {
    try {
      await this.containers.start({
        name: instanceName(id, number),
        imageId: settings.image_id,
        command: typeof once === 'string' ? ['/bin/sh', '-c', once] : (once ?? settings.command),
        environment: nameRecord([['PORT', String(settings.port)], ...variables]),
        ...{ port: settings.port, hostPort },
        limits: { ...settings.limits, pids: settings.limits.pids ?? DEFAULT_PIDS },
      });
    } catch (error) {
      if (!(error instanceof ContainerNotStartedError)) throw error;
      throw new DeployRefusedError({ code: 'container_not_started', message: error.message });
    }
  }

  protected override drop({ number, service_id: id }: ContainerRelease): Promise<void> {
    return this.containers.dropImage(instanceName(id, number));
  }

  protected override async elsewhere({
    number,
    settings,
    service_id: id,
  }: ContainerRelease): Promise<string | undefined> {
    const state = await this.containers.look(instanceName(id, number));
    return whoListens(state?.pid, settings.port);
  }

  private async prepared(
    serviceId: string,
    number: number,
    { image, image_id: imageId }: ContainerSettings,
  ): Promise<PreparedRelease> {
    const bytes = await this.containers.keepImage(imageId, instanceName(serviceId, number));
    if (bytes === undefined) {
      const message = `the image ${image} was removed before it could be kept`;
      throw new DeployRefusedError({ code: 'image_missing', message });
    }
    return { digest: imageId, files: 0, bytes, warnings: [] };
  }
}
