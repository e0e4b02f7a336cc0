import { Injectable } from '@nestjs/common';
import type { ExecutionRecord } from './execution.schema.js';

/** Whoever follows an execution asks for it right after it was accepted, ms. */
const KEPT_MS = 1_000;
const MOST = 64;

/**
 * Executions as this process has just stored them, for readers that can tell by other means whether
 * something has become of one meanwhile.
 */
@Injectable()
export class JustAccepted {
  private readonly kept = new Map<
    string,
    { readonly record: ExecutionRecord; readonly at: number }
  >();

  add(record: ExecutionRecord): void {
    this.kept.set(record._id, { record, at: performance.now() });
    for (const [id, { at }] of this.kept) {
      if (this.kept.size <= MOST && performance.now() - at < KEPT_MS) return;
      this.kept.delete(id);
    }
  }

  /** Undefined: it was accepted elsewhere, or a second ago and more. */
  find(id: string): ExecutionRecord | undefined {
    const found = this.kept.get(id);
    return found && performance.now() - found.at < KEPT_MS ? found.record : undefined;
  }
}
