import type { Rig } from './rig.js';
import type { SubjectName } from './subject.js';

/** One line of the table. */
export interface Row {
  /** For `--only`. */
  readonly id: string;
  measure(rig: Rig, rounds: number): Promise<RowResult>;
}

export interface RowResult {
  /** What was done, for people. */
  readonly work: string;
  /** Milliseconds, of every repetition in order. */
  readonly times: Partial<Record<SubjectName, readonly number[]>>;
  readonly goals: readonly Goal[];
}

/** A promise of the design and what was measured. */
export interface Goal {
  readonly what: string;
  readonly wanted: string;
  readonly measured: string;
  readonly met: boolean;
}

/** A goal of the form "at most `limit`". */
export function atMost(what: string, limit: number, measured: number, unit = ''): Goal {
  return {
    what,
    wanted: `<= ${limit}${unit}`,
    measured: `${shown(measured)}${unit}`,
    met: measured <= limit,
  };
}

export function atLeast(what: string, limit: number, measured: number, unit = ''): Goal {
  return {
    what,
    wanted: `>= ${limit}${unit}`,
    measured: `${shown(measured)}${unit}`,
    met: measured >= limit,
  };
}

export function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
