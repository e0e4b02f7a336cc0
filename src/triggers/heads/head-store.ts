/** The commit that a branch had when a delivery of it was decided last. */
export interface SeenHead {
  readonly commit: string;
  /** Null: it was there when its repository was looked at for the first time. */
  readonly deliveryId: string | null;
}

/** A commit that came to a branch, as the delivery says that is decided for it. */
export interface SeenPush {
  readonly repositoryId: string;
  readonly branch: string;
  readonly commit: string;
  /** Null: the branch was new. */
  readonly before: string | null;
  readonly deliveryId: string;
  /** No webhook told of it: the heads at the forge did. */
  readonly isMissed: boolean;
}

/** When the heads of a repository were compared, and when they will be. */
export interface HeadCheck {
  readonly repositoryId: string;
  /** When the first ones were noted: what was pushed before is nobody's loss. */
  readonly begunAt: Date | null;
  readonly askedAt: Date;
  readonly nextAt: Date;
  /** Commits by branch that were other ones than those seen, the last time. */
  readonly differing: ReadonlyMap<string, string>;
}

/**
 * Port: which commit each branch had last, and which pushes were decided. All methods may be called
 * concurrently and from several processes, are idempotent, and reject when the store is away. Two
 * adapters: the database and memory.
 */
export abstract class HeadStore {
  /** By branch. */
  abstract heads(repositoryId: string): Promise<ReadonlyMap<string, SeenHead>>;

  /** Notes commits by branch, of branches that are not known yet. */
  abstract begin(repositoryId: string, heads: ReadonlyMap<string, string>): Promise<void>;

  abstract record(repositoryId: string, branch: string, head: SeenHead): Promise<void>;

  /** The branch was deleted when it had this commit; one that has another by now stays. */
  abstract forget(repositoryId: string, branch: string, commit: string | null): Promise<void>;

  /** Notes a push unless that commit of that branch is there; answers what is there then. */
  abstract claimPush(push: SeenPush): Promise<SeenPush>;

  /** Puts a push in the place of one; false: that one is there no more. */
  abstract replacePush(seen: SeenPush, push: SeenPush): Promise<boolean>;

  abstract findPush(
    push: Pick<SeenPush, 'repositoryId' | 'branch' | 'commit'>,
  ): Promise<SeenPush | undefined>;

  abstract checks(): Promise<HeadCheck[]>;

  /** Stores a check if the one before is as it was seen; of several processes one does it. */
  abstract claimCheck(seen: HeadCheck | undefined, check: HeadCheck): Promise<boolean>;

  /** Forgets all of a repository. */
  abstract removeRepository(repositoryId: string): Promise<void>;

  /** Forgets pushes that were noted before a time. */
  abstract removeBefore(time: Date): Promise<void>;
}
