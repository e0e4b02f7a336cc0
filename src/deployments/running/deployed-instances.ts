import { within } from '../../common/async/within.js';
import { messageOf } from '../../common/values/error-message.js';
import type { ProbeResult } from '../../service-registry/checks/service-check.js';
import { InstanceProber, type InstanceTarget } from '../../service-registry/probing/prober.js';
import type { RoutedSettings } from '../record/deployment.js';
import type { DeploymentStore } from '../record/deployment-store.js';
import { TargetAwayError } from '../targets/deploy-target.js';
import type { RoutedTarget } from '../targets/routed.target.js';

/** Longer than what runs the instance takes to end a command that is late, ms. */
const ENDING_MS = 30_000;

/** What can look into the instances of one type. */
type Looks<S extends RoutedSettings> = Pick<RoutedTarget<S>, 'check'>;

export interface LooksByType {
  readonly docker_container: Looks<Extract<RoutedSettings, { type: 'docker_container' }>>;
  readonly local_service: Looks<Extract<RoutedSettings, { type: 'local_service' }>>;
}

/** Looks into the instances that serve on this host, as the record of deployments names them. */
export class DeployedInstances extends InstanceProber {
  /** @param host of this worker */
  constructor(
    private readonly store: DeploymentStore,
    private readonly targets: LooksByType,
    private readonly host: string,
  ) {
    super();
  }

  override async look(target: InstanceTarget): Promise<ProbeResult> {
    const limitMs = target.check.timeoutMs + ENDING_MS;
    try {
      return await within(limitMs, this.lookNow(target), () =>
        unknown(`what runs it has not answered within ${limitMs / 1000} s`),
      );
    } catch (error) {
      return unknown(error instanceof TargetAwayError ? error.reason.message : messageOf(error));
    }
  }

  private async lookNow({ service: id, check }: InstanceTarget): Promise<ProbeResult> {
    const service = await this.store.service(id);
    if (service?.release_id == null) return unknown('nothing of it serves');
    const release = await this.store.release(service.release_id);
    if (release === undefined) return unknown('the record has no release that serves');
    const { settings, number, host, instance } = release;
    if (host !== this.host) {
      return unknown(`it runs on ${host}, and a worker there has to look`);
    }
    const placed = { number, service_id: id, ...(instance !== undefined && { instance }) };
    switch (settings.type) {
      case 'docker_container':
        return this.targets.docker_container.check({ ...placed, settings }, check);
      case 'local_service':
        return this.targets.local_service.check({ ...placed, settings }, check);
      case 'local_directory':
      case 'hybrid':
        return unknown('it has no instance of its own');
    }
  }
}

function unknown(message: string): ProbeResult {
  return { ok: null, code: 'not_askable', message };
}
