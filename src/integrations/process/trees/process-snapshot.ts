import { type ProcessEntry } from '../../../common/child-process/process-stat.js';
import {
  readAuditSession,
  readEnvironmentVariable,
  readOomScoreAdjustment,
  readOwners,
  readWorkingDirectory,
  readWrittenFiles,
} from './process-table.js';

/**
 * Variable that every process of a step starts with: its group. Where the step belongs to a
 * Millrace that itself runs in a step, the groups of the outer ones stand before it, separated by
 * slashes: what it starts is theirs too.
 */
export const GROUP_VARIABLE = 'MILLRACE_GROUP';
const GROUP_SEPARATOR = '/';

/** Value of the variable for a step of `group`; `outer` is the launcher's own, if it has one. */
export function groupPath(outer: string | undefined, group: string): string {
  return outer === undefined ? group : `${outer}${GROUP_SEPARATOR}${group}`;
}

/**
 * What is read of a single process, and only when a rule asks for it. The audit session and the
 * owners are the kernel's word; all else a process can change about itself.
 */
export interface ProcessDetails {
  readonly auditSession: (pid: number) => number | undefined;
  /** Real, effective and saved user. */
  readonly owners: (pid: number) => readonly number[];
  readonly mark: (pid: number) => number | undefined;
  readonly group: (pid: number) => string | undefined;
  /**
   * Only what is open for writing: a worker holds the reading ends, and so does, until its exec,
   * every process that it has just forked.
   */
  readonly writtenFiles: (pid: number) => readonly string[];
  readonly folder: (pid: number) => string | undefined;
}

const procDetails: ProcessDetails = {
  auditSession: readAuditSession,
  owners: readOwners,
  mark: readOomScoreAdjustment,
  group: (pid) => readEnvironmentVariable(pid, GROUP_VARIABLE),
  writtenFiles: readWrittenFiles,
  folder: readWorkingDirectory,
};

/** One reading of the process table, with the answers of `ProcessDetails` kept. */
export class ProcessSnapshot {
  private readonly auditSessions = new Map<number, number | undefined>();
  private readonly owners = new Map<number, readonly number[]>();
  private readonly marks = new Map<number, number | undefined>();
  private readonly groupOfPid = new Map<number, string | undefined>();
  private readonly files = new Map<number, readonly string[]>();

  readonly entries: ProcessEntry[];

  constructor(
    entries: readonly ProcessEntry[],
    private readonly details: ProcessDetails,
    private readonly byPid = new Map<number, ProcessEntry>(),
  ) {
    this.entries = [...entries];
    for (const entry of entries) this.byPid.set(entry.pid, entry);
  }

  /** Details cost 10 µs for each process, 30 more for those of our user. */
  static empty(): ProcessSnapshot {
    return new ProcessSnapshot([], procDetails);
  }

  /** For what was born since: it has only these, and their ancestors are known all the same. */
  follower(): ProcessSnapshot {
    return new ProcessSnapshot([], this.details, this.byPid);
  }

  /**
   * Reads at once what the kernel says of the process: one that forks and ends all the time is gone
   * when a rule asks, and what shares its group is ended by what was read.
   */
  add(entry: ProcessEntry): void {
    this.entries.push(entry);
    this.byPid.set(entry.pid, entry);
    if (this.auditSession(entry) === undefined) this.mark(entry);
  }

  get(pid: number): ProcessEntry | undefined {
    return this.byPid.get(pid);
  }

  auditSession({ pid }: ProcessEntry): number | undefined {
    return remember(this.auditSessions, pid, this.details.auditSession);
  }

  /** True when the user is its real, effective or saved one. */
  isOwnedBy({ pid }: ProcessEntry, uid: number): boolean {
    return remember(this.owners, pid, this.details.owners).includes(uid);
  }

  mark({ pid }: ProcessEntry): number | undefined {
    return remember(this.marks, pid, this.details.mark);
  }

  /** What its variable names, the innermost last; none without the variable. */
  groups({ pid }: ProcessEntry): readonly string[] {
    return remember(this.groupOfPid, pid, this.details.group)?.split(GROUP_SEPARATOR) ?? [];
  }

  writtenFiles({ pid }: ProcessEntry): readonly string[] {
    return remember(this.files, pid, this.details.writtenFiles);
  }

  folder({ pid }: ProcessEntry): string | undefined {
    return this.details.folder(pid);
  }

  /** The entry's ancestors, nearest first, as far as they are in this snapshot. */
  ancestors(entry: ProcessEntry): ProcessEntry[] {
    const chain: ProcessEntry[] = [];
    for (
      let parent = this.get(entry.parentPid);
      parent && chain.length < this.byPid.size;
      parent = this.get(parent.parentPid)
    ) {
      chain.push(parent);
    }
    return chain;
  }

  /** The seeds and everything that descends from them. */
  withDescendants(seeds: readonly ProcessEntry[]): ProcessEntry[] {
    if (seeds.length === 0) return [];
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

function remember<T>(cache: Map<number, T>, pid: number, read: (pid: number) => T): T {
  if (cache.has(pid)) return cache.get(pid) as T;
  const value = read(pid);
  cache.set(pid, value);
  return value;
}
