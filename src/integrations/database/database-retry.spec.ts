import { withRequestPatience } from './database-patience.js';
import { databaseRetry } from './database-retry.js';

const away = (): Error => Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });

describe('databaseRetry', () => {
  it('calls again while the database is away', async () => {
    let calls = 0;
    const answer = await databaseRetry(
      async () => {
        calls += 1;
        if (calls < 3) throw away();
        return 'here';
      },
      { deadlineMs: 5_000 },
    );
    expect([answer, calls]).toEqual(['here', 3]);
  });

  it('throws what is no matter of reaching the database at once', async () => {
    let calls = 0;
    const call = async (): Promise<never> => {
      calls += 1;
      throw new Error('no');
    };
    await expect(databaseRetry(call, { deadlineMs: 5_000 })).rejects.toThrow('no');
    expect(calls).toBe(1);
  });

  it('throws the last error when the deadline is over or the signal aborts', async () => {
    const call = (): Promise<never> => Promise.reject(away());
    await expect(databaseRetry(call, { deadlineMs: 30 })).rejects.toThrow('EPIPE');
    const signal = AbortSignal.timeout(30);
    await expect(databaseRetry(call, { deadlineMs: 60_000, signal })).rejects.toThrow('EPIPE');
  });

  it('continues no longer than a request waits', async () => {
    const call = (): Promise<never> => Promise.reject(away());
    const begun = performance.now();
    const retrying = withRequestPatience(() => databaseRetry(call, { deadlineMs: 60_000 }), 200);
    await expect(retrying).rejects.toThrow('EPIPE');
    expect(performance.now() - begun).toBeLessThan(2_000);
  });
});
