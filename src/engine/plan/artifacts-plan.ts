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
