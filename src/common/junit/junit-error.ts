export type JUnitErrorCode =
  /** Not well-formed, or cut off. */
  | 'malformed'
  /** It has a DOCTYPE. */
  | 'doctype'
  /** Well-formed so far, but no report of tests. */
  | 'not_junit'
  | 'unsupported_encoding'
  | 'too_large'
  | 'too_deep'
  | 'too_many_cases';

/** A report that is not taken. The message is a sentence and holds nothing of the report. */
export class JUnitError extends Error {
  constructor(
    readonly code: JUnitErrorCode,
    message: string,
    /** Where reading ended, both from 1; columns are UTF-16 units. */
    readonly place: { readonly line: number; readonly column: number },
  ) {
    super(message);
    this.name = 'JUnitError';
  }
}
