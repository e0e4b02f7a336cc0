import { cacheId, scopesOf } from './cache.js';

describe('scopesOf', () => {
  it('is one for all that people with write access have pushed', () => {
    expect(scopesOf({})).toEqual({ own: 'trusted', read: ['trusted'] });
    expect(scopesOf({ fork: false, number: 3 })).toEqual({ own: 'trusted', read: ['trusted'] });
  });

  it('lets a stranger read the caches of others, and save for itself alone', () => {
    expect(scopesOf({ fork: true, number: 7 })).toEqual({
      own: 'fork-7',
      read: ['fork-7', 'trusted'],
    });
  });
});

describe('cacheId', () => {
  it('tells apart pipelines, scopes and keys, however they are cut', () => {
    const ids = [
      cacheId('p1', 'trusted', 'a'),
      cacheId('p2', 'trusted', 'a'),
      cacheId('p1', 'fork-1', 'a'),
      cacheId('p1', 'fork-1a', ''),
    ];
    expect(new Set(ids).size).toBe(4);
    expect(cacheId('p1', 'trusted', 'a')).toBe(ids[0]);
  });
});
