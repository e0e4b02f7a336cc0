import { isAlive, type ProcessEntry } from '../../../common/child-process/process-stat.js';
import type { ProcessIdentity } from '../../../embedded/system/end-process.js';
import { searchProcesses } from '../../process/trees/process-search.js';
import type { ProcessSnapshot } from '../../process/trees/process-snapshot.js';
import { readEnvironmentVariable } from '../../process/trees/process-table.js';
import { killUntilNone, pause, sendSignal } from '../../process/trees/tree-ender.js';
import type { StopRule } from '../local-services.js';
import { SERVICE_VARIABLE } from '../service-spec.js';

/** How the processes of an instance are known. */
export interface ServiceTrace {
  /** Value of `variable`. */
  readonly mark: string;
  /** Absent: `SERVICE_VARIABLE`. */
  readonly variable?: string;
  /** Its outputs, as a file; the real path. Absent: they are none. */
  readonly log?: string;
  /** User that it runs as. */
  readonly uid: number;
  /**
   * Its first process, which leads its session, where this supervisor has seen it alive: the number
   * of a session is not given again as long as somebody is in it.
   */
  readonly leader?: ProcessIdentity | undefined;
}

const PAUSE_MS = 50;

/**
 * Every living process of the instance, also one that made itself a daemon: by its mark, its
 * session or group, an output that it still has, and all that descends from these, whoever that
 * runs as. One that has dropped all four, and whose parent is gone, is nobody's any more.
 */
export function findService(snapshot: ProcessSnapshot, trace: ServiceTrace): ProcessEntry[] {
  const { leader } = trace;
  const holder = leader && snapshot.get(leader.pid);
  const isLeaders = leader && (!holder || holder.startTicks === leader.startTicks);
  const belongs = (entry: ProcessEntry): boolean => {
    if (!snapshot.isOwnedBy(entry, trace.uid)) return false;
    if (isLeaders && (entry.session === leader.pid || entry.processGroup === leader.pid)) {
      return true;
    }
    const { mark, variable = SERVICE_VARIABLE, log } = trace;
    if (marksIn(snapshot, variable).of(entry.pid) === mark) return true;
    return log !== undefined && snapshot.writtenFiles(entry).includes(log);
  };
  return snapshot.withDescendants(snapshot.entries.filter(belongs)).filter(isNotOurs);
}

/** Marks of the processes of one reading of the table, each read once. */
class Marks {
  private readonly known = new Map<number, string | undefined>();

  constructor(private readonly variable: string) {}

  of(pid: number): string | undefined {
    if (!this.known.has(pid)) this.known.set(pid, readEnvironmentVariable(pid, this.variable));
    return this.known.get(pid);
  }
}

const marks = new WeakMap<ProcessSnapshot, Map<string, Marks>>();

function marksIn(snapshot: ProcessSnapshot, variable: string): Marks {
  const byVariable = marks.get(snapshot) ?? new Map<string, Marks>();
  marks.set(snapshot, byVariable);
  const known = byVariable.get(variable) ?? new Marks(variable);
  byVariable.set(variable, known);
  return known;
}

/** The living processes of the instance, as one search sees them. */
export function livingProcesses(trace: ServiceTrace): readonly ProcessEntry[] {
  return searchProcesses(0, (snapshot) => findService(snapshot, trace)).found;
}

/**
 * Ends all of it: the signal to each process, KILL after the grace. Resolves, with the number of
 * processes that there were, when none is left.
 *
 * @param giveUp during the grace: what has not ended by then runs on
 * @throws ProcessRunnerError `processes_survived`; the reason of `giveUp`
 */
export async function endService(
  trace: ServiceTrace,
  { signal, grace_ms: graceMs }: StopRule,
  giveUp?: AbortSignal,
): Promise<number> {
  const told = new Set<string>();
  const deadline = performance.now() + graceMs;
  for (;;) {
    const living = livingProcesses(trace);
    if (living.length === 0 || performance.now() >= deadline) break;
    for (const { pid, startTicks } of living) {
      const name = `${pid}.${startTicks}`;
      if (!told.has(name)) sendSignal(pid, signal);
      told.add(name);
    }
    // What a search costs is spent again only when those that are known have ended.
    while (living.some(isAlive) && performance.now() < deadline) {
      giveUp?.throwIfAborted();
      await pause(PAUSE_MS);
    }
  }
  const killed = await killUntilNone((followMs) =>
    searchProcesses(0, (snapshot) => findService(snapshot, trace), followMs),
  );
  return Math.max(told.size, killed);
}

/** A service that has started this supervisor would else be the end of both. */
function isNotOurs({ pid }: ProcessEntry): boolean {
  return pid > 1 && pid !== process.pid && pid !== process.ppid;
}
