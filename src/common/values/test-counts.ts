/** How the cases of a report ended. */
export interface TestCounts {
  readonly total: number;
  readonly passed: number;
  readonly failed: number;
  /** That could not be tried. */
  readonly error: number;
  readonly skipped: number;
  /** Of all these: how many have both failed and passed. */
  readonly flaky: number;
}
