import type { CommandEnd, CommandRequest } from '../../common/values/command-end.js';

/** A container of a release that was deployed. */
export interface ServiceContainerSpec {
  /** Chosen by the caller, one for each instance: letters, digits, `.`, `_`, `-`. */
  readonly name: string;
  /** `LocalImage.id` */
  readonly imageId: string;
  /** Absent = that of the image. */
  readonly command?: readonly string[] | undefined;
  /** On top of the image's own. */
  readonly environment: Readonly<Record<string, string>>;
  /** At which its program listens in it. */
  readonly port: number;
  /** Of this machine, at 127.0.0.1: where that one is reached. */
  readonly hostPort: number;
  readonly limits: {
    readonly cpus?: number | undefined;
    /** Bytes. */
    readonly memory?: number | undefined;
    readonly pids: number;
  };
}

export interface ServiceContainerState {
  /** `ended`: it is there and does not run. */
  readonly state: 'running' | 'ended';
  /** Undefined while it runs. */
  readonly exitCode?: number | undefined;
  /** The kernel ended a process of it for want of memory. */
  readonly outOfMemory: boolean;
  /** Of its first process, on this machine; undefined: it does not run. */
  readonly pid?: number | undefined;
  readonly startedAt: Date;
  /** In the words of the engine: `running`, `restarting`, `paused`, `exited`, `dead`, … */
  readonly said: string;
  /** Of the HEALTHCHECK of its image; undefined: it has none, or does not run. */
  readonly health?: ContainerHealth | undefined;
}

/** What the HEALTHCHECK of a container says. */
export interface ContainerHealth {
  readonly status: 'starting' | 'healthy' | 'unhealthy';
  /** What its last run said; nothing is masked. */
  readonly output: string;
}

/** A container cannot be made or started. `message` may be shown to users. */
export class ContainerNotStartedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ContainerNotStartedError';
  }
}

/**
 * Port: containers of what was deployed. They outlive the process that has started them, and the
 * engine never starts one again by itself. Adapters: Docker Engine, and memory for specs.
 *
 * Only what this installation has made is ever seen or touched, whichever of its hosts did. All
 * methods may be called again
 * and concurrently, and throw `EngineAwayError` where nothing else is said.
 */
export abstract class ServiceContainers {
  /**
   * Keeps an image under a name, whatever happens to its other names.
   * @returns bytes of it; undefined: it is not there
   */
  abstract keepImage(imageId: string, name: string): Promise<number | undefined>;
  /** Id of what is kept under the name; undefined: nothing is. */
  abstract keptImage(name: string): Promise<string | undefined>;
  /** Names that begin so, under which images are kept. */
  abstract keptNames(prefix: string): Promise<readonly string[]>;
  /** Gives up the name; an image that has no other name and no container goes. Idempotent. */
  abstract dropImage(name: string): Promise<void>;
  /**
   * Makes and starts a container; one that was made by this name for the same port is taken, and
   * started where it does not run. One for another port is made again.
   * @throws ContainerNotStartedError
   */
  abstract start(spec: ServiceContainerSpec): Promise<void>;
  /** Undefined: there is none of this name. */
  abstract look(name: string): Promise<ServiceContainerState | undefined>;
  /**
   * The end of what it said, in whole lines of both outputs; '' if it is none.
   * @param mostBytes default: 4 KiB
   */
  abstract said(name: string, lines: number, mostBytes?: number): Promise<string>;
  /**
   * Runs a command in a container, as its user. All processes of it that are left at the limit are
   * killed. What it says is kept to its last whole lines, at most 4 KiB; nothing is masked.
   * @returns undefined: there is none of this name that runs
   */
  abstract exec(name: string, request: CommandRequest): Promise<CommandEnd | undefined>;
  /** TERM, KILL after `graceMs`, and removes it with its anonymous volumes. Idempotent. */
  abstract remove(name: string, graceMs: number): Promise<void>;
  /** Names of all that this host has made, running or not. */
  abstract list(): Promise<readonly string[]>;
}
