import type { ClonedCommit } from './git-client.js';

/** What the remote says, to the credentials of this clone. */
export interface RemoteRefs {
  /**
   * SHAs by the full names of branches and tags; what an annotated tag leads to stands under
   * `<name>^{}`. All of them where all of the history, a commit or tags are asked for, else at
   * least the one that is asked for.
   */
  readonly refs: ReadonlyMap<string, string>;
  /** Absent: HEAD leads to nothing that is there. */
  readonly head?: { readonly sha: string; readonly branch?: string };
}

export interface FetchRequest {
  readonly wants: readonly string[];
  /** Commits of history; 0 = all. */
  readonly depth: number;
  /**
   * What was taken from a mirror: everything that these reach is there, down to the shallow
   * commits.
   */
  readonly seeds: readonly string[];
  /** Has the remote say that it gives the wants, also where they are here. */
  readonly prove: boolean;
}

export interface CheckedOut {
  readonly submodules: readonly Gitlink[];
}

/** A place in a tree where another repository belongs. */
export interface Gitlink {
  /** From the top of the tree, with `/`. */
  readonly path: string;
  readonly sha: string;
}

/**
 * What an adapter can do, in the order in which a clone needs it. `directory` is where `.git` is:
 * the workspace, or a private folder from which it moves there when all objects have come.
 */
export interface CloneDriver {
  /**
   * Whether a fetch with seeds can be trusted where a part of the history is asked for: that the
   * remote says whether it gives what is here already, and that `dropUnreachable` removes what was
   * not asked for.
   */
  readonly incremental: boolean;
  /** Whether it can fetch a commit by its SHA without having listed the refs of the remote. */
  readonly fetchesUnlisted: boolean;
  /** @throws GitError when the remote says no */
  listRefs(): Promise<RemoteRefs>;
  /**
   * Fetches objects, and writes no refs that stay. False: the remote does not give one of the
   * wants.
   */
  fetch(directory: string, request: FetchRequest): Promise<boolean>;
  /**
   * Sees to it that nothing is in the packs but what the tips reach, where `seeds` reached more.
   * False: it cannot, and what is there is to be thrown away.
   */
  dropUnreachable(
    directory: string,
    tips: readonly string[],
    seeds: readonly string[],
  ): Promise<boolean>;
  /**
   * The commit itself, or the one that a tag leads to. Absent where it is not there or something
   * else.
   */
  readCommit(directory: string, sha: string): Promise<ClonedCommit | undefined>;
  /**
   * The one commit that is there and whose SHA begins with these digits. @throws GitError
   * `ref_not_found` where there are several
   */
  findCommit(directory: string, digits: string): Promise<string | undefined>;
  /**
   * Writes the files of HEAD of the `.git` in `directory` to `workTree`, and the index beside HEAD.
   */
  checkout(directory: string, workTree: string): Promise<CheckedOut>;
  /**
   * Fetches files of Git LFS into a checkout that is in its place, or says in the log which are
   * missing.
   */
  fillPointers(directory: string): Promise<void>;
  /**
   * What an error of the methods above means: a `GitError` where that is known, else the error
   * itself.
   */
  failure(error: unknown): unknown;
}
