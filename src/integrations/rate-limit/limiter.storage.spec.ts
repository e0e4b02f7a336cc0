import { LimiterStorage } from './limiter.storage.js';
import { RateLimiter } from './rate-limiter.js';

describe('the limiter behind the guard of the throttler', () => {
  const storage = (limit: number): LimiterStorage =>
    new LimiterStorage(
      new RateLimiter({ name: 'compile', limit, windowMs: 60_000, now: () => 30_000 }),
    );

  it('says how many requests there were, and which refusal is the first', async () => {
    const limited = storage(2);
    const counts = [];
    for (let i = 0; i < 4; i++) counts.push(await limited.increment('192.0.2.1'));
    expect(counts.map(({ totalHits }) => totalHits)).toEqual([1, 2, 3, 4]);
    expect(counts.map(({ isBlocked }) => isBlocked)).toEqual([false, false, true, true]);
    expect(counts[2]).toMatchObject({ timeToExpire: 30, timeToBlockExpire: 60 });
  });

  it('refuses nobody without a limit', async () => {
    const unlimited = storage(0);
    for (let i = 0; i < 5; i++) {
      expect((await unlimited.increment('192.0.2.1')).isBlocked).toBe(false);
    }
  });
});
