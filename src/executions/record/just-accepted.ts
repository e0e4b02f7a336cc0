import { Injectable } from '@nestjs/common';
import type { ExecutionRecord } from './execution.schema.js';

/** Whoever follows an execution asks for it right after it was accepted, ms. */
const KEPT_MS = 1_000;
const MOST = 64;

/**
 * Executions as this process has just stored them, for readers that can tell by other means whether
 * something has become of one meanwhile. What a trigger gave, which is sealed in the store, is not
 * kept.
 */
@Injectable()
export class JustAccepted {
  private readonly kept = new Map<
    string,
    { readonly record: ExecutionRecord; readonly until: NodeJS.Timeout }
  >();

  add(accepted: ExecutionRecord): void {
    const { _id: id } = accepted;
    const given = { inputs: {}, environment: {}, clone_url: null, payload: undefined };
    const until = setTimeout(() => this.kept.delete(id), KEPT_MS).unref();
    this.kept.set(id, { record: { ...accepted, ...given }, until });
    const [oldest] = this.kept;
    if (this.kept.size <= MOST || oldest === undefined) return;
    clearTimeout(oldest[1].until);
    this.kept.delete(oldest[0]);
  }

  /** Undefined: it was accepted elsewhere, or a second ago and more. */
  find(id: string): ExecutionRecord | undefined {
    return this.kept.get(id)?.record;
  }
}
