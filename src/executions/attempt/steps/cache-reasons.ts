import { messageOf } from '../../../common/values/error-message.js';
import { shownSize } from '../../../common/values/shown-size.js';
import type { Reason } from '../../../engine/plan/run-state.js';
import type { Cache } from '../../caches/cache.js';
import type { SaveResult } from '../../caches/cache-store.js';

/** The key itself was found: there is nothing new to save under it. */
export const HIT = 'cache_hit';

export const OF_STEP: Reason = { code: 'cache_of_step', message: 'as a step before has left it' };

/** @param key that was looked for; the cache may have another, by one of the restore keys */
export function restoredReason(key: string, cache: Cache, isExact: boolean): Reason {
  const what = `${cache.key}, ${shownSize(cache.size)}, saved ${cache.createdAt.toISOString()}`;
  return isExact
    ? { code: HIT, message: `hit: ${what}` }
    : { code: 'cache_older', message: `no ${key}; restored ${what}` };
}

export function missed(why: string): Reason {
  return { code: 'cache_miss', message: `miss: ${why}` };
}

export function withoutKey(why: string): Reason {
  return { code: 'cache_no_key', message: `neither restored nor saved: ${why}` };
}

export function savedReason(key: string, result: SaveResult): Reason {
  switch (result.kind) {
    case 'saved': {
      const { cache, evicted, problem } = result;
      const left = problem === undefined ? '' : `; older ones are left: ${messageOf(problem)}`;
      const message = `saved as ${key}, ${shownSize(cache.size)}${evictedText(evicted)}${left}`;
      return { code: 'cache_saved', message };
    }
    case 'there':
      return notSaved(`${key} is saved already`);
    case 'nothing':
      return notSaved('there is nothing to save');
    case 'too_large':
      return notSaved(`${result.message} (MAX_CACHE_SIZE)`);
  }
}

export function notSaved(why: string): Reason {
  return { code: 'cache_not_saved', message: `not saved: ${why}` };
}

function evictedText(count: number): string {
  return count === 0 ? '' : `; ${count} that were not used for longest were removed`;
}
