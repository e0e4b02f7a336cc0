import {
  readEnvironmentVariable,
  readOomScoreAdjustment,
  readOwner,
  readProcessTable,
  readWorkingDirectory,
  readWrittenFiles,
  type ProcessEntry,
} from './process-table.js';

/** Variable that every process of a step starts with. */
export const GROUP_VARIABLE = 'MILLRACE_GROUP';

/** One tree that was started: its first process, which also leads its session, and the mark that it inherited. */
export interface TreeIdentity {
  readonly pid: number;
  readonly startTicks: number;
  /** See `mark-registry.ts`; undefined where the system offers no marks. */
  readonly mark: number | undefined;
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
  readonly marks: ReadonlySet<number>;
  /** Folder of its FIFOs. */
  readonly fifoFolder: string;
  /** Trees that it told of; none when its worker is gone too. */
  readonly trees: readonly TreeIdentity[];
  /** Which marker variables are its. */
  readonly ownsGroup: (group: string) => boolean;
}

/** What is read of a single process, and only when a rule asks for it. */
export interface ProcessDetails {
  readonly mark: (pid: number) => number | undefined;
  readonly group: (pid: number) => string | undefined;
  /**
   * Only what is open for writing: a worker holds the reading ends, and so does, until its exec, every process that it has
   * just forked.
   */
  readonly writtenFiles: (pid: number) => readonly string[];
  readonly folder: (pid: number) => string | undefined;
  readonly owner: (pid: number) => number | undefined;
}

const procDetails: ProcessDetails = {
  mark: readOomScoreAdjustment,
  group: (pid) => readEnvironmentVariable(pid, GROUP_VARIABLE),
  writtenFiles: readWrittenFiles,
  folder: readWorkingDirectory,
  owner: readOwner,
};

/** One reading of the process table, with the answers of `ProcessDetails` kept. */
export class ProcessSnapshot {
  readonly #byPid = new Map<number, ProcessEntry>();
  readonly #marks = new Map<number, number | undefined>();
  readonly #groups = new Map<number, string | undefined>();
  readonly #files = new Map<number, readonly string[]>();

  constructor(
    readonly entries: readonly ProcessEntry[],
    private readonly details: ProcessDetails,
  ) {
    for (const entry of entries) this.#byPid.set(entry.pid, entry);
  }

  /** Reads `/proc`: 10 µs a process, 30 more for each that began after `sinceTicks`. */
  static take(sinceTicks = 0): ProcessSnapshot {
    return new ProcessSnapshot(readProcessTable(sinceTicks), procDetails);
  }

  get(pid: number): ProcessEntry | undefined {
    return this.#byPid.get(pid);
  }

  mark({ pid }: ProcessEntry): number | undefined {
    return remember(this.#marks, pid, this.details.mark);
  }

  group({ pid }: ProcessEntry): string | undefined {
    return remember(this.#groups, pid, this.details.group);
  }

  writtenFiles({ pid }: ProcessEntry): readonly string[] {
    return remember(this.#files, pid, this.details.writtenFiles);
  }

  folder({ pid }: ProcessEntry): string | undefined {
    return this.details.folder(pid);
  }

  owner({ pid }: ProcessEntry): number | undefined {
    return this.details.owner(pid);
  }

  /** The entry's ancestors, nearest first, as far as they are in this snapshot. */
  ancestors(entry: ProcessEntry): ProcessEntry[] {
    const chain: ProcessEntry[] = [];
    for (
      let parent = this.get(entry.parentPid);
      parent && chain.length < this.entries.length;
      parent = this.get(parent.parentPid)
    ) {
      chain.push(parent);
    }
    return chain;
  }

  /** The seeds and everything that descends from them. */
  withDescendants(seeds: readonly ProcessEntry[]): ProcessEntry[] {
    const children = new Map<number, ProcessEntry[]>();
    for (const entry of this.entries) {
      const siblings = children.get(entry.parentPid);
      if (siblings) siblings.push(entry);
      else children.set(entry.parentPid, [entry]);
    }
    const found = new Map(seeds.map((seed) => [seed.pid, seed]));
    for (const entry of found.values()) {
      for (const child of children.get(entry.pid) ?? []) found.set(child.pid, child);
    }
    return [...found.values()];
  }
}

/** Nothing of the group is older. */
export function oldestTicks({ trees }: GroupTrace): number {
  return trees.reduce((least, tree) => Math.min(least, tree.startTicks), Infinity);
}

/** Every living process of the group, by session, process group, mark, marker variable, open output, folder, and descent. */
export function findGroup(snapshot: ProcessSnapshot, trace: GroupTrace): ProcessEntry[] {
  const oldest = oldestTicks(trace);
  const leaders = liveLeaders(snapshot, trace.trees);
  const marks = new Set(trace.trees.flatMap((tree) => tree.mark ?? []));
  const outputs = new Set(trace.trees.flatMap((tree) => [...tree.outputs]));
  const belongs = (entry: ProcessEntry): boolean => {
    if (entry.startTicks < oldest) return false;
    if (leaders.has(entry.session) || leaders.has(entry.processGroup)) return true;
    const named = snapshot.group(entry);
    if (named !== undefined) return named === trace.group;
    const mark = snapshot.mark(entry);
    if (mark !== undefined && marks.has(mark)) return true;
    if (snapshot.writtenFiles(entry).some((file) => outputs.has(file))) return true;
    return isInStepFolder(snapshot, entry, trace);
  };
  return snapshot.withDescendants(snapshot.entries.filter(belongs));
}

/**
 * The living processes of one tree, without those of other trees of its group, running or ended.
 * Where there are no marks, a process that left the session, dropped its outputs and lost its parent is left to the sweep of the group.
 */
export function findTree(snapshot: ProcessSnapshot, tree: TreeIdentity): ProcessEntry[] {
  const leaders = liveLeaders(snapshot, [tree]);
  const belongs = (entry: ProcessEntry): boolean => {
    if (entry.startTicks < tree.startTicks) return false;
    if (leaders.has(entry.session) || leaders.has(entry.processGroup)) return true;
    if (tree.mark !== undefined && snapshot.mark(entry) === tree.mark) {
      return !descendsFromOlderTree(snapshot, entry, tree);
    }
    return snapshot.writtenFiles(entry).some((file) => tree.outputs.has(file));
  };
  return snapshot.withDescendants(snapshot.entries.filter(belongs));
}

/** Every living process that a launcher left when it was killed. */
export function findLauncherLeftovers(
  snapshot: ProcessSnapshot,
  trace: LauncherTrace,
): ProcessEntry[] {
  const leaders = liveLeaders(snapshot, trace.trees);
  const belongs = (entry: ProcessEntry): boolean => {
    if (entry.startTicks < trace.startTicks) return false;
    if (leaders.has(entry.session) || leaders.has(entry.processGroup)) return true;
    const named = snapshot.group(entry);
    if (named !== undefined) return trace.ownsGroup(named);
    const mark = snapshot.mark(entry);
    if (mark !== undefined && trace.marks.has(mark)) return true;
    return snapshot.writtenFiles(entry).some((file) => file.startsWith(`${trace.fifoFolder}/`));
  };
  return snapshot.withDescendants(snapshot.entries.filter(belongs));
}

/** A tree that ended hands its mark to the next one of its group; what it left running keeps its own children. */
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

/** Session and group numbers that still mean our trees: a number whose process is another one came round again. */
function liveLeaders(snapshot: ProcessSnapshot, trees: readonly TreeIdentity[]): Set<number> {
  const leaders = new Set<number>();
  for (const tree of trees) {
    const holder = snapshot.get(tree.pid);
    if (!holder || holder.startTicks === tree.startTicks) leaders.add(tree.pid);
  }
  return leaders;
}

/** Only for a user that runs nothing but steps: an ordinary user's own shell may stand in the same folder. */
function isInStepFolder(
  snapshot: ProcessSnapshot,
  entry: ProcessEntry,
  trace: GroupTrace,
): boolean {
  if (trace.stepUid === undefined || snapshot.owner(entry) !== trace.stepUid) return false;
  const folder = snapshot.folder(entry);
  if (folder === undefined) return false;
  return [...trace.folders].some((root) => folder === root || folder.startsWith(`${root}/`));
}

function remember<T>(cache: Map<number, T>, pid: number, read: (pid: number) => T): T {
  if (cache.has(pid)) return cache.get(pid) as T;
  const value = read(pid);
  cache.set(pid, value);
  return value;
}
