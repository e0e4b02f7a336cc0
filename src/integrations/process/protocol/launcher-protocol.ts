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

/** One frame a line: JSON escapes every line feed. */
export function encodeFrame(frame: LauncherRequest | LauncherEvent): string {
  return `${JSON.stringify(frame)}\n`;
}

/**
 * Cuts a byte stream into frames. The two ends are one program: a frame that is no JSON is a defect
 * and throws.
 */
export class FrameReader<Frame extends LauncherRequest | LauncherEvent> {
  private parts: Buffer[] = [];

  read(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    let begin = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, begin)) {
      this.parts.push(chunk.subarray(begin, end));
      const line = this.parts.length === 1 ? this.parts[0] : Buffer.concat(this.parts);
      frames.push(JSON.parse((line as Buffer).toString('utf8')) as Frame);
      this.parts = [];
      begin = end + 1;
    }
    if (begin < chunk.length) this.parts.push(chunk.subarray(begin));
    return frames;
  }
}
