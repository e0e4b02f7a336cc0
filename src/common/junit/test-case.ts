/** `failed`: what was to be shown is not so; `error`: it could not be tried. */
export type TestOutcome = 'passed' | 'failed' | 'error' | 'skipped';

/** One time that a case was run. */
export interface TestTry {
  readonly outcome: TestOutcome;
  readonly message?: string;
  /** Class of the exception, or whatever the tool calls it. */
  readonly type?: string;
  /** Mostly the stack. */
  readonly text?: string;
}

export interface TestIdentity {
  /** The innermost suite that has a name; `''`: none has. */
  readonly suite: string;
  readonly className: string;
  readonly name: string;
  /** As the tool wrote it, of the case or of its suite. */
  readonly file?: string;
}

export interface TestCase extends TestIdentity {
  readonly seconds?: number;
  /** In their order, at least one: the last one is how it ended. */
  readonly tries: readonly TestTry[];
}

/** The same text for the same case, in every report of it. */
export function identityKey({ suite, className, name, file }: TestIdentity): string {
  return JSON.stringify([suite, className, name, file ?? '']);
}
