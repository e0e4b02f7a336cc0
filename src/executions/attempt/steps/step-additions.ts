import type { StepAddress } from '../../../engine/runtime/step-handler.js';
import type { Mount } from '../../../integrations/container-runtime/container-runtime.js';

/** What a container gets beside what its step says. */
export interface ContainerAdditions {
  readonly mounts: readonly Mount[];
  /**
   * Names of variables of the try that are lists of options, of which the step has set none itself:
   * what its image has in them stays, in front.
   */
  readonly options: readonly string[];
}

const NOTHING: ContainerAdditions = { mounts: [], options: [] };

/** Those of single tries, until their containers are started. */
export class StepAdditions {
  private readonly all = new Map<string, ContainerAdditions>();

  set(address: StepAddress, additions: ContainerAdditions): void {
    this.all.set(keyOf(address), additions);
  }

  /** Those of a try; asked for once. */
  take(address: StepAddress): ContainerAdditions {
    const key = keyOf(address);
    const found = this.all.get(key) ?? NOTHING;
    this.all.delete(key);
    return found;
  }
}

function keyOf({ stage, step, attempt }: StepAddress): string {
  return JSON.stringify([stage, step, attempt]);
}
