import { Injectable, Logger } from '@nestjs/common';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { errorLine } from '../common/child-process/error-line.js';
import { entryFile } from '../config/paths.js';
import { detectionProblem } from './detection-problem.js';
import type { DetectionEnd, FolderRequest } from './folder-request.js';

export interface FolderLimits {
  /** Default: `entryFile('detect-child')`. */
  readonly program?: string;
  /** Time of one folder, milliseconds. */
  readonly timeoutMs: number;
  /** Heap of the process, MiB. */
  readonly maxHeapMib: number;
}

const LIMITS: FolderLimits = { timeoutMs: 8_000, maxHeapMib: 256 };
/** Characters of what it said at its end. */
const MAX_LOGGED = 500;
/** A larger answer is none. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** How a process ended, as `execFile` tells it. */
interface ChildError {
  readonly signal?: string | null;
  readonly code?: string | number | null;
  readonly stderr?: string;
}

/**
 * Detects what a folder holds, in a process of its own: a few files that a stranger has written
 * keep a parser busy for a minute, or take all memory.
 */
@Injectable()
export class FolderDetector {
  private readonly logger = new Logger(FolderDetector.name);

  /** @param signal ends it; what it answers then is a problem, too */
  async detect(
    request: FolderRequest,
    signal: AbortSignal,
    { program, timeoutMs, maxHeapMib }: FolderLimits = LIMITS,
  ): Promise<DetectionEnd> {
    const args = [
      `--max-old-space-size=${maxHeapMib}`,
      program ?? entryFile('detect-child'),
      JSON.stringify(request),
    ];
    try {
      const { stdout } = await promisify(execFile)(process.execPath, args, {
        env: {},
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
        maxBuffer: MAX_ANSWER_BYTES,
        signal,
      });
      return JSON.parse(stdout) as DetectionEnd;
    } catch (error) {
      if (signal.aborted) return detectionProblem('git_aborted', 'The server is stopping.');
      return this.problemOf(error as ChildError);
    }
  }

  /** What it said may be large, and is not for the log. */
  private problemOf({ signal, code, stderr = '' }: ChildError): DetectionEnd {
    const hasLimit = typeof signal === 'string' || code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER';
    const why = errorLine(stderr).slice(0, MAX_LOGGED);
    if (hasLimit) {
      this.logger.warn({ signal, code, why }, 'a folder is beyond the limits of detection');
      const message = 'The files of the project cannot be read within the limits of the server.';
      return detectionProblem('too_complex', message);
    }
    this.logger.error({ code, why }, 'a folder could not be detected');
    return detectionProblem('failed', 'The project could not be detected.');
  }
}
