import { within } from '../../common/async/within.js';
import { messageOf } from '../../common/values/error-message.js';
import type { ProbeResult } from '../../service-registry/checks/service-check.js';
import { InstanceProber, type InstanceTarget } from '../../service-registry/probing/prober.js';
import type { DeploymentStore } from '../record/deployment-store.js';
import { TargetAwayError } from '../targets/deploy-target.js';
import type { RoutedTargets } from '../targets/routed-targets.js';
import { servingInstance } from './serving-instance.js';

/** Longer than what runs the instance takes to end a command that is late, ms. */
const ENDING_MS = 30_000;

/** Looks into the instances that serve on this host, as the record of deployments names them. */
export class DeployedInstances extends InstanceProber {
  /** @param host of this worker */
  constructor(
    private readonly store: DeploymentStore,
    private readonly targets: Pick<RoutedTargets, 'of'>,
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

  private async lookNow({ service, check }: InstanceTarget): Promise<ProbeResult> {
    const serving = await servingInstance(this.store, service, this.host);
    if (serving.kind === 'none') return unknown(serving.why);
    return this.targets.of(serving.release.settings).check(serving.release, check);
  }
}

function unknown(message: string): ProbeResult {
  return { ok: null, code: 'not_askable', message };
}
