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
