/** One bad variable; `message` says what to write instead and never repeats a secret. */
export interface ConfigProblem {
  readonly name: string;
  readonly message: string;
}
