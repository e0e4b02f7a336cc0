/** What a part says of itself. `message` is for everybody: no host, path or driver text in it. */
export interface ProbeResult {
  readonly status: 'up' | 'degraded' | 'down';
  readonly message: string;
  /** Numbers worth watching, snake_case. */
  readonly data?: Readonly<Record<string, string | number | boolean | null>>;
}

/**
 * A part whose health is shown. `check` is called at most once at a time and has about a second;
 * what takes longer counts as down, what rejects as down with the probe's `downMessage`. It must
 * not change anything.
 */
export abstract class HealthProbe {
  /** Key in `checks`. */
  abstract readonly name: string;
  /** True when the API cannot serve while this part is down: the answer is then 503. */
  abstract readonly critical: boolean;
  /** Shown when `check` rejects. */
  abstract readonly downMessage: string;
  abstract check(): Promise<ProbeResult>;
}
