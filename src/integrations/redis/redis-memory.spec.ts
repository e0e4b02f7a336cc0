import { isFull, mayEvict, parseRedisMemory } from './redis-memory.js';

describe('redis memory', () => {
  const info = (policy: string, used: number, limit: number): string =>
    `# Memory\r\nused_memory:${used}\r\nused_memory_human:1M\r\nmaxmemory:${limit}\r\nmaxmemory_human:0B\r\nmaxmemory_policy:${policy}\r\n`;

  it('reads limit and policy', () => {
    expect(parseRedisMemory(info('noeviction', 1_000, 0))).toEqual({
      usedBytes: 1_000,
      limitBytes: undefined,
      policy: 'noeviction',
    });
    expect(parseRedisMemory(info('allkeys-lru', 5, 7))).toEqual({
      usedBytes: 5,
      limitBytes: 7,
      policy: 'allkeys-lru',
    });
  });

  it('is full at its limit, never without one', () => {
    expect(isFull(parseRedisMemory(info('noeviction', 7, 7)))).toBe(true);
    expect(isFull(parseRedisMemory(info('noeviction', 6, 7)))).toBe(false);
    expect(isFull(parseRedisMemory(info('noeviction', 6, 0)))).toBe(false);
  });

  it('evicts under any policy but one; an unknown one is not judged', () => {
    expect(mayEvict(parseRedisMemory(info('volatile-ttl', 1, 0)))).toBe(true);
    expect(mayEvict(parseRedisMemory(info('noeviction', 1, 0)))).toBe(false);
    expect(mayEvict(parseRedisMemory('# Memory\r\nused_memory:1\r\n'))).toBe(false);
  });
});
