import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readProcess } from '../../../common/child-process/process-stat.js';
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

describe('a process of which the first thread ended and others run', () => {
  const EXIT = { x64: 60, arm64: 93 }[process.arch as string];
  (EXIT === undefined ? it.skip : it)('lives, though its state is that of a zombie', async () => {
    const script = `require('koffi').load(null).func('long syscall(long, long)')(${EXIT}, 0)`;
    const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
    const pid = child.pid as number;
    try {
      const state = (): string => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1] ?? '';
      while (!state().startsWith('Z')) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(readProcess(pid)).toMatchObject({ pid });
    } finally {
      child.kill('SIGKILL');
    }
  });
});
