import type { ExecutionsRepository } from '../../../executions/record/executions.repository.js';
import { isTerminal } from '../../../engine/plan/run-status.js';
import { BackgroundRounds } from '../../../integrations/database/background-rounds.js';
import { EngineAwayError } from '../../../integrations/container-runtime/container-runtime.js';
import { isFinished } from '../../record/deployment.js';
import type { DeploymentStore } from '../../record/deployment-store.js';
import type { ServiceContainers } from '../../../integrations/container-runtime/service-containers.js';

const ROUND_MS = 60_000;
/** No name of an instance has it: those end with a number. */
const PREFIX = 'waits.';
/** Hexadecimal digits of an id of an image, in its name. */
const DIGITS = 16;

/**
 * Under which name an image is kept while somebody waits with it.
 * @param id of an execution, or of a direct deployment
 */
export function waitingImage(id: string, imageId: string): string {
  return `${PREFIX}${id}.${imageId.replace(/^sha256:/, '').slice(0, DIGITS)}`;
}

/**
 * Gives up, on the engine of this host, the images of executions and direct deployments that are
 * over: what a release has of them it keeps under a name of its own.
 */
export class WaitingImages extends BackgroundRounds {
  constructor(
    private readonly containers: Pick<ServiceContainers, 'keptNames' | 'dropImage'>,
    private readonly executions: Pick<ExecutionsRepository, 'holdStates'>,
    private readonly deployments: Pick<DeploymentStore, 'deploymentsWith'>,
  ) {
    super({ everyMs: ROUND_MS, unref: true });
  }

  protected async work(): Promise<void> {
    try {
      await this.dropThoseOver();
    } catch (error) {
      if (!(error instanceof EngineAwayError)) throw error;
      this.logger.debug({ err: error }, 'the container engine is away');
    }
  }

  private async dropThoseOver(): Promise<void> {
    // Listed first: of what is kept behind it the execution is not over.
    const names = await this.containers.keptNames(PREFIX);
    if (names.length === 0) return;
    const ids = [...new Set(names.map(waitingFor))];
    const executions = await this.executions.holdStates(ids);
    const deployments = await this.deployments.deploymentsWith(ids);
    const open = new Set([
      ...executions.filter((one) => !isTerminal(one.status)).map(({ _id }) => _id),
      ...[...deployments.values()].filter((one) => !isFinished(one)).map(({ _id }) => _id),
    ]);
    for (const name of names.filter((one) => !open.has(waitingFor(one)))) {
      await this.containers.dropImage(name);
    }
  }
}

function waitingFor(name: string): string {
  return name.slice(PREFIX.length, name.lastIndexOf('.'));
}
