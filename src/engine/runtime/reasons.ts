import { cutText } from '../../common/values/cut-text.js';
import { nameRecord } from '../../common/values/name-record.js';
import type { Reason } from '../plan/run-state.js';

/**
 * Every reason code that the runtime itself gives, with its meaning. Codes are stable: they are
 * stored, and clients compare them. docs/reasons.md explains each one; a test holds the two
 * together.
 */
export const REASONS = {
  // Why it runs, or ran.
  started: 'Its needs were met, or its `when` was true.',

  kept: 'It passed in the execution attempt `data.attempt`, and this one began behind it.',

  // Why it does not run yet.
  needs: 'Waits for the stages or steps named in `data.needs`.',
  stage: 'Waits for its stage to begin.',
  checkout: 'Waits for the clone of the repository.',
  sidecars: 'Waits for the sidecars in `data.sidecars` to be ready.',
  stages: 'A hook: waits for the end of the stages.',
  slot: 'Can start as soon as a slot is free.',
  suspended: 'It waits for something outside the run: `data.step`.',
  retry_backoff: 'Failed; its next attempt starts at `data.until`.',

  // Why it did not run.
  when_false: 'Its own `when`, or that of its stage, was false.',
  need_failed: 'Something that it needs failed: `data.failed`.',
  stage_failed: 'Its stage failed before it could start.',
  checkout_failed: 'The clone of the repository failed.',
  not_failed: 'An `on_failure` hook of a run that neither failed nor timed out.',
  hooks_deadline: 'The time for hooks had passed.',
  steps_skipped: 'A stage of which every step was skipped.',

  // How it ended.
  artifact_path_invalid: 'What an expression made of a path of its artifacts leads elsewhere.',
  exit_code: 'Its command ended with the exit code in `data.exit_code`.',
  signal: 'Its command was ended by the signal in `data.signal`.',
  timeout: 'A time limit passed: `data.scope` is step, stage, execution or hooks.',
  infrastructure: 'The platform could not run it.',
  internal_error: 'A defect of Millrace.',
  interrupted: 'Ended from outside without a reason of its own.',
  cannot_suspend: 'A hook or the clone wanted to wait for something outside the run.',
  run_failed: 'It waited for something outside, and the run failed meanwhile.',
  output_invalid: 'It set outputs that it may not set, or too much of them.',
  expression_failed: 'An expression in it could not be evaluated.',
  service_unavailable: 'A service whose address it reads has none that passes, or is not known.',
  environment_invalid: 'A variable of it cannot be passed to a process.',
  environment_too_large: 'Its variables are larger than any process can be given.',
  step_failed: 'A stage or execution: a step of it failed.',
  stage_timeout: 'An execution: a stage of it passed its own time limit.',
} as const satisfies Readonly<Record<string, string>>;

export type ReasonCode = keyof typeof REASONS;

/** Characters of a message that are kept. */
const MAX_MESSAGE = 1_000;
/** Characters of a text in the data of a reason that are kept. */
const MAX_DATA_TEXT = 300;

/**
 * A reason with a code of the table. `message` must be masked already where it holds foreign text.
 * Long texts are cut.
 */
export function reason(code: ReasonCode, message: string, data?: Reason['data']): Reason {
  return shortReason(data === undefined ? { code, message } : { code, message, data });
}

/** Characters of all reasons of one run together, as JSON. */
const BUDGET = 2 * 1024 * 1024;
/** Characters of a message behind that. */
const SHORT_MESSAGE = 100;

/** Keeps the reasons of a run, of a thousand steps with ten retries each too, in one record. */
export class ReasonBudget {
  private used = 0;

  take(given: Reason): Reason {
    this.used += JSON.stringify(given).length;
    if (this.used <= BUDGET) return given;
    return { code: given.code, message: cutText(given.message, SHORT_MESSAGE) };
  }
}

/** The reason with its texts cut: a step that fails must not fill the record of its execution. */
function shortReason({ code, message, data }: Reason): Reason {
  const short = { code, message: cutText(message, MAX_MESSAGE) };
  if (data === undefined) return short;
  return {
    ...short,
    data: mapTexts(data, (text) => cutText(text, MAX_DATA_TEXT)) as Reason['data'],
  };
}

/** `"a"`, `"a" and "b"`, `"a", "b" and 3 more`: names for a message, at most `limit` of them. */
export function nameList(names: readonly string[], limit = 5): string {
  const shown = names.slice(0, limit).map((name) => `"${name}"`);
  if (names.length > limit) return `${shown.join(', ')} and ${names.length - limit} more`;
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} and ${shown[shown.length - 1] ?? ''}`;
}

/** `1.5 s`, `90 s`, `20 min`: a duration for a message. */
export function duration(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 120_000) return `${Math.round(ms / 100) / 10} s`;
  return `${Math.round(ms / 6000) / 10} min`;
}

/** The reason with its message and every text in its data masked, and cut after that. */
export function maskReason(reason: Reason, mask: (text: string) => string): Reason {
  const masked = { code: reason.code, message: mask(reason.message) };
  if (reason.data === undefined) return shortReason(masked);
  return shortReason({ ...masked, data: maskDeep(reason.data, mask) as Reason['data'] });
}

/** A copy of a JSON value in which every text, keys included, is masked. */
export function maskDeep(value: unknown, mask: (text: string) => string): unknown {
  return mapTexts(value, mask);
}

/** A copy of a JSON value with every text in it, keys included, changed. */
function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change));
  if (typeof value !== 'object' || value === null) return value;
  return nameRecord(
    Object.entries(value).map(([key, item]) => [change(key), mapTexts(item, change)] as const),
  );
}
