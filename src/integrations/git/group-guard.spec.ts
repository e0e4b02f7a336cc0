import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { eventually } from '../../../test/support/eventually.js';
import { FIXED_PATH } from './git-program.js';
import { GroupGuard } from './group-guard.js';

/** A process that leads a group of its own. */
function group(): ChildProcess {
  return spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
}

/** What lies beneath the guard: its shell and the groups that it knows. */
function shellOf(guard: GroupGuard): ChildProcess | undefined {
  return (guard as unknown as { shell: ChildProcess | undefined }).shell;
}

describe('GroupGuard', () => {
  const groups: ChildProcess[] = [];
  const start = (): ChildProcess => {
    const child = group();
    groups.push(child);
    return child;
  };
  const isOver = ({ exitCode, signalCode }: ChildProcess): boolean =>
    exitCode !== null || signalCode !== null;

  const ended = async (child: ChildProcess): Promise<void> => {
    if (!isOver(child)) await once(child, 'exit');
  };

  afterEach(() => {
    for (const child of groups.splice(0)) child.kill('SIGKILL');
  });

  it('kills the groups that are there when its process ends, and no other', async () => {
    const guard = new GroupGuard(FIXED_PATH);
    const [kept, over, other] = [start(), start(), start()];
    guard.add(kept.pid ?? 0);
    const drop = guard.add(over.pid ?? 0);
    guard.add(other.pid ?? 0);
    drop();
    // What the end of our process does to the pipe.
    shellOf(guard)?.stdin?.end();
    await ended(kept);
    await ended(other);
    expect([kept, other].map(({ signalCode }) => signalCode)).toEqual(['SIGKILL', 'SIGKILL']);
    expect(isOver(over)).toBe(false);
  });

  it('is started again with all groups when it is killed itself', async () => {
    const guard = new GroupGuard(FIXED_PATH);
    const child = start();
    guard.add(child.pid ?? 0);
    const first = shellOf(guard);
    first?.kill('SIGKILL');
    await eventually(() => (shellOf(guard) === first ? undefined : true));
    shellOf(guard)?.stdin?.end();
    await ended(child);
    expect(child.signalCode).toBe('SIGKILL');
  });
});
