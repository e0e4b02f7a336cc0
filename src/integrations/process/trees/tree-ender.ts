import { ProcessRunnerError } from '../process-runner.error.js';
import { FOLLOW_MS, type SearchResult } from './process-search.js';
import {
  isAlive,
  type ProcessEntry,
  readProcess,
} from '../../../common/child-process/process-stat.js';

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 100;
/**
 * How long KILL is repeated: a process that survives it hangs in the kernel (a dead network mount),
 * and waiting helps nobody.
 */
const KILL_DEADLINE_MS = 10_000;
/**
 * On a machine where something is born at every moment no search is complete: so many that found
 * nothing are as good.
 */
const EMPTY_SEARCHES = 20;
/** After a search that was not complete the next one follows twice as long what is born. */
const LONGEST_FOLLOW_MS = 80;

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
 * KILLs what `search` finds until it finds nothing more, and what `alsoKnown` names; returns how
 * many processes that were. With a process ends its process group: nobody joins a session from
 * outside, so all of it is the step's, and the kernel ends a group at once, whoever in it forks
 * meanwhile. One that forks and ends all the time would else be gone before its signal.
 *
 * @throws ProcessRunnerError `processes_survived` when some are left after 10 s.
 */
export async function killUntilNone(
  search: (followMs: number) => SearchResult,
  alsoKnown: readonly ProcessEntry[] = [],
): Promise<number> {
  const ended = new Set<string>();
  const ourSessions = new Set([process.pid, process.ppid].map((pid) => readProcess(pid)?.session));
  const deadline = performance.now() + KILL_DEADLINE_MS;
  let emptySearches = 0;
  for (let wait = FIRST_PAUSE_MS; ; wait = longer(wait)) {
    const followMs = Math.min(FOLLOW_MS * 2 ** emptySearches, LONGEST_FOLLOW_MS);
    const { found, isComplete } = search(followMs);
    const victims = [...found, ...alsoKnown.filter(isAlive)].filter(isAllowed);
    emptySearches = victims.length === 0 ? emptySearches + 1 : 0;
    if (emptySearches > 0 && (isComplete || emptySearches >= EMPTY_SEARCHES)) return ended.size;
    const isSteps = ({ session, processGroup }: ProcessEntry): boolean =>
      processGroup > 1 && !ourSessions.has(session);
    const groups = new Set(victims.filter(isSteps).map((each) => each.processGroup));
    const killed = new Set([...groups].filter((group) => sendSignal(-group, 'SIGKILL')));
    // Parents first stopped, then killed: a fork bomb cannot outrun the loop.
    for (const { pid } of victims) sendSignal(pid, 'SIGSTOP');
    for (const { pid, startTicks, processGroup } of victims) {
      // With its group it may be gone by now: an orphan is reaped at once.
      const isEnded = sendSignal(pid, 'SIGKILL') || killed.has(processGroup);
      if (isEnded) ended.add(`${pid}.${startTicks}`);
    }
    if (victims.length > 0 && performance.now() > deadline) {
      const pids = victims.map(({ pid }) => pid).join(', ');
      throw new ProcessRunnerError('processes_survived', `still there after KILL: ${pids}`);
    }
    await pause(wait);
  }
}

/** KILLs one process, whatever its group is. @throws as `killUntilNone` */
export async function killOne(victim: Pick<ProcessEntry, 'pid' | 'startTicks'>): Promise<void> {
  const deadline = performance.now() + KILL_DEADLINE_MS;
  for (let wait = FIRST_PAUSE_MS; isAlive(victim); wait = longer(wait)) {
    sendSignal(victim.pid, 'SIGKILL');
    if (performance.now() > deadline) {
      throw new ProcessRunnerError('processes_survived', `still there after KILL: ${victim.pid}`);
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
