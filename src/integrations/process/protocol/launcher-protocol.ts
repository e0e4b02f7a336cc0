import { frame, type FrameReader } from '../../../common/child-process/frames.js';
import type { ProcessExit } from '../process-runner.js';
import type { ProcessRunnerErrorCode } from '../process-runner.error.js';

/** Options of a launcher process; its only argument, as JSON. */
export interface LauncherOptions {
  /** See `LauncherFolder`. */
  readonly folder: string;
  readonly stepUser: { readonly uid: number; readonly gid: number } | undefined;
  /** The worker's own `MILLRACE_GROUP`: it runs in a step itself. */
  readonly outerGroup: string | undefined;
  /** Silence of the worker after which every tree is ended. */
  readonly silenceLimitMs: number;
  /** From TERM to KILL when the launcher itself ends trees (silence, end of the pipe). */
  readonly graceMs: number;
  /** Where the worker's containers are, which end as its trees do. */
  readonly engine: LauncherEngine | undefined;
}

/** A container engine; of what is there, that of the worker is meant. */
export interface LauncherEngine {
  /** As `DOCKER_HOST`. Undefined: that of this machine, if there is one by then. */
  readonly host: string | undefined;
}

/** Descriptor of the launcher that is its pipe to the worker. */
export const LAUNCHER_LINK_FD = 3;

export interface StartRequest {
  readonly op: 'start';
  /** Number of the process, unique on this link. */
  readonly process: number;
  readonly group: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** See `ProcessSpec`. */
  readonly directory: string | undefined;
  readonly asServer: true | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Worker to launcher. Any frame is a sign of life. */
export type LauncherRequest =
  | StartRequest
  | { readonly op: 'beat' }
  | {
      readonly op: 'kill';
      readonly request: number;
      readonly process: number;
      readonly graceMs: number;
    }
  | { readonly op: 'sweep'; readonly request: number; readonly group: string }
  | { readonly op: 'fifos'; readonly request: number };

/** Launcher to worker. Every `beat` is answered by one. */
export type LauncherEvent =
  | { readonly event: 'beat' }
  | {
      readonly event: 'ready';
      readonly startTicks: number;
      readonly fifos: readonly string[];
      /** What it must do without on this machine. */
      readonly problem?: string;
    }
  | {
      readonly event: 'started';
      readonly process: number;
      readonly pid: number;
      readonly startTicks: number;
      readonly auditSession: number | undefined;
      readonly mark: number | undefined;
    }
  | { readonly event: 'ended'; readonly process: number; readonly exit: ProcessExit }
  | { readonly event: 'done'; readonly request: number; readonly count: number }
  | { readonly event: 'fifos'; readonly request: number; readonly paths: readonly string[] }
  | {
      readonly event: 'failed';
      readonly request: number;
      readonly code: ProcessRunnerErrorCode;
      readonly message: string;
    };

/** Far more than a process can be given; for the `FrameReader` of either end. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024;

export function encodeFrame(message: LauncherRequest | LauncherEvent): Buffer {
  return frame(Buffer.from(JSON.stringify(message)));
}

/** The two ends are one program: a frame that is no JSON is a defect and throws. */
export function decodeFrames<Message extends LauncherRequest | LauncherEvent>(
  reader: FrameReader,
  chunk: Buffer,
): Message[] {
  return reader.push(chunk).map((message) => JSON.parse(message.toString('utf8')) as Message);
}
