import type { Readable } from 'node:stream';

/** One process tree to start. */
export interface ProcessSpec {
  /** Unique among the processes of this runner's life; the caller's key for logs and tests. */
  readonly id: string;
  /**
   * All trees of one execution attempt share it: `sweep` ends what any of them left behind. Also
   * the marker that is set as `MILLRACE_GROUP` in the tree's environment.
   */
  readonly group: string;
  /**
   * Program (absolute path, or found on the spec's own `PATH`) and its arguments; never given to a
   * shell.
   */
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment; nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  /**
   * Absolute; must exist. Entered with the runner's own rights: a folder of whose path no step can
   * change a part.
   */
  readonly cwd: string;
  /**
   * Where the process works when that is a step's folder: absolute, or relative to `cwd`. It is
   * entered by the process itself, after it became the step user, following links with that user's
   * rights only. A variable whose name a shell cannot hold does not reach the process then.
   */
  readonly directory?: string;
  /**
   * It runs as the user of the server: for programs that the server itself needs, of whose files,
   * arguments and environment no step can change anything. It ends with the group all the same.
   */
  readonly asServer?: true;
  /** Both outputs are one channel, `stdout`, in the order of writing; `stderr` is empty. */
  readonly mergeOutput?: boolean;
}

export type ProcessExit =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'signalled'; readonly signal: string }
  /**
   * Never ran: program or folder missing, no permission, no process slot. `code` is the system's
   * (ENOENT, EACCES, EAGAIN…). `directory`: it was the spec's directory that could not be entered.
   */
  | {
      readonly kind: 'not_started';
      readonly code: string;
      readonly message: string;
      readonly directory?: string;
    }
  /** The launcher that held it is gone; how the process ended is unknown. */
  | { readonly kind: 'lost'; readonly message: string };

/** What a process prints. */
export interface OutputPipe extends Readable {
  /** Takes back the memory of a chunk that nobody looks at any more. */
  giveBack?(chunk: Buffer): void;
}

export interface RunningProcess {
  /**
   * Byte streams; end when every writer closed them or `closeOutputs` was called. Not reading them
   * stops the process (back-pressure).
   */
  readonly stdout: OutputPipe;
  readonly stderr: OutputPipe;
  /** Resolves when the process itself ended, whatever its children do; never rejects. */
  readonly exit: Promise<ProcessExit>;
  /**
   * Ends both streams, also if a background child holds them open; what is in the pipe is still
   * delivered. What such a child prints later is read and dropped, so that it lives on.
   */
  closeOutputs(): void;
  /**
   * Ends the tree: TERM to the process group, KILL after `graceMs`, then whatever detached itself
   * from the group (other session, empty environment) and descends from it. Idempotent. Resolves
   * when no process of the tree is left.
   */
  kill(graceMs: number): Promise<void>;
}

/**
 * Port: starts the processes of steps. Two adapters: the launcher (a small child process that
 * spawns, hears the worker's heartbeat and ends every tree when the worker is silent for 12 s or
 * gone) and a fake for tests.
 *
 * All methods may be called concurrently.
 */
export abstract class ProcessRunner {
  /**
   * Starts a tree; at most once per `id`. Never rejects for what the program does: see
   * `ProcessExit`.
   */
  abstract start(spec: ProcessSpec): Promise<RunningProcess>;
  /**
   * Ends every process of the group that is left, wherever it went (group, session, ancestry,
   * marker). Idempotent. Resolves with the number of processes it ended.
   */
  abstract sweep(group: string): Promise<number>;
  /** Ends all trees and the launcher. Idempotent. */
  abstract close(): Promise<void>;
}
