import type { Readable } from 'node:stream';
import type { NameRecord } from '../../common/values/name-record.js';

/** What the engine is, for people and for decisions. */
export interface EngineFacts {
  /** `docker 20.10.24`, `podman 4.3.1` */
  readonly name: string;
  /** Its architecture as images name it: `linux/amd64`. */
  readonly platform: string;
}

export interface RegistryLogin {
  readonly username: string;
  readonly password: string;
}

export interface ImageRequest {
  /** Of the execution attempt: until it is swept, the image is not removed as unused. */
  readonly group: string;
  /** Whole: host, repository, and tag or digest. */
  readonly reference: string;
  /** `os/architecture[/variant]`; absent = the engine's. */
  readonly platform?: string | undefined;
  readonly pull: 'missing' | 'always' | 'never';
  /** For the registry of the reference, and for no other. */
  readonly login?: RegistryLogin | undefined;
}

/** An image that is there. */
export interface LocalImage {
  /** The engine's own id of it, `sha256:…`: what containers are made of, whatever tags move. */
  readonly id: string;
  /** That of the registry it came from; its id where it came from none. */
  readonly digest: string;
  /** `''`: root. */
  readonly user: string;
  /** Variables that its containers have. */
  readonly environment: NameRecord<string>;
  /** True: it says what it runs by itself. */
  readonly hasProgram: boolean;
  /** TCP ports that it says its program listens at (`EXPOSE`), ascending; 1 to 65535. */
  readonly ports: readonly number[];
  /** `os/architecture[/variant]` */
  readonly platform: string;
}

/** Why there is no image. Codes as in docs/reasons.md. */
export interface ImageRefusal {
  readonly code:
    'image_missing' | 'image_unauthorized' | 'image_platform' | 'pull_stalled' | 'pull_failed';
  readonly message: string;
}

export type ImageResult =
  | { readonly kind: 'image'; readonly image: LocalImage; readonly pulled: boolean }
  | { readonly kind: 'refused'; readonly refusal: ImageRefusal };

export interface ContainerLimits {
  readonly cpus?: number | undefined;
  /** Bytes; here and below. */
  readonly memory?: number | undefined;
  readonly pids: number;
  readonly shmSize: number;
}

/** A file or folder of the worker's that a container sees. */
export interface Mount {
  /** Absolute, on the machine of the engine. */
  readonly source: string;
  readonly target: string;
  readonly readOnly?: boolean;
}

export interface ContainerSpec {
  /** Of the execution attempt: `sweep` ends what any container of it left. */
  readonly group: string;
  /** `LocalImage.id` */
  readonly imageId: string;
  /** Absent = that of the image; here and below. */
  readonly entrypoint?: readonly string[] | undefined;
  readonly command?: readonly string[] | undefined;
  /** On top of the image's own. */
  readonly environment: Readonly<Record<string, string>>;
  readonly user?: string | undefined;
  /** Further groups of its processes, by number. */
  readonly groups: readonly number[];
  readonly directory?: string | undefined;
  readonly mounts: readonly Mount[];
  readonly limits: ContainerLimits;
  /** `steps`: it may dial out, and reaches neither other containers nor, where that can be ruled,
   * the machine. */
  readonly network: 'none' | 'steps' | OwnNetwork;
  /** The engine asks after its health, as its image says. */
  readonly isService?: true;
}

/** A network that `openNetwork` made: its containers reach each other. */
export interface OwnNetwork {
  readonly name: string;
  /** By which the others find this one. */
  readonly hostName?: string;
}

export type NetworkResult =
  | { readonly kind: 'network'; readonly name: string }
  /** All addresses that the engine gives to networks are in use. */
  | { readonly kind: 'full'; readonly message: string }
  /** The engine cannot make one. */
  | { readonly kind: 'refused'; readonly message: string };

export interface ExecResult {
  /** Undefined: it did not end in time, or could not be begun. */
  readonly exitCode: number | undefined;
  /** The end of both its outputs, at most 4 KiB; or why there is none. */
  readonly output: string;
}

/** `none`: its image does not say how to ask. */
export interface HealthFacts {
  readonly status: 'none' | 'starting' | 'healthy' | 'unhealthy';
  /** What the last check said. */
  readonly output: string;
}

export type ContainerExit =
  | {
      readonly kind: 'exited';
      readonly exitCode: number;
      /** The kernel ended a process of it for want of memory. */
      readonly outOfMemory: boolean;
    }
  /** Its program never ran. `user`: the image has no such user. */
  | {
      readonly kind: 'not_started';
      readonly why: 'program' | 'user' | 'other';
      readonly message: string;
    }
  /** The engine went away with it, or ended it: nobody knows how it ended. */
  | { readonly kind: 'lost'; readonly message: string };

/** `away`: the engine was away meanwhile. `cut`: it did not give the end of the output. */
export type LostOutput = 'away' | 'cut';

export interface RunningContainer {
  /**
   * Byte streams; end behind the container, once all it said was read. Not reading them stops it
   * (back-pressure).
   */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when its first process has ended, and with it all others; never rejects. */
  readonly exit: Promise<ContainerExit>;
  /** Called each time that a part of the output is found to be lost. */
  onLost(listener: (why: LostOutput) => void): void;
  /**
   * TERM to its processes, KILL after `graceMs`. Idempotent. Resolves when it has ended, or when
   * the engine does not take the KILL, which it gets then as soon as it does.
   */
  kill(graceMs: number): Promise<void>;
  /**
   * Its IP address in the network of its spec; undefined: it has none, or has ended. Here and
   * below `EngineAwayError` is thrown.
   */
  address(): Promise<string | undefined>;
  /** Runs a program in it, as its user, and waits at most `limitMs` for its end. */
  exec(command: readonly string[], limitMs: number): Promise<ExecResult>;
  /** What the engine knows of its health; `isService` of its spec must be set. */
  health(): Promise<HealthFacts>;
}

/** Asked of an engine that does not answer. */
export class EngineAwayError extends Error {
  readonly code = 'engine_away';

  constructor(message: string) {
    super(`the container engine does not answer: ${message}`);
    this.name = 'EngineAwayError';
  }
}

/**
 * Port: containers of steps. Adapters: Docker Engine (and Podman by its Docker API), and a fake
 * for tests that runs programs of this machine.
 *
 * Containers carry the labels of this installation and of the process that made them; nothing else
 * is ever touched. All methods may be called concurrently, and throw `EngineAwayError` where
 * nothing else is said. It has at most eight methods: what an adapter must do for one caller alone
 * is a port of its own.
 */
export abstract class ContainerRuntime {
  abstract facts(): Promise<EngineFacts>;
  /**
   * Makes sure of an image. `onProgress` gets a line for people now and then.
   *
   * @throws the signal's reason when it is aborted; the engine stops to pull within a second
   */
  abstract provide(
    request: ImageRequest,
    onProgress: (line: string) => void,
    signal: AbortSignal,
  ): Promise<ImageResult>;
  /**
   * The user and group of a container's processes by number, for a user as `ContainerSpec` has it.
   * Undefined: the image has no such user.
   */
  abstract userOf(imageId: string, user: string): Promise<ContainerUser | undefined>;
  /**
   * Makes and starts a container, and removes it with its anonymous volumes once it has ended. Not
   * being able to is an exit of it.
   */
  abstract start(spec: ContainerSpec): Promise<RunningContainer>;
  /**
   * Makes a network; one that is there is taken. To be called before `start`.
   *
   * @param group whose own it is; undefined: that of `steps`
   */
  abstract openNetwork(group: string | undefined): Promise<NetworkResult>;
  /**
   * Removes every container of a group, running or not, and its network. Idempotent. Resolves with
   * the number of containers that ran.
   */
  abstract sweep(group: string): Promise<number>;
  /**
   * Removes what processes of this installation on this machine left that are no more: containers,
   * then networks and built images.
   */
  abstract sweepStale(): Promise<StaleSweep>;
  /** Ends what is begun. Idempotent. */
  abstract close(): Promise<void>;
}

export interface StaleSweep {
  /** Containers that were removed. */
  readonly ended: number;
  /** Groups of which the installation still has a container, a network or a built image. */
  readonly groups: readonly string[];
}

export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
}
