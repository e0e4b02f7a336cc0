import { BoundedCache } from './bounded-cache.js';

describe('BoundedCache', () => {
  it('keeps what was used last', () => {
    const cache = new BoundedCache<string>(2);
    const made: string[] = [];
    const get = (key: string) => cache.get(key, () => (made.push(key), key));
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) get(key);
    expect(made).toEqual(['a', 'b', 'c', 'b']);
    expect(cache.size).toBe(2);
  });
});
