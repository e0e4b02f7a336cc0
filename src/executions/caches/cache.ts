import { createHash } from 'node:crypto';
import type { TriggerContext } from '../../engine/plan/plan.js';

/** A saved cache. */
export interface Cache {
  readonly id: string;
  readonly pipelineId: string;
  /** Who may read it: see `scopesOf`. */
  readonly scope: string;
  /** What it is of: see `pathsOf`. */
  readonly paths: string;
  readonly key: string;
  /** Bytes of its archive. */
  readonly size: number;
  /** SHA-256 of its archive, 64 hex digits. */
  readonly digest: string;
  readonly objectKey: string;
  /** The execution that saved it. */
  readonly executionId: string;
  readonly createdAt: Date;
  /** When it was saved, or restored last. */
  readonly usedAt: Date;
}

/** Of all runs of what people with write access have pushed. */
export const TRUSTED = 'trusted';

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

/** Those that share the bytes of a pipeline: what strangers save takes no place of the others. */
export type CacheShare = 'trusted' | 'forks';

export function shareOf(scope: string): CacheShare {
  return scope === TRUSTED ? 'trusted' : 'forks';
}

/** The same for the same globs in any order: their order means nothing. */
export function pathsOf(globs: readonly string[]): string {
  return hashOf([...new Set(globs)].sort());
}

/** There is one cache of a key for the same paths in each scope of a pipeline. */
export function cacheId({
  pipelineId,
  scope,
  paths,
  key,
}: Pick<Cache, 'pipelineId' | 'scope' | 'paths' | 'key'>): string {
  return `${pipelineId}/${hashOf([scope, paths, key])}`;
}

function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}
