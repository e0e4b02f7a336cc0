import type { TreeOwners } from './tree-owners.js';
import type { Workspace } from './workspace.js';

export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

export const ROOT = 0;

/** Of this process. */
export function ownUser(): FileOwner {
  return { uid: process.getuid?.() ?? ROOT, gid: process.getgid?.() ?? ROOT };
}

/**
 * Whose the files of one workspace are. Steps in containers are whatever user their image says;
 * shell steps, clones and the removal are the user of the steps. The tree is given to whoever comes
 * next, and only when somebody else has had it.
 */
export class WorkspaceOwnership {
  /** Whose all files are; undefined = there may be files of several. */
  private owner: number | undefined;
  private readonly users = new Map<number, number>();
  private last: Promise<unknown> = Promise.resolve();
  /** How many wait for it to be given. */
  private waiting = 0;
  private readonly own: FileOwner;

  constructor(
    private readonly workspace: Workspace,
    private readonly owners: TreeOwners | undefined,
    /** The user of this process. */
    private readonly server = ownUser(),
  ) {
    this.own = workspace.owner ?? server;
    this.owner = this.own.uid;
  }

  /** The group by which the user of the steps reaches what others make. */
  get group(): number {
    return this.own.gid;
  }

  /** The step is the user of the steps, or acts as that. */
  asSteps<T>(work: () => Promise<T>): Promise<T> {
    return this.during(this.own.uid, work);
  }

  /** This process reads the workspace: root reads what is anybody's. */
  asServer<T>(work: () => Promise<T>): Promise<T> {
    return this.server.uid === ROOT ? work() : this.asSteps(work);
  }

  /** As `asServer`, for another folder that steps in containers write. */
  async readable(folder: string): Promise<void> {
    const { uid, gid } = this.own;
    if (this.server.uid === ROOT || this.owners === undefined) return;
    await this.owners.give({ folder, uid, gid, isShared: true });
  }

  /** The step is a user of its image. */
  asUser<T>(uid: number, work: () => Promise<T>): Promise<T> {
    return this.during(uid, work);
  }

  private async during<T>(uid: number, work: () => Promise<T>): Promise<T> {
    await this.giveTo(uid);
    this.users.set(uid, (this.users.get(uid) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = (this.users.get(uid) ?? 1) - 1;
      if (left === 0) this.users.delete(uid);
      else this.users.set(uid, left);
      // Root makes files of any user, and its own are nobody else's.
      if (uid !== this.own.uid) this.owner = undefined;
    }
  }

  /** Root writes everywhere: where others are at work nothing is done for it. */
  private isGiven(uid: number): boolean {
    return this.owner === uid || (uid === ROOT && this.isUsedByOthers(ROOT));
  }

  private isUsedByOthers(uid: number): boolean {
    return [...this.users.keys()].some((user) => user !== uid && user !== ROOT);
  }

  /** One after another: of two at once the later would see half of what the other did. */
  private giveTo(uid: number): Promise<void> | void {
    // Whose it is says nothing while it is being given to somebody else.
    if (this.waiting === 0 && this.isGiven(uid)) return;
    this.waiting += 1;
    const given = this.last.then(() => this.give(uid)).finally(() => (this.waiting -= 1));
    this.last = given.catch(() => undefined);
    return given;
  }

  private async give(uid: number): Promise<void> {
    if (this.isGiven(uid)) return;
    if (this.owners === undefined) return;
    const { directory: folder } = this.workspace;
    if (uid === ROOT) {
      // Steps of other executions are the same user as those of this one, and keep out so.
      this.owners.close(folder);
      this.owner = uid;
      return;
    }
    const isShared = this.isUsedByOthers(uid);
    const isAlone = this.users.size === 0;
    // What is given in part is nobody's.
    this.owner = undefined;
    await this.owners.give({ folder, uid, gid: this.own.gid, isShared, isAlone });
    this.owner = uid;
  }
}
