import type { ClonedCommit } from './git-client.js';
import type { Head } from './git-directory.js';

/** What the remote says, to the credentials of this clone, about what is asked for. */
export interface RemoteAnswer {
  /**
   * SHA of the branch, tag (the tag object of an annotated one), HEAD or commit. Absent: a commit
   * that no ref names.
   */
  readonly sha?: string;
  /** Of the clone, or the remote's default. */
  readonly branch?: string;
  /** SHAs that the remote named just now. */
  readonly advertised: ReadonlySet<string>;
  /** Digest of all branches and tags; where a commit is asked for. */
  readonly refsDigest?: string;
}

/** What lies in the git directory already, taken from a mirror. */
export interface Seeds {
  /** All that was ever asked for to make it: all the objects are what these reach. */
  readonly tips: readonly string[];
  /**
   * Every tip that is not advertised is asked for again, so that the remote says whether it still
   * gives it.
   */
  readonly prove: boolean;
}

export type Fetched =
  | { readonly kind: 'fetched'; readonly head: Head; readonly sha: string; readonly all: boolean }
  /** The remote does not give one of the tips that were to be proven, or a commit by its SHA. */
  | { readonly kind: 'refused' };

/**
 * What an adapter can do, in the order in which a clone needs it. `directory` is where `.git` is:
 * the workspace, or a private folder from which it moves there when all objects have come.
 */
export interface CloneDriver {
  /** @throws GitError when the remote says no */
  ask(): Promise<RemoteAnswer>;
  /** Fetches into a `.git` that was just made, with nothing but seeds in it. */
  fetch(directory: string, answer: RemoteAnswer, seeds?: Seeds): Promise<Fetched>;
  /**
   * Fetches all branches and tags, and finds the commit among them. @throws GitError
   * `ref_not_found`
   */
  fetchAll(directory: string, answer: RemoteAnswer): Promise<Fetched>;
  /**
   * Writes the refs that a fetch would have written, for objects that are there. undefined: what is
   * asked for is not there.
   */
  adopt(directory: string, answer: RemoteAnswer, all: boolean): Promise<Head | undefined>;
  /**
   * Brings the tags of all that is there: their refs, and the objects of annotated ones. Asked
   * where all of the history was asked for, when the mirror has been made: no mirror holds tags, so
   * what the remote removed is not seen again.
   */
  fetchTags(directory: string, head: Head): Promise<void>;
  /**
   * Is each of these in the history of the commit? Only asked where all of its history is there.
   */
  isAncestor(directory: string, commit: string, tips: readonly string[]): Promise<boolean>;
  /**
   * Writes the files of HEAD of the `.git` in `directory` to `workTree`, and the index beside HEAD.
   */
  checkout(directory: string, workTree: string): Promise<ClonedCommit>;
}
