/** What to clone. */
export interface CloneRequest {
  /**
   * `https://`, `http://` (and `ssh://` by the git program only). May hold credentials
   * (`https://user:token@host/…`), which appear nowhere else.
   */
  readonly url: string;
  /** With an `ssh://` URL; absent: keys and known hosts of the user that Millrace runs as. */
  readonly ssh?: SshIdentity;
  /** Absolute; empty or absent; made when absent. After a failure it is left as it was found. */
  readonly directory: string;
  /**
   * At most one of branch and tag; `commit` may come with either. None of the three: the remote's
   * HEAD.
   */
  readonly branch?: string;
  readonly tag?: string;
  /** Full SHA, or a prefix of at least 7 digits. */
  readonly commit?: string;
  /**
   * Commits of history; 0 = all, with all branches and tags, as `git clone` has them. Default 1. A
   * `commit` outside the depth is fetched all the same.
   */
  readonly depth?: number;
  /** Bring the tags. Default: where all of the history is asked for. */
  readonly tags?: boolean;
  /** Clone the submodules too; `recursive`: also theirs. Default false: their folders are empty. */
  readonly submodules?: boolean | 'recursive';
  /** Fetch files of Git LFS, by the git program with git-lfs. Default true. */
  readonly lfs?: boolean;
  /**
   * Names at the top of the tree: only these files and folders are written, without submodules and
   * files of Git LFS; a name that is not there is no error. Default: everything.
   */
  readonly only?: readonly string[];
  /**
   * True: a stranger has written what is cloned. Credentials, keys too, go to the repository of the
   * URL alone, and to nothing that its files name: no submodule, no server of Git LFS. Default:
   * submodules of the same origin get them.
   */
  readonly ownCredentialsOnly?: boolean;
}

/** Who clones by SSH. */
export interface SshIdentity {
  /** Private key in the form of OpenSSH. */
  readonly key: string;
  /** Lines of `known_hosts`; absent: those of the user that Millrace runs as. */
  readonly knownHosts?: string;
}

export interface ClonedCommit {
  /** 40 hex digits. */
  readonly sha: string;
  /** The whole commit message, without line breaks at its end. */
  readonly message: string;
  /** `Name <email>` */
  readonly author: string;
}

export interface Cloned extends ClonedCommit {
  /**
   * The branch that HEAD follows: the one that was named, else the remote's default. Absent with a
   * tag or a commit.
   */
  readonly branch?: string;
}

/** Which two commits to compare. */
export interface ChangesRequest {
  /** As that of a clone. */
  readonly url: string;
  /** Absolute; empty or absent. What is made there is left to be removed. */
  readonly directory: string;
  /** Whole SHAs. */
  readonly base: string;
  readonly head: string;
  /** From where both have parted, not from `base` itself. */
  readonly fromMergeBase: boolean;
}

export type GitErrorCode =
  | 'invalid_request' // bad URL, scheme that is not allowed, ref that begins with `-`
  | 'authentication_failed'
  | 'repository_not_found'
  | 'ref_not_found'
  | 'unreachable' // DNS, connection refused, TLS
  | 'address_refused' // a private address that ALLOW_PRIVATE_URLS does not allow, of the URL or of a redirect
  | 'timeout'
  | 'too_large' // the memory or disk limit was reached
  | 'aborted'
  | 'failed';

/**
 * The only error that a clone rejects with. Its message never holds credentials; `retryable` is
 * true for what may pass by itself.
 */
export class GitError extends Error {
  constructor(
    readonly code: GitErrorCode,
    message: string,
    readonly retryable: boolean,
  ) {
    super(message);
    this.name = 'GitError';
  }
}

/**
 * Port: clones repositories. Adapters: the `git` program where it is installed, else isomorphic-git
 * in a child process with limits. Both pass `git-client.contract.medium.spec.ts`.
 *
 * `clone` may run concurrently for different directories. It is not idempotent. On abort it ends
 * its child process, leaves the directory as it was found, and rejects with `aborted`. `progress`
 * gets lines for the log, without credentials.
 */
export abstract class GitClient {
  abstract readonly name: 'isomorphic-git' | 'git';
  abstract clone(
    request: CloneRequest,
    options: { readonly signal: AbortSignal; readonly progress: (line: string) => void },
  ): Promise<Cloned>;
  /**
   * Paths of the files in which two commits differ: deleted ones too, renamed ones under both
   * names. Rejects with a `GitError` as `clone` does, also where nobody can tell (isomorphic-git
   * cannot).
   */
  abstract changedPaths(
    request: ChangesRequest,
    options: { readonly signal: AbortSignal },
  ): Promise<readonly string[]>;
  /** Commits of all branches of a repository by their names; a `GitError` as of `clone`. */
  abstract heads(
    request: Pick<CloneRequest, 'url' | 'directory'>,
    options: { readonly signal: AbortSignal },
  ): Promise<ReadonlyMap<string, string>>;
  /** Ends what waits for the next clone; clones under way continue. Idempotent. */
  abstract close(): Promise<void>;
}
