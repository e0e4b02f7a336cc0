import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import {
  ExecutionListsRepository,
  type FinishedExecution,
} from '../record/execution-lists.repository.js';

/** Executions that a guess is made from. */
const LATELY = 50;
/**
 * A guess does not change by one more execution: what was read is used again for so long, in ms.
 */
const FRESH_MS = 5_000;
/** Pipelines of which it is remembered. */
const REMEMBERED = 200;

interface Seen {
  readonly at: number;
  readonly finished: Promise<readonly FinishedExecution[]>;
}

/**
 * The newest executions that are over, at most 5 s old: a page that is asked for again and again
 * costs one look.
 */
@Injectable()
export class RecentlyFinished {
  private readonly seen = new LRUCache<string, Seen>({ max: REMEMBERED });

  constructor(private readonly lists: ExecutionListsRepository) {}

  /** @param pipelineId absent: of all pipelines */
  async of(pipelineId?: string): Promise<readonly FinishedExecution[]> {
    const key = pipelineId ?? '';
    const before = this.seen.get(key);
    const now = performance.now();
    if (before && now - before.at < FRESH_MS) return before.finished;
    const filter = pipelineId === undefined ? {} : { pipelineId };
    const finished = this.lists.finished(filter, { limit: LATELY });
    const seen = { at: now, finished };
    this.seen.set(key, seen);
    try {
      return await finished;
    } catch (error) {
      // Whoever asks next tries again.
      if (this.seen.get(key) === seen) this.seen.delete(key);
      throw error;
    }
  }
}
