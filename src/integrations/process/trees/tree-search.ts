import type { ProcessSnapshot } from './process-snapshot.js';
import type { ProcessEntry } from '../../../common/child-process/process-stat.js';

/**
 * One tree that was started: its first process, which also leads its session, and what that
 * inherited.
 */
export interface TreeIdentity {
  readonly pid: number;
  readonly startTicks: number;
  /** See `audit-sessions.ts`; undefined where the launcher may not begin one. */
  readonly auditSession: number | undefined;
  /** See `mark-pool.ts`; undefined where the system offers no marks. */
  readonly mark: number | undefined;
  /** It runs as the user of the server; see `ProcessSpec`. */
  readonly asServer?: true | undefined;
  /** Paths of the FIFOs that are its stdout and stderr, until another tree has them. */
  readonly outputs: ReadonlySet<string>;
}

/** All that is known of a group: enough to find what it left behind. */
export interface GroupTrace {
  readonly group: string;
  /** Those that ended are kept too: their sessions may live on. */
  readonly trees: readonly TreeIdentity[];
  /** Set only where steps have a user of their own: its processes may be judged by their folder. */
  readonly stepUid: number | undefined;
  /** Working directories of its trees. */
  readonly folders: ReadonlySet<string>;
}

/** What is known of a launcher that is gone. */
export interface LauncherTrace {
  /** Nothing of it is older. */
  readonly startTicks: number;
  readonly auditSessions: ReadonlySet<number>;
  /** Every tree of it had an audit session, and `auditSessions` has them all. */
  readonly isExact: boolean;
  readonly marks: ReadonlySet<number>;
  /** Folder of its FIFOs. */
  readonly fifoFolder: string;
  /** Trees that it told of; none when its worker is gone too. */
  readonly trees: readonly TreeIdentity[];
  /** Which marker variables are its. */
  readonly ownsGroup: (group: string) => boolean;
  readonly stepUid: number | undefined;
}

/** How the processes of something are known. */
interface Rules {
  readonly startTicks: number;
  readonly auditSessions: ReadonlySet<number>;
  /** The audit sessions tell it all: nothing else convicts. */
  readonly isExact: boolean;
  readonly stepUid: number | undefined;
  /**
   * Leaders of the trees that run as the user of the server. A session has no members but what its
   * leader has started, so it tells whoever they run as.
   */
  readonly serverSessions: ReadonlySet<number>;
  /**
   * What a process says about itself, or numbers that come round again: counts only for the steps'
   * own user.
   */
  readonly hasEvidence: (entry: ProcessEntry) => boolean;
}

/** The user that steps run as: without one of their own it is ours. */
export function uidOfSteps(stepUid: number | undefined): number {
  return stepUid ?? process.getuid?.() ?? 0;
}

/** Nothing of the group is older. */
export function oldestTicks({ trees }: GroupTrace): number {
  return trees.reduce((least, tree) => Math.min(least, tree.startTicks), Infinity);
}

/**
 * Every living process of the group: by audit session where its trees have one; else by session,
 * process group, mark, marker variable, open output, and folder; and what descends from these. That
 * a process names another group acquits it of nothing.
 */
export function findGroup(snapshot: ProcessSnapshot, trace: GroupTrace): ProcessEntry[] {
  const leaders = liveLeaders(snapshot, trace.trees);
  const marks = new Set(trace.trees.flatMap((tree) => tree.mark ?? []));
  const outputs = new Set(trace.trees.flatMap((tree) => [...tree.outputs]));
  return findAll(snapshot, {
    startTicks: oldestTicks(trace),
    auditSessions: auditSessionsOf(trace.trees),
    isExact: trace.trees.every((tree) => tree.auditSession !== undefined),
    stepUid: trace.stepUid,
    serverSessions: serverSessions(snapshot, trace.trees),
    hasEvidence: (entry) =>
      leaders.has(entry.session) ||
      leaders.has(entry.processGroup) ||
      isAmong(marks, snapshot.mark(entry)) ||
      snapshot.groups(entry).includes(trace.group) ||
      snapshot.writtenFiles(entry).some((file) => outputs.has(file)) ||
      isInStepFolder(snapshot, entry, trace),
  });
}

/**
 * The living processes of one tree, without those of other trees of its group, running or ended.
 * Where there are neither audit sessions nor marks, a process that left the session, dropped its
 * outputs and lost its parent is left to the sweep of the group.
 */
export function findTree(
  snapshot: ProcessSnapshot,
  tree: TreeIdentity,
  stepUid: number | undefined,
): ProcessEntry[] {
  const leaders = liveLeaders(snapshot, [tree]);
  return findAll(snapshot, {
    startTicks: tree.startTicks,
    auditSessions: auditSessionsOf([tree]),
    isExact: tree.auditSession !== undefined,
    stepUid,
    serverSessions: serverSessions(snapshot, [tree]),
    hasEvidence: (entry) => {
      if (leaders.has(entry.session) || leaders.has(entry.processGroup)) return true;
      if (tree.mark !== undefined && snapshot.mark(entry) === tree.mark) {
        return !descendsFromOlderTree(snapshot, entry, tree);
      }
      return snapshot.writtenFiles(entry).some((file) => tree.outputs.has(file));
    },
  });
}

/** Every living process that a launcher left when it was killed. */
export function findLauncherLeftovers(
  snapshot: ProcessSnapshot,
  trace: LauncherTrace,
): ProcessEntry[] {
  const leaders = liveLeaders(snapshot, trace.trees);
  return findAll(snapshot, {
    ...trace,
    serverSessions: serverSessions(snapshot, trace.trees),
    hasEvidence: (entry) => {
      if (leaders.has(entry.session) || leaders.has(entry.processGroup)) return true;
      if (isAmong(trace.marks, snapshot.mark(entry))) return true;
      if (snapshot.groups(entry).some(trace.ownsGroup)) return true;
      return snapshot.writtenFiles(entry).some((file) => file.startsWith(`${trace.fifoFolder}/`));
    },
  });
}

/**
 * The one place that convicts. An audit session is the kernel's word, and so is descent in one
 * reading of the table: they count whoever the process runs as, so that what a step started by sudo
 * ends with it; so is the session of a program of the server's. Nothing else touches other users.
 */
function findAll(snapshot: ProcessSnapshot, rules: Rules): ProcessEntry[] {
  const uid = uidOfSteps(rules.stepUid);
  const belongs = (entry: ProcessEntry): boolean => {
    if (entry.startTicks < rules.startTicks) return false;
    if (rules.serverSessions.has(entry.session)) return true;
    if (rules.auditSessions.size > 0) {
      if (isAmong(rules.auditSessions, snapshot.auditSession(entry))) return true;
      if (rules.isExact) return false;
    }
    return snapshot.isOwnedBy(entry, uid) && rules.hasEvidence(entry);
  };
  return snapshot.withDescendants(snapshot.entries.filter(belongs));
}

function serverSessions(
  snapshot: ProcessSnapshot,
  trees: readonly TreeIdentity[],
): ReadonlySet<number> {
  return liveLeaders(
    snapshot,
    trees.filter(({ asServer }) => asServer === true),
  );
}

function auditSessionsOf(trees: readonly TreeIdentity[]): ReadonlySet<number> {
  return new Set(trees.flatMap((tree) => tree.auditSession ?? []));
}

function isAmong(values: ReadonlySet<number>, value: number | undefined): boolean {
  return value !== undefined && values.has(value);
}

/**
 * A tree that ended hands its mark to the next one of its group; what it left running keeps its own
 * children.
 */
function descendsFromOlderTree(
  snapshot: ProcessSnapshot,
  entry: ProcessEntry,
  tree: TreeIdentity,
): boolean {
  return snapshot
    .ancestors(entry)
    .some(
      (ancestor) => ancestor.startTicks < tree.startTicks && snapshot.mark(ancestor) === tree.mark,
    );
}

/**
 * Session and group numbers that still mean our trees: a number whose process is another one came
 * round again.
 */
function liveLeaders(snapshot: ProcessSnapshot, trees: readonly TreeIdentity[]): Set<number> {
  const leaders = new Set<number>();
  for (const tree of trees) {
    const holder = snapshot.get(tree.pid);
    if (!holder || holder.startTicks === tree.startTicks) leaders.add(tree.pid);
  }
  return leaders;
}

/**
 * Only for a user that runs nothing but steps: an ordinary user's own shell may stand in the same
 * folder.
 */
function isInStepFolder(
  snapshot: ProcessSnapshot,
  entry: ProcessEntry,
  trace: GroupTrace,
): boolean {
  if (trace.stepUid === undefined) return false;
  const folder = snapshot.folder(entry);
  if (folder === undefined) return false;
  return [...trace.folders].some((root) => folder === root || folder.startsWith(`${root}/`));
}
