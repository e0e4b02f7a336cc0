import type { StepAddress } from '../../../engine/runtime/step-handler.js';
import type { Mount } from '../../../integrations/container-runtime/container-runtime.js';

/** What containers of single tries see beside the workspace, until they are started. */
export class StepMounts {
  private readonly mounts = new Map<string, readonly Mount[]>();

  set(address: StepAddress, mounts: readonly Mount[]): void {
    if (mounts.length > 0) this.mounts.set(keyOf(address), mounts);
  }

  /** Those of a try; asked for once. */
  take(address: StepAddress): readonly Mount[] {
    const key = keyOf(address);
    const found = this.mounts.get(key) ?? [];
    this.mounts.delete(key);
    return found;
  }
}

function keyOf({ stage, step, attempt }: StepAddress): string {
  return JSON.stringify([stage, step, attempt]);
}
