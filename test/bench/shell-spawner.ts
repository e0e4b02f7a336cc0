import { spawn } from 'node:child_process';

/** What is asked: a program of `sh`, and the folder to start it in. */
export interface BareCommand {
  readonly text: string;
  readonly folder: string;
}

export interface BareEnd {
  readonly ms: number;
  /** Null: a signal ended it. */
  readonly code: number | null;
}

/**
 * The base of all ratios: a small process, with nothing loaded but what starts others, which runs
 * `sh -c` without pipes and tells how long that took; what it says of a failure is shown. A large
 * process takes longer to fork.
 */
process.on('message', ({ text, folder }: BareCommand) => {
  const start = performance.now();
  const child = spawn('sh', ['-c', text], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  child.once('exit', (code) => {
    const end: BareEnd = { ms: performance.now() - start, code };
    process.send?.(end);
  });
});
