import type { ChildProcess } from 'node:child_process';
import { messageOf } from '../../../common/values/error-message.js';
import { signalName } from '../../../engine/runtime/signals.js';
import type { ProcessExit } from '../process-runner.js';

const WNOHANG = 1;

type WaitPid = (pid: number, status: [number], options: number) => number;

interface Handle {
  close(): void;
}

/**
 * Collects ended children by `waitpid` itself. Node's own 'exit' event has names for ordinary
 * signals only and tells a child that a real-time signal killed as one that ended with exit code 0
 * (`docs/adr/0016`).
 *
 * Only children that were handed over are waited for; Node's others stay Node's.
 */
export class ChildReaper {
  private readonly children = new Map<number, (exit: ProcessExit) => void>();

  /**
   * Without `waitpid` children are left to Node, whose word is right for all but real-time signals.
   */
  constructor(private readonly waitpid: WaitPid | undefined) {
    if (waitpid) process.on('SIGCHLD', () => this.collect(waitpid));
  }

  /** What a platform that koffi has no part for must do without is said in `problem`. */
  static async make(): Promise<{ readonly reaper: ChildReaper; readonly problem?: string }> {
    try {
      const { default: koffi } = await import('koffi');
      const waitpid = koffi
        .load(null)
        .func('int waitpid(int pid, _Out_ int *status, int options)') as WaitPid;
      return { reaper: new ChildReaper(waitpid) };
    } catch (error) {
      const why = messageOf(error);
      const problem = `a step that a real-time signal ends is taken for one that ended well: ${why}`;
      return { reaper: new ChildReaper(undefined), problem };
    }
  }

  /**
   * Takes a child over that was just spawned, before the event loop turns: it has no 'exit' event
   * any more.
   */
  take(child: ChildProcess, pid: number, onEnd: (exit: ProcessExit) => void): void {
    if (!this.waitpid) {
      child.once('exit', (code, signal) => onEnd(exitOfNode(code, signal)));
      return;
    }
    const { _handle: handle } = child as unknown as { readonly _handle?: Handle | null };
    if (!handle) throw new Error('this Node has no process handle to take a child from');
    // Whoever of the two waits first has the only answer: libuv has to forget the child.
    handle.close();
    this.children.set(pid, onEnd);
  }

  /** Signals come together when they are many: each may stand for any number of children. */
  private collect(waitpid: WaitPid): void {
    for (const [pid, onEnd] of this.children) {
      const status: [number] = [0];
      const found = waitpid(pid, status, WNOHANG);
      if (found === 0) continue;
      this.children.delete(pid);
      onEnd(
        found === pid
          ? exitOfStatus(status[0])
          : { kind: 'lost', message: 'another collected the process' },
      );
    }
  }
}

function exitOfNode(code: number | null, signal: NodeJS.Signals | null): ProcessExit {
  return code === null
    ? { kind: 'signalled', signal: signal ?? 'unknown' }
    : { kind: 'exited', exitCode: code };
}

/** Reads a status of wait(2). */
export function exitOfStatus(status: number): ProcessExit {
  const signal = status & 0x7f;
  return signal === 0
    ? { kind: 'exited', exitCode: (status >> 8) & 0xff }
    : { kind: 'signalled', signal: signalName(signal) };
}
