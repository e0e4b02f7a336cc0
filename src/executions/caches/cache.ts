import { createHash } from 'node:crypto';
import type { TriggerContext } from '../../engine/plan/plan.js';

/** A saved cache. */
export interface Cache {
  readonly id: string;
  readonly pipelineId: string;
  /** Who may read it: see `scopesOf`. */
  readonly scope: string;
  readonly key: string;
  /** Bytes of its archive. */
  readonly size: number;
  readonly objectKey: string;
  /** The execution that saved it. */
  readonly executionId: string;
  readonly createdAt: Date;
  /** When it was saved, or restored last. */
  readonly usedAt: Date;
}

/** Of all runs of what people with write access have pushed. */
const TRUSTED = 'trusted';

export interface CacheScopes {
  /** Where it saves, and looks first. */
  readonly own: string;
  /** Where it looks, in this order. */
  readonly read: readonly string[];
}

/**
 * Whose caches a run sees. A pull request of another repository reads what trusted runs have saved,
 * and saves for itself alone: what a stranger has packed is unpacked by nobody else.
 */
export function scopesOf({ fork, number }: Pick<TriggerContext, 'fork' | 'number'>): CacheScopes {
  if (fork !== true) return { own: TRUSTED, read: [TRUSTED] };
  const own = `fork-${number ?? 0}`;
  return { own, read: [own, TRUSTED] };
}

/** There is one cache of a key in each scope of a pipeline. */
export function cacheId(pipelineId: string, scope: string, key: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([scope, key]))
    .digest('hex');
  return `${pipelineId}/${hash.slice(0, 32)}`;
}
