import type { GroupTrace, TreeIdentity } from './tree-search.js';

/** A tree in the ledger. */
export interface LedgerTree extends TreeIdentity {
  /** Number of the process on the link. */
  readonly process: number;
  readonly group: string;
  /** Its first process has not ended. */
  running: boolean;
  mark: number | undefined;
  readonly outputs: Set<string>;
}

export interface NewTree {
  readonly process: number;
  readonly group: string;
  readonly cwd: string;
  readonly asServer?: true | undefined;
  readonly pid: number;
  readonly startTicks: number;
  readonly auditSession: number | undefined;
  readonly mark: number | undefined;
  readonly outputs: readonly string[];
}

interface LedgerGroup {
  readonly trees: Set<LedgerTree>;
  readonly folders: Set<string>;
}

/** What was started, by group: all that a search needs. Pure bookkeeping. */
export class TreeLedger {
  private readonly knownGroups = new Map<string, LedgerGroup>();
  private readonly byProcess = new Map<number, LedgerTree>();
  private readonly outputHolders = new Map<string, LedgerTree>();

  constructor(readonly stepUid: number | undefined) {}

  /** Enters a tree. Its FIFOs and its mark are no longer those of an earlier tree. */
  add(started: NewTree): LedgerTree {
    const { process, group, cwd, mark, outputs } = started;
    const known = this.knownGroups.get(group) ?? { trees: new Set(), folders: new Set() };
    for (const earlier of known.trees) {
      if (mark !== undefined && earlier.mark === mark) earlier.mark = undefined;
    }
    const tree: LedgerTree = {
      process,
      group,
      pid: started.pid,
      asServer: started.asServer,
      startTicks: started.startTicks,
      auditSession: started.auditSession,
      mark,
      outputs: new Set(outputs),
      running: true,
    };
    for (const output of outputs) {
      this.outputHolders.get(output)?.outputs.delete(output);
      this.outputHolders.set(output, tree);
    }
    known.trees.add(tree);
    // Of the server's own user nobody is judged by a folder.
    if (started.asServer !== true) known.folders.add(cwd);
    this.knownGroups.set(group, known);
    this.byProcess.set(process, tree);
    return tree;
  }

  get(process: number): LedgerTree | undefined {
    return this.byProcess.get(process);
  }

  /** A mark of the group that no running tree of it has. */
  idleMark(group: string): number | undefined {
    for (const tree of this.knownGroups.get(group)?.trees ?? []) {
      if (!tree.running && tree.mark !== undefined) return tree.mark;
    }
    return undefined;
  }

  has(group: string): boolean {
    return this.knownGroups.has(group);
  }

  groups(): string[] {
    return [...this.knownGroups.keys()];
  }

  running(): LedgerTree[] {
    return this.trees().filter((tree) => tree.running);
  }

  trees(): LedgerTree[] {
    return [...this.byProcess.values()];
  }

  /** Those of the trees that are known. */
  auditSessions(): number[] {
    return this.trees().flatMap(({ auditSession }) => auditSession ?? []);
  }

  /** Of a group of which nothing is known: a trace with no trees. */
  trace(group: string): GroupTrace {
    const known = this.knownGroups.get(group);
    return {
      group,
      trees: known ? [...known.trees] : [],
      folders: new Set(known?.folders),
      stepUid: this.stepUid,
    };
  }

  /** Forgets the group, of which nothing is left, and returns its marks. */
  remove(group: string): number[] {
    const trees = this.knownGroups.get(group)?.trees ?? [];
    this.knownGroups.delete(group);
    const marks: number[] = [];
    for (const tree of trees) {
      this.byProcess.delete(tree.process);
      for (const output of tree.outputs) this.outputHolders.delete(output);
      if (tree.mark !== undefined) marks.push(tree.mark);
    }
    return marks;
  }
}
