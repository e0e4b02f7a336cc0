/** What a command was asked on the command line that its variables would say otherwise. */
export interface ServerFlags {
  readonly port?: string;
  readonly host?: string;
  readonly home?: string;
  readonly workers?: string;
  readonly concurrency?: string;
  readonly labels?: string;
}

/** Flags of `run`. */
export interface RunFlags {
  /** Folder that the run begins with; false: what the pipeline clones. */
  readonly dir?: string | false;
  /** Only these stages and steps; `needs` false: without what they need. */
  readonly stage?: readonly string[];
  readonly step?: readonly string[];
  readonly needs?: boolean;
  readonly event?: string;
  readonly tag?: string;
  /** File of variables of the trigger. */
  readonly envFile?: string;
  readonly inheritPath?: boolean;
  readonly shellOnFailure?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: Readonly<Record<string, string>>;
  readonly branch?: string;
  readonly secretsFile?: string;
  readonly keep?: boolean;
  /** False: no container engine is to be used. */
  readonly containers?: boolean;
  /** Folder that artifacts are saved to. */
  readonly artifacts?: string;
  readonly approve?: boolean;
}
