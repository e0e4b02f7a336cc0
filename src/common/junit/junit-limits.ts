export interface JUnitLimits {
  /** Of the file. */
  readonly maxBytes: number;
  /** Cases, each time that one was run counted. */
  readonly maxCases: number;
  /** Of one text or message, in UTF-16 units; a longer one is cut and ends with a mark. */
  readonly maxText: number;
  /** Of all texts together; those behind that are left out, with a mark. */
  readonly maxTexts: number;
}

export const JUNIT_LIMITS: JUnitLimits = {
  maxBytes: 50 * 2 ** 20,
  maxCases: 100_000,
  maxText: 2 ** 15,
  maxTexts: 2 ** 23,
};
