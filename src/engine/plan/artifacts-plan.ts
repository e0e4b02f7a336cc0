/** When the artifacts of a step are kept: by how its last attempt ended. */
export const ARTIFACTS_WHEN = ['success', 'failure', 'always'] as const;

export type ArtifactsWhen = (typeof ARTIFACTS_WHEN)[number];

/** What a step leaves behind for people and for other runs: its key `artifacts`. */
export interface ArtifactsPlan {
  /**
   * Patterns of files and folders in the workspace; a folder is all that is in it. They may hold
   * `${{ }}`: then `artifactPathProblem` is asked again with what comes of it.
   */
  readonly paths: readonly string[];
  /** Absent: the name of the step. */
  readonly name?: string;
  readonly when: ArtifactsWhen;
  /** Milliseconds from the end of the step; absent: they go with their execution. */
  readonly expireInMs?: number;
}

/** Which artifacts are brought into the workspace before a step: its key `artifacts_from`. */
export interface ArtifactsSource {
  /** Of this stage of the same execution, or of the other pipeline's. */
  readonly stage?: string;
  readonly step?: string;
  /** The name of the artifacts; absent: all. */
  readonly name?: string;
  /** Another pipeline: of its last success on the branch. */
  readonly pipeline?: string;
  readonly branch?: string;
}
