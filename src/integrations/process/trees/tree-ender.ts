import { ProcessRunnerError } from '../process-runner.error.js';
import { isAlive, type ProcessEntry } from '../../../common/child-process/process-stat.js';

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 100;
/**
 * How long KILL is repeated: a process that survives it hangs in the kernel (a dead network mount),
 * and waiting helps nobody.
 */
const KILL_DEADLINE_MS = 10_000;

/**
 * Sends a signal to a process or, by its negative number, to a process group. False: none there, or
 * it is not ours.
 */
export function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw error;
  }
}

/** Resolves when the process group is empty (true) or the time is over (false). */
export async function waitForGroupEnd(processGroup: number, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  for (let wait = FIRST_PAUSE_MS; sendSignal(-processGroup, 0); wait = longer(wait)) {
    const left = deadline - performance.now();
    if (left <= 0) return false;
    await pause(Math.min(wait, left));
  }
  return true;
}

/**
 * KILLs what `find` finds until it finds nothing more, and what `alsoKnown` names; returns how many
 * processes that were.
 *
 * @throws ProcessRunnerError `processes_survived` when some are left after 10 s.
 */
export async function killUntilNone(
  find: () => readonly ProcessEntry[],
  alsoKnown: readonly ProcessEntry[] = [],
): Promise<number> {
  const ended = new Set<string>();
  const deadline = performance.now() + KILL_DEADLINE_MS;
  for (let wait = FIRST_PAUSE_MS; ; wait = longer(wait)) {
    const victims = [...find(), ...alsoKnown.filter(isAlive)].filter(isAllowed);
    if (victims.length === 0) return ended.size;
    // Parents first stopped, then killed: a fork bomb cannot outrun the loop.
    for (const { pid } of victims) sendSignal(pid, 'SIGSTOP');
    for (const { pid, startTicks } of victims) {
      if (sendSignal(pid, 'SIGKILL')) ended.add(`${pid}.${startTicks}`);
    }
    if (performance.now() > deadline) {
      const pids = victims.map(({ pid }) => pid).join(', ');
      throw new ProcessRunnerError('processes_survived', `still there after KILL: ${pids}`);
    }
    await pause(wait);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Whatever a rule of the search says, never init, ourselves, or who started us. */
function isAllowed({ pid }: ProcessEntry): boolean {
  return pid > 1 && pid !== process.pid && pid !== process.ppid;
}

function longer(wait: number): number {
  return Math.min(wait * 2, LONGEST_PAUSE_MS);
}
