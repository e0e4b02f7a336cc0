import type { Response } from 'express';

/** What came of a request for a change. */
export interface Changed<T> {
  readonly value: T;
  /** False: it was so before, and nothing was done. */
  readonly isChanged: boolean;
}

const UNCHANGED = new WeakSet<object>();

/** The value, for the answer; of what was so before, the audit keeps no record. */
export function changedValue<T>({ value, isChanged }: Changed<T>, response: Response): T {
  if (!isChanged) UNCHANGED.add(response);
  return value;
}

/** The request has changed nothing, as its route has told. */
export function isUnchanged(response: Response): boolean {
  return UNCHANGED.has(response);
}
