/** `reports` of a step: which files it leaves that say how its tests ended. */
export interface ReportsPlan {
  /** Globs of JUnit XML, at least one. */
  readonly junit: readonly string[];
}
