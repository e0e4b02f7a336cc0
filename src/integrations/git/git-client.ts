/** What to clone. */
export interface CloneRequest {
  /**
   * `https://`, `http://` (and `ssh://` by the git program only). May hold credentials
   * (`https://user:token@host/…`), which appear nowhere else.
   */
  readonly url: string;
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
   * Commits of history; 0 = all. Default 1. A `commit` outside the depth is fetched all the same.
   */
  readonly depth?: number;
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
 * Port: clones repositories. Adapters: isomorphic-git in a child process with limits (default), the
 * `git` program where it is installed. Both pass `git-client.contract.medium.spec.ts`.
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
  /** Ends what waits for the next clone; clones under way continue. Idempotent. */
  abstract close(): Promise<void>;
}
