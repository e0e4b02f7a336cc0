import { join } from 'node:path';
import {
  isLauncherAlive,
  launcherName,
  type LauncherFolder,
  type LauncherIdentity,
} from '../protocol/launcher-folder.js';
import { searchProcesses } from '../trees/process-search.js';
import type { ProcessSnapshot } from '../trees/process-snapshot.js';
import type { ProcessEntry } from '../../../common/child-process/process-stat.js';
import { readSessions } from '../trees/session-log.js';
import { killOne, killUntilNone } from '../trees/tree-ender.js';
import { findLauncherLeftovers, uidOfSteps, type LauncherTrace } from '../trees/tree-search.js';

/** What is known of a dead launcher beside what its folder tells. */
export type KnownOfLauncher = Pick<LauncherTrace, 'trees' | 'ownsGroup' | 'stepUid'>;

/**
 * Ends what a dead launcher left, by all that its folder and (while its worker lives) its worker
 * know, and forgets it.
 */
export async function endLeftovers(
  folder: LauncherFolder,
  launcher: LauncherIdentity,
  known: KnownOfLauncher,
): Promise<number> {
  const name = launcherName(launcher);
  const marks = folder.marks().filter(({ owner }) => launcherName(owner) === name);
  const recorded = readSessions(join(folder.path, name));
  const trace: LauncherTrace = {
    ...known,
    startTicks: launcher.startTicks,
    auditSessions: new Set([
      ...(recorded?.sessions ?? []),
      ...known.trees.flatMap((tree) => tree.auditSession ?? []),
    ]),
    isExact: recorded?.isExact ?? false,
    marks: new Set(marks.map(({ mark }) => mark)),
    fifoFolder: join(folder.path, name),
  };
  const find = (snapshot: ProcessSnapshot): ProcessEntry[] =>
    findLauncherLeftovers(snapshot, trace);
  const count = await killUntilNone((followMs) =>
    searchProcesses(trace.startTicks, find, followMs),
  );
  folder.forget(launcher);
  return count;
}

/** See `LauncherProcessRunner.sweepStale`. */
export async function sweepStaleLaunchers(
  folder: LauncherFolder,
  groupPrefix: string,
  stepUid: number | undefined,
): Promise<number> {
  let count = 0;
  for (const launcher of folder.launchers()) {
    if (folder.isStuck(launcher)) await killOne(launcher);
    if (isLauncherAlive(launcher)) continue;
    // A launcher of an earlier boot left files, not processes; its ticks are not of this boot.
    if (launcher.bootId === folder.bootId) {
      count += await endLeftovers(folder, launcher, { trees: [], ownsGroup: () => false, stepUid });
    } else {
      folder.forget(launcher);
    }
  }
  const find = (snapshot: ProcessSnapshot): ProcessEntry[] =>
    findUnheld(snapshot, folder, groupPrefix, stepUid);
  return count + (await killUntilNone((followMs) => searchProcesses(0, find, followMs)));
}

/**
 * Processes of the steps' user with a marker variable of ours that no living launcher holds, and
 * orphans of the steps' own user while there is no living launcher at all. A Millrace that runs in
 * a step judges nobody by this: it may not see the launchers of the outer one, which ends all that
 * the step leaves.
 */
function findUnheld(
  snapshot: ProcessSnapshot,
  folder: LauncherFolder,
  groupPrefix: string,
  stepUid: number | undefined,
): ProcessEntry[] {
  const living = folder.launchers().filter(isLauncherAlive);
  const isHeld = holdTest(folder, living, snapshot);
  const self = snapshot.get(process.pid);
  if (self && snapshot.groups(self).length > 0) return [];
  return snapshot.entries.filter((entry) => {
    if (!snapshot.isOwnedBy(entry, uidOfSteps(stepUid))) return false;
    if (stepUid !== undefined && entry.parentPid === 1 && living.length === 0) return true;
    if (snapshot.groups(entry).at(-1)?.startsWith(groupPrefix) !== true) return false;
    return !isHeld(entry);
  });
}

/**
 * Says of a process whether a living launcher holds it: by its audit session, its mark, by descent,
 * or because that launcher has neither sessions nor marks to tell by.
 */
function holdTest(
  folder: LauncherFolder,
  living: readonly LauncherIdentity[],
  snapshot: ProcessSnapshot,
): (entry: ProcessEntry) => boolean {
  const pids = new Set(living.map(({ pid }) => pid));
  const names = new Set(living.map(launcherName));
  const held = folder.marks().filter(({ owner }) => names.has(launcherName(owner)));
  const marks = new Set(held.map(({ mark }) => mark));
  const telling = new Set(held.map(({ owner }) => launcherName(owner)));
  // Read after the process table: a session is written down before there is a process in it.
  const sessions = new Set<number>();
  for (const name of names) {
    const recorded = readSessions(join(folder.path, name));
    if (recorded) telling.add(name);
    for (const session of recorded?.sessions ?? []) sessions.add(session);
  }
  return (entry) => {
    const session = snapshot.auditSession(entry);
    if (session !== undefined && sessions.has(session)) return true;
    const mark = snapshot.mark(entry);
    if (mark !== undefined && marks.has(mark)) return true;
    if (snapshot.ancestors(entry).some(({ pid }) => pids.has(pid))) return true;
    return telling.size < names.size && entry.parentPid === 1;
  };
}
