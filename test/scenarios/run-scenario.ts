import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `run/<name>.expected.json`; run/README.md explains each key. */
export interface Expectation {
  readonly about: string;
  readonly trigger?: ScenarioTrigger;
  /** Cancel as soon as this line is in the log. */
  readonly cancel_at?: string;
  /**
   * The first attempt ends as that of a worker that stops, when this line is in the log; a second
   * one follows.
   */
  readonly interrupt_at?: string;
  /** Why the scenario cannot be tried through the API. */
  readonly in_process_only?: string;
  /** The trigger is refused, with these codes; nothing else is looked at. */
  readonly refused?: readonly string[];
  readonly status?: string;
  readonly reason?: string;
  readonly duration?: { readonly min?: number; readonly max?: number };
  readonly checkout?: ExpectedStep;
  readonly stages?: Readonly<Record<string, ExpectedStage>>;
  readonly on_failure?: Readonly<Record<string, ExpectedStep>>;
  readonly always?: Readonly<Record<string, ExpectedStep>>;
  readonly failure?: ExpectedFailure;
  readonly commit?: Readonly<Record<string, string>>;
  /** By `stage/step` (`on_failure/…`, `always/…`, `/checkout`). */
  readonly log?: Readonly<Record<string, ExpectedLog>>;
  readonly log_order?: readonly string[];
  readonly absent?: readonly string[];
}

export interface ScenarioTrigger {
  readonly branch?: string;
  readonly tag?: string;
  readonly commit_hash?: string;
  readonly repository?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly inputs?: Readonly<Record<string, unknown>>;
  /**
   * These come with events that a trigger by hand has not; such a scenario runs in process only.
   */
  readonly event?: string;
  readonly message?: string;
  readonly author?: string;
}

/** A status, or what is said of the step; keys that are not given are not looked at. */
export type ExpectedStep =
  | string
  | {
      readonly status?: string;
      readonly reason?: string;
      readonly message?: string;
      readonly exit_code?: number | null;
      readonly signal?: string | null;
      readonly flaky?: boolean;
      readonly continued_on_error?: boolean;
      readonly outputs?: Readonly<Record<string, string>>;
      /** Statuses. */
      readonly attempts?: readonly string[];
      readonly attempt_reasons?: readonly (string | null)[];
      readonly attempt_exit_codes?: readonly (number | null)[];
      readonly when?: ExpectedWhen;
    };

export interface ExpectedStage {
  readonly status?: string;
  readonly reason?: string;
  readonly when?: ExpectedWhen;
  /** Every step of the stage. */
  readonly steps: Readonly<Record<string, ExpectedStep>>;
}

/** `null`: it has none that was evaluated. */
export type ExpectedWhen = {
  readonly result?: boolean;
  /** Some of its parts. */
  readonly parts?: Readonly<Record<string, unknown>>;
} | null;

export interface ExpectedFailure {
  readonly stage?: string;
  readonly step?: string;
  readonly exit_code?: number | null;
  readonly reason?: string;
  readonly last_lines?: readonly string[];
}

/** All lines that the step printed, or what is said of them. */
export type ExpectedLog =
  | readonly string[]
  | {
      readonly stdout?: readonly string[];
      readonly stderr?: readonly string[];
      /** Each is a part of a line. */
      readonly contains?: readonly string[];
      readonly lacks?: readonly string[];
      /** Parts of lines of Millrace's own. */
      readonly system?: readonly string[];
      readonly lines?: number;
      /** UTF-8 bytes of all text that was printed, without line ends. */
      readonly bytes?: number;
    };

export interface Scenario {
  readonly name: string;
  readonly yaml: string;
  readonly expected: Expectation;
}

/** What `${NAME}` stands for in a scenario: `REPO_URL`, `SHA`… Other `${…}` are left alone. */
export type Placeholders = Readonly<Record<string, string>>;

const FOLDER = join(__dirname, 'run');

export function scenarioNames(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length));
}

export function expectationNames(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.expected.json'))
    .map((file) => file.slice(0, -'.expected.json'.length));
}

export function readScenario(name: string, placeholders: Placeholders): Scenario {
  const yaml = fill(readFileSync(join(FOLDER, `${name}.yaml`), 'utf8'), placeholders);
  const text = readFileSync(join(FOLDER, `${name}.expected.json`), 'utf8');
  const expected = filled(JSON.parse(text), placeholders) as Expectation;
  return { name, yaml, expected };
}

/** A JSON value with the placeholders in all of its texts and keys filled in. */
export function filled(value: unknown, placeholders: Placeholders): unknown {
  if (typeof value === 'string') return fill(value, placeholders);
  if (Array.isArray(value)) return value.map((item) => filled(item, placeholders));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([key, item]) => [fill(key, placeholders), filled(item, placeholders)]),
  );
}

function fill(text: string, placeholders: Placeholders): string {
  return text.replace(/\$\{([A-Z0-9_]+)\}/g, (all, name: string) => placeholders[name] ?? all);
}

/** True if an API's manual trigger can bring all that the scenario needs. */
export function runsOverApi({ in_process_only: why, trigger = {} }: Expectation): boolean {
  const { event, message, author } = trigger;
  return why === undefined && [event, message, author].every((value) => value === undefined);
}

/**
 * Runs works at most `limit` at a time, in the order of the names; each promise is that of its
 * name.
 */
export function pooled<T>(
  names: readonly string[],
  limit: number,
  work: (name: string) => Promise<T>,
): Map<string, Promise<T>> {
  const results = new Map<string, Promise<T>>();
  const lanes = Array.from({ length: limit }, () => Promise.resolve());
  const starts = new Map<string, () => void>();
  for (const name of names) {
    const started = new Promise<void>((resolve) => starts.set(name, resolve));
    const result = started.then(() => work(name));
    result.catch(() => undefined); // Whoever awaits it is told; until then it is no unhandled rejection.
    results.set(name, result);
  }
  const queue = [...names];
  for (const lane of lanes) {
    void lane.then(async () => {
      for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
        starts.get(name)?.();
        await results.get(name)?.catch(() => undefined);
      }
    });
  }
  return results;
}
