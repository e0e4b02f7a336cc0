import { cacheId, pathsOf, scopesOf } from './cache.js';

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
  it('tells apart pipelines, scopes, paths and keys, however they are cut', () => {
    const one = { pipelineId: 'p1', scope: 'trusted', paths: pathsOf(['a']), key: 'a' };
    const ids = [
      cacheId(one),
      cacheId({ ...one, pipelineId: 'p2' }),
      cacheId({ ...one, scope: 'fork-1' }),
      cacheId({ ...one, scope: 'fork-1a', key: '' }),
      cacheId({ ...one, paths: pathsOf(['b']) }),
      cacheId({ ...one, paths: pathsOf(['a', 'b']) }),
    ];
    expect(new Set(ids).size).toBe(6);
    expect(cacheId({ ...one })).toBe(ids[0]);
  });
});

describe('pathsOf', () => {
  it('is the same for the same globs in any order', () => {
    expect(pathsOf(['b', 'a', '!c', 'a'])).toBe(pathsOf(['!c', 'a', 'b']));
    expect(pathsOf(['a', 'c'])).not.toBe(pathsOf(['a', '!c']));
  });
});
