import { join } from 'node:path';
import {
  isLauncherAlive,
  launcherName,
  type LauncherFolder,
  type LauncherIdentity,
} from './launcher-folder.js';
import type { ProcessEntry } from './process-table.js';
import { killUntilNone } from './tree-ender.js';
import {
  findLauncherLeftovers,
  ProcessSnapshot,
  type LauncherTrace,
  type TreeIdentity,
} from './tree-search.js';

/** Ends what a dead launcher left, by all that its folder and (while its worker lives) its worker know, and forgets it. */
export async function endLeftovers(
  folder: LauncherFolder,
  launcher: LauncherIdentity,
  trees: readonly TreeIdentity[],
  ownsGroup: (group: string) => boolean,
): Promise<number> {
  const name = launcherName(launcher);
  const marks = folder.marks().filter(({ owner }) => launcherName(owner) === name);
  const trace: LauncherTrace = {
    startTicks: launcher.startTicks,
    marks: new Set(marks.map(({ mark }) => mark)),
    fifoFolder: join(folder.path, name),
    trees,
    ownsGroup,
  };
  const count = await killUntilNone(() =>
    findLauncherLeftovers(ProcessSnapshot.take(trace.startTicks), trace),
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
    if (isLauncherAlive(launcher)) continue;
    // A launcher of an earlier boot left files, not processes; its ticks are not of this boot.
    if (launcher.bootId === folder.bootId) {
      count += await endLeftovers(folder, launcher, [], () => false);
    } else {
      folder.forget(launcher);
    }
  }
  return count + (await killUntilNone(() => findUnheld(folder, groupPrefix, stepUid)));
}

/**
 * Processes with a marker variable of ours that no living launcher holds, and orphans of the steps' own user while
 * there is no living launcher at all. A step that itself runs Millrace must not end the tree that it is in: our own group is spared.
 */
function findUnheld(
  folder: LauncherFolder,
  groupPrefix: string,
  stepUid: number | undefined,
): ProcessEntry[] {
  const snapshot = ProcessSnapshot.take();
  const living = folder.launchers().filter(isLauncherAlive);
  const isHeld = holdTest(folder, living, snapshot);
  const self = snapshot.get(process.pid);
  const ownGroup = self && snapshot.group(self);
  return snapshot.entries.filter((entry) => {
    const group = snapshot.group(entry);
    if (group !== undefined) {
      return group.startsWith(groupPrefix) && group !== ownGroup && !isHeld(entry);
    }
    const isStepOrphan =
      stepUid !== undefined && entry.parentPid === 1 && snapshot.owner(entry) === stepUid;
    return isStepOrphan && living.length === 0;
  });
}

/** Says of a process whether a living launcher holds it: by its mark, by descent, or because that launcher has no marks to tell by. */
function holdTest(
  folder: LauncherFolder,
  living: readonly LauncherIdentity[],
  snapshot: ProcessSnapshot,
): (entry: ProcessEntry) => boolean {
  const pids = new Set(living.map(({ pid }) => pid));
  const names = new Set(living.map(launcherName));
  const held = folder.marks().filter(({ owner }) => names.has(launcherName(owner)));
  const marks = new Set(held.map(({ mark }) => mark));
  const marking = new Set(held.map(({ owner }) => launcherName(owner)));
  return (entry) => {
    const mark = snapshot.mark(entry);
    if (mark !== undefined && marks.has(mark)) return true;
    if (snapshot.ancestors(entry).some(({ pid }) => pids.has(pid))) return true;
    return marking.size < names.size && entry.parentPid === 1;
  };
}
