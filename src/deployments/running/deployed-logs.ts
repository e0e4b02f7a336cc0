import type { Reason } from '../../engine/plan/run-state.js';
import { type AnsweredLog, InstanceLogs } from '../../service-registry/logs/instance-logs.js';
import type { DeploymentStore } from '../record/deployment-store.js';
import { TargetAwayError } from '../targets/deploy-target.js';
import type { RoutedTargets } from '../targets/routed-targets.js';
import { servingInstance } from './serving-instance.js';

/** Reads what the instances that serve on this host have said. */
export class DeployedLogs extends InstanceLogs {
  /** @param host of this worker */
  constructor(
    private readonly store: DeploymentStore,
    private readonly targets: Pick<RoutedTargets, 'of'>,
    private readonly host: string,
  ) {
    super();
  }

  async last(serviceId: string, lines: number): Promise<AnsweredLog> {
    const serving = await servingInstance(this.store, serviceId, this.host);
    if (serving.kind === 'none') return none({ code: 'not_askable', message: serving.why });
    const { release } = serving;
    try {
      const last = await this.targets.of(release.settings).lastLines(release, lines);
      return { kind: 'log', log: { release: release.number, lines: last } };
    } catch (error) {
      if (error instanceof TargetAwayError) return none(error.reason);
      throw error;
    }
  }
}

function none(reason: Reason): AnsweredLog {
  return { kind: 'none', reason };
}
