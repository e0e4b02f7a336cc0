/**
 * The folders of one execution attempt. All of them are below `root`, which is removed as a whole.
 */
export interface Workspace {
  readonly root: string;
  /** Where the repository is cloned to and steps start; `$CI_WORKSPACE`. */
  readonly directory: string;
  /** `$HOME` of the steps. */
  readonly home: string;
  /** `$TMPDIR` of the steps. */
  readonly temporary: string;
  /** Holds one `$CI_OUTPUT` file per try of a step. */
  readonly outputs: string;
}

/** Owner of the folders when steps run as a user of their own. */
export interface WorkspaceOwner {
  readonly uid: number;
  readonly gid: number;
}
