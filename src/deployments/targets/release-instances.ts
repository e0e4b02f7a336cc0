import type { CommandEnd, CommandRequest } from '../../common/values/command-end.js';
import type { DeploymentType } from '../../engine/steps/deploy/deploy-action.js';

export interface InstanceState {
  /**
   * `running`; `ended`: it runs again when somebody starts it; `left`: what runs it starts it again
   * by itself, or has given it up.
   */
  readonly state: 'running' | 'ended' | 'left';
  /** Of one that is left: it ended too often, and nothing starts it again. */
  readonly isGivenUp?: boolean;
  /** How it ended last, for a sentence: `its container ended with exit code 3`. */
  readonly end: string;
  /** Of its last end; null: it runs, or had none. */
  readonly exitCode: number | null;
  /** How often what runs it has started it again by itself. */
  readonly restarts: number;
  readonly startedAt: Date;
  /** Of its program, on this host, while it runs; null: that is not known. */
  readonly pid: number | null;
  /** Of one that is a container: what its engine says of it. */
  readonly container?: ContainerFacts;
}

/** One of all that there are, and what is known of it without a look of its own. */
export interface ListedInstance {
  readonly name: string;
  /** Process of its program, where it is known that it runs. */
  readonly runningPid?: number;
}

export interface ContainerFacts {
  /** In the words of the engine: `running`, `restarting`, `paused`, `exited`. */
  readonly said: string;
  /** Of its HEALTHCHECK, where there is one that runs. */
  readonly health?: { readonly status: string; readonly output: string } | undefined;
}

/**
 * Port: the instances of releases of one type on this host, by the names that `instanceName` gives
 * them. They outlive this process. Every method may be called again and concurrently, and throws
 * TargetAwayError where what runs them cannot be asked.
 */
export abstract class ReleaseInstances {
  abstract readonly type: DeploymentType;

  /** All that there are, running or not. */
  abstract list(): Promise<readonly ListedInstance[]>;
  /** Undefined: there is none of this name. */
  abstract look(name: string): Promise<InstanceState | undefined>;
  /**
   * The last lines that it said, of both outputs; nothing is masked.
   * @param mostBytes of them; a type may have less. Default: 4 KiB
   */
  abstract said(name: string, lines: number, mostBytes?: number): Promise<readonly string[]>;
  /**
   * Runs a command in it, as its user; none of its processes is left at the limit. Nothing is
   * masked.
   * Undefined: there is none of this name that runs.
   */
  abstract exec(name: string, request: CommandRequest): Promise<CommandEnd | undefined>;
  /** Ends it, with TERM and 10 s before KILL, and forgets it. Idempotent. */
  abstract remove(name: string): Promise<void>;
}
