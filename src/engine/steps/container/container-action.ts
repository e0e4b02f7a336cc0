import type { StepAction } from '../../plan/plan.js';
import type { Shell } from '../../shell/expression-places.js';
import type { ContainerSettings } from './container-settings.js';

export const CONTAINER_KIND = 'container';

/** In plans: runs commands, or the program of an image, in a container. */
export interface ContainerAction extends StepAction, ContainerSettings {
  readonly kind: typeof CONTAINER_KIND;
  /** Template. */
  readonly image: string;
  /**
   * One after another in one shell of the image; the first that fails ends it. Templates. Empty =
   * what the image runs by itself.
   */
  readonly commands: readonly string[];
  readonly shell: Shell;
  /** Absent = both outputs are one channel, in the order of writing. */
  readonly separateStreams?: true;
  /** Relative to the workspace. Template. */
  readonly workingDirectory?: string;
  /**
   * Folders in front of `PATH`, the first is searched first: absolute, or relative to the
   * workspace. Absent = none.
   */
  readonly path?: readonly string[];
}

/** Where a container is not told how many it may have, and how much. */
export const DEFAULT_PIDS = 4096;
export const DEFAULT_SHM_BYTES = 256 * 1024 ** 2;
