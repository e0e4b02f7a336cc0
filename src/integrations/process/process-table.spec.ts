import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readWrittenFiles } from './process-table.js';

/** A process that waits, with this descriptor as its stdin. */
function holderOf(descriptor: number): ChildProcess {
  return spawn('sleep', ['60'], { stdio: [descriptor, 'ignore', 'ignore'] });
}

describe('what a process has open for writing', () => {
  it('is the writing end of a FIFO, not the reading end that it inherited', () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-fds-'));
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const reading = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    const writing = openSync(fifo, constants.O_WRONLY);
    const [reader, writer] = [holderOf(reading), holderOf(writing)];
    try {
      expect(readWrittenFiles(reader.pid as number)).not.toContain(fifo);
      expect(readWrittenFiles(writer.pid as number)).toContain(fifo);
    } finally {
      reader.kill();
      writer.kill();
      closeSync(reading);
      closeSync(writing);
      rmSync(folder, { recursive: true });
    }
  });
});
