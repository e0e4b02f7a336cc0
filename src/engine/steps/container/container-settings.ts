import { nameRecord } from '../../../common/values/name-record.js';

/** How a container of a step is made, as it was written at one place. */
export interface ContainerSettings {
  /** Template; `none` goes back to the shell. */
  readonly image?: string;
  /** `name`, `name:group`, `uid` or `uid:gid`; absent = that of the image. */
  readonly user?: string;
  /** In front of the shell with the commands; absent = the shell itself. */
  readonly entrypoint?: readonly string[];
  /** `os/architecture[/variant]`; absent = that of the engine. */
  readonly platform?: string;
  /** Absent = `missing`. */
  readonly pull?: PullPolicy;
  /** Absent = no limit; here and below. */
  readonly cpus?: number;
  /** Bytes; with what is in `/dev/shm`. */
  readonly memory?: number;
  /** Processes and threads at once; absent = `DEFAULT_PIDS`. */
  readonly pids?: number;
  /** Bytes of `/dev/shm`; absent = `DEFAULT_SHM_BYTES`. */
  readonly shmSize?: number;
  readonly network?: 'none';
}

export const PULL_POLICIES = ['missing', 'always', 'never'] as const;

export type PullPolicy = (typeof PULL_POLICIES)[number];

/** No container, wherever an image was said before. */
export const NO_IMAGE = 'none';

/** What was written at several places, the nearest last: it wins, key by key. */
export function nearestSettings(
  ...levels: readonly (ContainerSettings | undefined)[]
): ContainerSettings {
  const said = levels.flatMap((level) => Object.entries(level ?? {}) as [string, unknown][]);
  return { ...nameRecord(said.filter(([, value]) => value !== undefined)) };
}

/** The image that steps run in; undefined: they run in no container. */
export function imageOf({ image }: ContainerSettings): string | undefined {
  return image === undefined || image === NO_IMAGE ? undefined : image;
}
