import type { RestartRule } from '../../common/restart-policy.js';
import type { CommandEnd, CommandRequest } from '../../common/values/command-end.js';

/** A signal by which a program may be told to end. */
export const STOP_SIGNALS = [
  'SIGTERM',
  'SIGINT',
  'SIGQUIT',
  'SIGHUP',
  'SIGUSR1',
  'SIGUSR2',
] as const;
export type StopSignal = (typeof STOP_SIGNALS)[number];

/** Where a rule names no other one. */
export const DEFAULT_BACKOFF: RestartRule['backoff_ms'] = { first: 500, most: 30_000 };

export interface StopRule {
  readonly signal: StopSignal;
  /** From the signal to KILL, from 0 to 1 h, ms. */
  readonly grace_ms: number;
}

export interface ServiceLimits {
  /**
   * Of the data of each process (`RLIMIT_DATA`), at least 1 MiB. There is none for all processes
   * together: that would need a cgroup.
   */
  readonly memory_bytes?: number | undefined;
  /** Of each process, from 16. */
  readonly open_files?: number | undefined;
}

/** One process of a release, with all that is needed to start it again. */
export interface ServiceSpec {
  /** Chosen by the caller, unique on the host: letters, digits, `.`, `_`, `-`, at most 100. */
  readonly id: string;
  /**
   * Program and arguments, or a line for `/bin/sh`. It stays in the foreground: when it ends, what
   * it has left running is ended, too.
   */
  readonly command: string | readonly string[];
  /** Absolute; entered as the user of the service. */
  readonly cwd: string;
  /**
   * All that the program gets besides `HOME` (a folder of its own), `PATH` and `LANG`, which may be
   * given here, too; at most 256 KiB. It is kept on the disk in clear, in a file of mode 0600.
   */
  readonly environment?: readonly (readonly [name: string, value: string])[] | undefined;
  /**
   * A user of this system, other than root and that of the steps; only where Millrace is root.
   * Absent: `millrace-service` then, else the user of Millrace.
   */
  readonly user?: string | undefined;
  readonly limits?: ServiceLimits | undefined;
  /** Absent: 5 within a minute; 0.5 s, at most 30 s. */
  readonly restart?: RestartRule | undefined;
  /** Absent: TERM, 10 s. */
  readonly stop?: StopRule | undefined;
}

export type ServiceEnd =
  | { readonly kind: 'exited'; readonly code: number; readonly at: string }
  | { readonly kind: 'signalled'; readonly signal: string; readonly at: string }
  | { readonly kind: 'not_started'; readonly message: string; readonly at: string }
  /** It ended while the supervisor was away. */
  | { readonly kind: 'unknown'; readonly at: string };

/** As it is recorded: no process is looked for. */
export interface ServiceStatus {
  readonly id: string;
  /**
   * `backoff`: it ended, and is started again in a moment; `failed`: it ended too often, see
   * `reason`. While it is being stopped it is still `running`.
   */
  readonly state: 'starting' | 'running' | 'backoff' | 'failed' | 'stopped';
  readonly reason: string | null;
  /** Of the program itself, while it runs. */
  readonly pid: number | null;
  /** When that process was started, in ISO 8601. */
  readonly started_at: string | null;
  /** How often it was started again since it was last asked to run. */
  readonly restarts: number;
  readonly last_exit: ServiceEnd | null;
}

/** Where a process listens. */
export interface Listening {
  readonly address: string;
  readonly port: number;
}

export interface LogRequest {
  /** Last lines, from 1 to 10,000. */
  readonly tail: number;
}

/** Bytes of the two files of a log together, in which lines are looked for. */
export const LONGEST_LOG_ANSWER = 1024 * 1024;

/**
 * Port: programs that were deployed on this host, and outlive every process of Millrace.
 *
 * All methods may be called concurrently, by several processes. Those that change something are
 * idempotent: after `unavailable` the same call may be made again. Calls for one id are done one
 * after another.
 */
export abstract class LocalServices {
  /**
   * Lets it run from now on, also after a restart of the host. One that runs is left alone; one
   * that was stopped, or has failed, begins again. Resolves when its process was started, or could
   * not be (it is tried again, see the status).
   *
   * @throws LocalServicesError `bad_spec`; `other_spec`: there is one of that id with another spec,
   *   which has to be removed first; `unavailable`
   */
  abstract start(spec: ServiceSpec): Promise<ServiceStatus>;

  /**
   * Lets it run no more. All of its processes get the signal and, after the grace, KILL; when it
   * resolves none is left. An unknown id is none.
   *
   * @throws LocalServicesError `processes_survived`: one hangs in the kernel; `unavailable`
   */
  abstract stop(id: string): Promise<void>;

  /** As `stop`, then removes its log, its home and all that was kept of it. */
  abstract remove(id: string): Promise<void>;

  /** Undefined: there is none of that id. @throws LocalServicesError `unavailable` */
  abstract status(id: string): Promise<ServiceStatus | undefined>;

  /** All, by id. @throws LocalServicesError `unavailable` */
  abstract list(): Promise<readonly ServiceStatus[]>;

  /**
   * TCP ports that its processes listen on now, in order; unknown: none. All processes of the host
   * are looked at for it, which takes milliseconds.
   *
   * @throws LocalServicesError `unavailable`; `failed`: an older supervisor
   */
  abstract listening(id: string): Promise<readonly Listening[]>;

  /**
   * The end of what it has written to its outputs, at most 1 MiB; nothing is masked. Unknown: none.
   *
   * @throws LocalServicesError `unavailable`
   */
  abstract log(id: string, request: LogRequest): Promise<readonly string[]>;
  /**
   * Runs a command beside the program: as its user, in its folder, with its variables and limits.
   * All processes of it that are left at its end, or at the limit, are killed. What it says is kept
   * to its last whole lines, at most 4 KiB; nothing is masked. It may run twice, where the
   * supervisor ends meanwhile.
   *
   * @returns undefined: the program does not run
   * @throws LocalServicesError `bad_spec`; `unavailable`; `failed`: an older supervisor
   */
  abstract exec(id: string, request: CommandRequest): Promise<CommandEnd | undefined>;
}
