import { setTimeout as sleep } from 'node:timers/promises';
import type { RowResult } from './row.js';
import type { Subject, SubjectName, Workload } from './subject.js';

const LIMIT_MS = 120_000;

export type Times = RowResult['times'];

/**
 * Lets every subject do the work `rounds` times, in turns (A B C D, A B C D, …), so that a machine
 * that is slower for a while is slower for all of them. One round before is not counted: caches,
 * JIT, connections.
 */
export async function measureInTurns(
  subjects: readonly Subject[],
  work: Workload,
  rounds: number,
  around?: Partial<Record<SubjectName, (repetition: () => Promise<number>) => Promise<number>>>,
): Promise<Times> {
  const prepared = [];
  for (const subject of subjects) {
    prepared.push({ name: subject.name, repeat: await subject.prepare(work) });
  }
  for (const { name, repeat } of prepared) await withinLimit(name, repeat());
  const times: Partial<Record<SubjectName, number[]>> = {};
  for (let round = 0; round < rounds; round++) {
    for (const { name, repeat } of prepared) {
      const took = await withinLimit(name, around?.[name]?.(repeat) ?? repeat());
      (times[name] ??= []).push(took);
    }
  }
  return times;
}

export function median(values: readonly number[] = []): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}

/** An end that is never told is a lost run. @throws Error after two minutes */
async function withinLimit(name: SubjectName, work: Promise<number>): Promise<number> {
  const limit = new AbortController();
  const tooLate = sleep(LIMIT_MS, undefined, { signal: limit.signal }).then(() => {
    throw new Error(`${name} did not end within ${LIMIT_MS / 1000} s`);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    tooLate.catch(() => undefined);
    limit.abort();
  }
}

/** Median of one subject over the median of `sh`. */
export function ratio(times: Times, name: SubjectName): number {
  return median(times[name]) / median(times.sh);
}
