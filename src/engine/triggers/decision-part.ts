import type { Reason } from '../plan/run-state.js';

/** What a decision asks about: first what is asked of an event, then what is asked of a rule. */
export const PART_NAMES = [
  'enabled',
  'skip_mark',
  'forks',
  'inputs',

  'event',
  'repository',
  'branch',
  'tag',
  'type',
  'base',
  'draft',
  'paths',
] as const;

export const PART_RESULTS = ['passes', 'fails', 'unknown'] as const;

/** One question of a decision, with what was asked for and what the event says. */
export interface DecisionPart {
  readonly part: (typeof PART_NAMES)[number];
  /** One of these fits: values, or patterns; a pattern with `!` before it leaves out. */
  readonly expected: readonly string[];
  /** Null: the event does not say it. At most 20 texts. */
  readonly actual: readonly string[] | null;
  /** How many more than `actual` names; absent = none. */
  readonly more?: number;
  /** `unknown`: it depends on what the event did not say. */
  readonly result: (typeof PART_RESULTS)[number];
}

/** A part, and what is said of it where it does not pass. */
export interface AskedPart extends DecisionPart {
  readonly refusal?: Reason;
}

const MAX_ACTUAL = 20;

type Question = Pick<DecisionPart, 'part' | 'expected' | 'actual'>;

export function passes(question: Question): AskedPart {
  return { ...cut(question), result: 'passes' };
}

export function fails(question: Question, refusal: Reason): AskedPart {
  return { ...cut(question), result: 'fails', refusal };
}

export function depends(question: Question): AskedPart {
  return { ...cut(question), result: 'unknown' };
}

/** As it is stored and shown. */
export function withoutRefusal({ refusal: _refusal, ...part }: AskedPart): DecisionPart {
  return part;
}

function cut({ part, expected, actual }: Question): Omit<DecisionPart, 'result'> {
  if (actual === null || actual.length <= MAX_ACTUAL) return { part, expected, actual };
  const shown = actual.slice(0, MAX_ACTUAL);
  return { part, expected, actual: shown, more: actual.length - MAX_ACTUAL };
}
