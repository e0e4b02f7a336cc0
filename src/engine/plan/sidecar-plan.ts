/**
 * A container beside the steps of a stage or of the whole run: started before the first of them,
 * stopped after the last.
 */
export interface SidecarPlan {
  /** A host name; unique among the sidecars that run at the same time. */
  readonly name: string;
  /** Those that must be ready first; they stand before it in the list. */
  readonly needs: readonly string[];
  /** Template. */
  readonly image: string;
  /** In the place of the image's own; absent = that one; here and below. */
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  /** All of its variables beside those of the image and its secrets; values are templates. */
  readonly environment: Readonly<Record<string, string>>;
  /** Names of secrets that it gets as variables; absent = none. */
  readonly secrets?: readonly string[];
  /** Where it listens; the first is the one that variables and probes name. Empty = unknown. */
  readonly ports: readonly number[];
  /** Absent = the image's own health check; where it has none, it runs for a second. */
  readonly ready?: ReadyPlan;
  /** Template. */
  readonly user?: string;
  readonly platform?: string;
  /** Absent = `missing`. */
  readonly pull?: 'missing' | 'always' | 'never';
  readonly cpus?: number;
  /** Bytes; here and below. */
  readonly memory?: number;
  readonly pids?: number;
  readonly shmSize?: number;
}

export interface ReadyPlan {
  readonly probe: ReadyProbe;
  /** Between two probes, milliseconds; here and below. */
  readonly intervalMs: number;
  /** From the start of its container until it is ready. */
  readonly timeoutMs: number;
}

export type ReadyProbe =
  /** Runs in the sidecar; passes with exit code 0. */
  | { readonly kind: 'exec'; readonly command: readonly string[] }
  | { readonly kind: 'tcp'; readonly port: number }
  /** A GET; passes with a status of 200 to 399. */
  | { readonly kind: 'http'; readonly path: string; readonly port: number };

export const DEFAULT_READY = { intervalMs: 1_000, timeoutMs: 60_000 } as const;

/** How the log, answers and failures name it: like a step. */
export function sidecarStepName(name: string): string {
  return `sidecar:${name}`;
}

/** `DB_1` of `db-1`: of the names of its variables. */
export function sidecarVariable(name: string, what: 'HOST' | 'PORT'): string {
  return `CI_SIDECAR_${name.toUpperCase().replaceAll('-', '_')}_${what}`;
}
