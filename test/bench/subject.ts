/** What a row asks for: `runs` runs of the same commands, all started at once. */
export interface Workload {
  /** Shell text of each step. */
  readonly commands: readonly string[];
  /** Steps of one run that may run at the same time; 1 = one after another. */
  readonly parallel: number;
  readonly runs: number;
  /** The same work by `sh` alone, in an empty folder. */
  readonly bare: string;
  /** Secrets that must not show in a log; only Millrace masks. */
  readonly secrets?: readonly string[];
  /** All steps run in containers of this image, without a network. */
  readonly image?: string;
}

/**
 * Does the work once. Resolves with milliseconds from the request to the sight of its end; throws
 * when any of it is missing.
 */
export type Repetition = () => Promise<number>;

export type SubjectName = 'sh' | 'floor' | 'millrace';

/** One who can do the work. */
export interface Subject {
  readonly name: SubjectName;
  /** Does everything that is not to be timed, such as creating a pipeline. */
  prepare(work: Workload): Promise<Repetition>;
}
