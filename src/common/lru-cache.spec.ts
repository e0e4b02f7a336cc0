import { LruCache } from './lru-cache.js';

describe('LruCache', () => {
  it('drops what was used least lately when the weights pass the capacity', () => {
    const cache = new LruCache<{ n: number }>(10);
    cache.set('a', { n: 1 }, 4);
    cache.set('b', { n: 2 }, 4);
    cache.get('a');
    cache.set('c', { n: 3 }, 4);
    expect(cache.get('b')).toBeUndefined();
    expect(cache.get('a')).toEqual({ n: 1 });
    expect(cache.get('c')).toEqual({ n: 3 });
  });

  it('keeps nothing heavier than itself, and counts a replaced value once', () => {
    const cache = new LruCache<{ n: number }>(10);
    cache.set('a', { n: 1 }, 11);
    expect(cache.get('a')).toBeUndefined();
    for (let i = 0; i < 5; i += 1) cache.set('b', { n: i }, 6);
    cache.set('c', { n: 9 }, 4);
    expect(cache.get('b')).toEqual({ n: 4 });
    expect(cache.get('c')).toEqual({ n: 9 });
  });
});
