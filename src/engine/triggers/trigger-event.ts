/**
 * What an event says, as far as rules ask for it: the one input of a decision, whoever asks (a
 * dry run, a webhook, a person). What is absent was not said, and is never guessed.
 */
export interface TriggerEvent {
  /** `push`, `pull_request`, `tag`, `schedule`, `webhook`; `manual` and `cli` are people. */
  readonly event: string;
  /** Of a pull request: the branch that it is to be merged into. */
  readonly branch?: string;
  readonly tag?: string;
  readonly repository?: string;
  /**
   * Files that it changed: deleted ones too, renamed ones under both names. `unknown` = nobody can
   * tell.
   */
  readonly changedPaths?: readonly string[] | 'unknown';
  /** Why nobody can tell the files. */
  readonly pathsProblem?: string;
  /** What happened to a pull request: `opened`, `synchronize`… */
  readonly pullRequestType?: string;
  /** `edited`, and its base branch is another one now. */
  readonly baseChanged?: boolean;
  /** A pull request that is a draft. */
  readonly draft?: boolean;
  /** A pull request from another repository. */
  readonly fork?: boolean;
  /**
   * Where a skip mark counts: the subject of the head commit of a push, the title of a pull
   * request.
   */
  readonly skipText?: string;
}
