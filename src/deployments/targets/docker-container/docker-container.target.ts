import { nameRecord } from '../../../common/values/name-record.js';
import type { Reason } from '../../../engine/plan/run-state.js';
import { DEFAULT_PIDS } from '../../../engine/steps/container/container-action.js';
import {
  ContainerNotStartedError,
  type ServiceContainers,
} from '../../../integrations/container-runtime/service-containers.js';
import type { ContainerSettings } from '../../record/deployment.js';
import { instanceName } from '../../routes/service-route.js';
import { DeployRefusedError, type PlacedRelease, type PreparedRelease } from '../deploy-target.js';
import { imageGone } from '../image-gone.js';
import { orAway } from '../or-away.js';
import { type InstanceStart, nameOf, type RoutedParts, RoutedTarget } from '../routed.target.js';
import { ContainerInstances } from './container-instances.js';
import { whoListens } from './listening-inside.js';
import { waitingImage } from './waiting-images.js';

type ContainerRelease = PlacedRelease<ContainerSettings>;

export interface ContainerTargetParts extends RoutedParts {
  readonly containers: ServiceContainers;
  /** Address of the engine, where that is on another machine: nothing is run there. */
  readonly engineElsewhere?: string | undefined;
}

/** Releases as containers of images. */
export class DockerContainerTarget extends RoutedTarget<ContainerSettings> {
  private readonly containers: ServiceContainers;

  constructor(private readonly own: ContainerTargetParts) {
    super(own, new ContainerInstances(own.containers));
    this.containers = own.containers;
  }

  override async plan(serviceId: string, settings: ContainerSettings): Promise<readonly Reason[]> {
    this.refuseElsewhere();
    return super.plan(serviceId, settings);
  }

  override keepWaiting(executionId: string, { image_id: id }: ContainerSettings): Promise<boolean> {
    return orAway(
      this.containers
        .keepImage(id, waitingImage(executionId, id))
        .then((bytes) => bytes !== undefined),
    );
  }

  override hasWaiting(executionId: string, { image_id: id }: ContainerSettings): Promise<boolean> {
    return orAway(
      this.containers.keptImage(waitingImage(executionId, id)).then((kept) => kept === id),
    );
  }

  prepare({ number, settings, service_id: id }: ContainerRelease): Promise<PreparedRelease> {
    return orAway(this.prepared(id, number, settings));
  }

  digestOf({ number, service_id: id }: ContainerRelease): Promise<string | undefined> {
    return orAway(this.containers.keptImage(instanceName(id, number)));
  }

  protected override async launch(
    release: ContainerRelease,
    { port: hostPort, variables, once }: InstanceStart,
  ): Promise<void> {
    this.refuseElsewhere();
    const { settings } = release;
    try {
      await this.containers.start({
        name: nameOf(release),
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

  /**
   * An instance listens at 127.0.0.1 of the machine of its engine. Here the same port is nobody's,
   * or somebody else's: the gate would ask, and the proxy serve, another program.
   *
   * @throws DeployRefusedError `engine_elsewhere`
   */
  private refuseElsewhere(): void {
    const { engineElsewhere: engine, host } = this.own;
    if (engine === undefined) return;
    throw new DeployRefusedError({
      code: 'engine_elsewhere',
      message: `the container engine of ${host} is on another machine (DOCKER_HOST=${engine}), where neither its gate nor its proxy reaches a release: start a worker on that machine, with its own socket as DOCKER_HOST, and bring the step to it (runs_on)`,
      data: { engine },
    });
  }

  protected override drop({ number, service_id: id }: ContainerRelease): Promise<void> {
    return this.containers.dropImage(instanceName(id, number));
  }

  protected override async elsewhere(release: ContainerRelease): Promise<string | undefined> {
    const state = await this.containers.look(nameOf(release));
    return whoListens(state?.pid, release.settings.port);
  }

  private async prepared(
    serviceId: string,
    number: number,
    { image, image_id: imageId }: ContainerSettings,
  ): Promise<PreparedRelease> {
    const bytes = await this.containers.keepImage(imageId, instanceName(serviceId, number));
    if (bytes === undefined) {
      throw new DeployRefusedError(imageGone(image));
    }
    return { digest: imageId, files: 0, bytes, warnings: [] };
  }
}
