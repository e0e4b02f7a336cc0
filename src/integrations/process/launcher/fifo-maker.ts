import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** FIFOs of one call of `mkfifo`: enough for 64 processes at once. */
const BATCH = 128;

const run = promisify(execFile);

/**
 * Makes the FIFOs for the outputs of steps: Node has no call for it, and its own pipes are sockets,
 * in which `echo > /dev/stderr` fails. Anyone may open them for writing, because a step of another
 * user opens `/dev/stderr` again by `/proc/self/fd/2`, and nobody but their owner for reading:
 * `/proc/PID/fd` leads past their closed folder, also to those of other executions of the step
 * user.
 */
export class FifoMaker {
  private made = 0;

  constructor(private readonly folder: string) {}

  async make(): Promise<string[]> {
    const paths = Array.from({ length: BATCH }, () => join(this.folder, `f${(this.made += 1)}`));
    await run('mkfifo', ['-m', '0622', ...paths], {
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    });
    return paths;
  }
}
