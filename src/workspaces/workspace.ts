/**
 * The folders of one execution attempt. `root` is the server's: a step can walk through it, but
 * neither list it nor change what is in it. `directory`, `home` and `temporary` are the step
 * user's, and nothing with more rights than that user's acts inside them
 * (docs/adr/0017-the-steps-own-folders.md).
 */
export interface Workspace {
  /** Also holds the scripts and `$CI_OUTPUT` files that the server makes. */
  readonly root: string;
  /** Where the repository is cloned to and steps start; `$CI_WORKSPACE`. */
  readonly directory: string;
  /** `$HOME` of the steps. */
  readonly home: string;
  /** `$TMPDIR` of the steps. */
  readonly temporary: string;
  /** Whom the last three belong to; undefined when steps run as the user of the server. */
  readonly owner: WorkspaceOwner | undefined;
}

/** Owner of the folders when steps run as a user of their own. */
export interface WorkspaceOwner {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}
