import type { Readable } from 'node:stream';
import { messageOf } from '../common/values/error-message.js';
import type {
  ProcessExit,
  ProcessRunner,
  RunningProcess,
} from '../integrations/process/process-runner.js';

/** Most that is kept of what a script prints, bytes: a path, or the first words of an error. */
const OUTPUT_BYTES = 64 * 1024;
/** From TERM to KILL for a script that is overdue. */
const GRACE_MS = 100;
const PATH = '/usr/bin:/bin';

export type ScriptEnd =
  | {
      readonly kind: 'exited';
      readonly code: number;
      readonly stdout: string;
      readonly stderr: string;
    }
  /** It did not run, did not end in time, or was killed: nothing is known of what it did. */
  | { readonly kind: 'broken'; readonly message: string };

/**
 * Runs small scripts of ours as the user of the steps: whatever must be done inside folders that
 * belong to the steps is done with no more rights than a step has. What a script answers is
 * therefore no more than the word of a step: a step of the same user can stop it or speak for it.
 */
export class StepUserScripts {
  private count = 0;

  constructor(
    private readonly processes: ProcessRunner,
    /** Begins the name of each script's process group; unique on the host. */
    private readonly groupPrefix: string,
  ) {}

  /**
   * `script` is text for `/bin/sh`; `args` are its `$1`, `$2`… Never rejects, and resolves
   * `deadlineMs` later at the latest, or 10 s after that where a process cannot be killed.
   */
  async run(script: string, args: readonly string[], deadlineMs: number): Promise<ScriptEnd> {
    this.count += 1;
    const group = `${this.groupPrefix}folders-${this.count}`;
    try {
      const process = await this.processes.start({
        id: group,
        group,
        command: '/bin/sh',
        args: ['-c', script, 'sh', ...args],
        environment: { PATH, LC_ALL: 'C' },
        cwd: '/',
      });
      return await follow(process, deadlineMs);
    } catch (error) {
      return { kind: 'broken', message: messageOf(error) };
    } finally {
      // Forgets the group; a failure is reported by the launcher itself.
      await this.processes.sweep(group).catch(() => 0);
    }
  }
}

async function follow(process: RunningProcess, deadlineMs: number): Promise<ScriptEnd> {
  let overdue = false;
  const timer = setTimeout(() => {
    overdue = true;
    process.kill(GRACE_MS).catch(() => process.closeOutputs());
  }, deadlineMs);
  try {
    const streams = Promise.all([beginningOf(process.stdout), beginningOf(process.stderr)]);
    const exit = await process.exit;
    if (overdue) return broken(`it did not end within ${deadlineMs} ms`);
    process.closeOutputs();
    const [stdout, stderr] = await streams;
    return endOf(exit, stdout, stderr);
  } finally {
    clearTimeout(timer);
  }
}

function endOf(exit: ProcessExit, stdout: string, stderr: string): ScriptEnd {
  switch (exit.kind) {
    case 'exited':
      return { kind: 'exited', code: exit.exitCode, stdout, stderr };
    case 'signalled':
      return broken(`it was ended by ${exit.signal}`);
    case 'not_started':
    case 'lost':
      return broken(exit.message);
  }
}

function broken(message: string): ScriptEnd {
  return { kind: 'broken', message };
}

/** Reads to the end and keeps the beginning. */
async function beginningOf(stream: Readable): Promise<string> {
  const kept: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (length < OUTPUT_BYTES) kept.push(chunk.subarray(0, OUTPUT_BYTES - length));
    length += chunk.length;
  }
  return Buffer.concat(kept).toString('utf8');
}
