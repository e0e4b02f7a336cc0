import { spawn } from 'node:child_process';
import type { ProcessExit } from '../process-runner.js';
import { ChildReaper, exitOfStatus } from './child-reaper.js';

function endOf(reaper: ChildReaper, script: string): Promise<ProcessExit> {
  const child = spawn('/bin/sh', ['-c', script], { stdio: 'ignore' });
  return new Promise((resolve) => reaper.take(child, child.pid ?? 0, resolve));
}

// With waitpid it is tested through the launcher: Jest's `process` hears no signals.
describe('ChildReaper', () => {
  it('leaves children to Node where there is no waitpid', async () => {
    const reaper = new ChildReaper(undefined);
    expect(await endOf(reaper, 'exit 3')).toEqual({ kind: 'exited', exitCode: 3 });
    expect(await endOf(reaper, 'kill $$')).toEqual({ kind: 'signalled', signal: 'SIGTERM' });
  });

  it.each([
    [0, { kind: 'exited', exitCode: 0 }],
    [168 << 8, { kind: 'exited', exitCode: 168 }],
    [9, { kind: 'signalled', signal: 'SIGKILL' }],
    [11 | 0x80, { kind: 'signalled', signal: 'SIGSEGV' }],
    [34, { kind: 'signalled', signal: 'SIGRTMIN' }],
    [40, { kind: 'signalled', signal: 'SIGRTMIN+6' }],
  ])('reads the status %d of wait(2)', (status, end) => {
    expect(exitOfStatus(status)).toEqual(end);
  });
});
