import { setTimeout as sleep } from 'node:timers/promises';
import { CallWatch } from './call-watch.js';
import { isDatabaseBusy, isDatabaseUnavailable } from './database-errors.js';
import { currentPatience, REQUEST_MS, withRequestPatience } from './database-patience.js';

const never = (): Promise<never> => new Promise(() => undefined);
const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('CallWatch', () => {
  it('gives up on a call that never ends, as on a database that is away, and aborts it', async () => {
    const abort = new AbortController();
    const error = await thrownBy(new CallWatch().run(never, 10, abort));
    expect([isDatabaseUnavailable(error), isDatabaseBusy(error)]).toEqual([true, false]);
    expect(abort.signal.reason).toBe(error);
  });

  it('counts a call that does not settle when it is aborted, until it does', async () => {
    const calls = new CallWatch();
    let settle: () => void = () => undefined;
    const stuck = new Promise<void>((resolve) => {
      settle = resolve;
    });
    await thrownBy(calls.run(() => stuck, 10));
    expect(calls.unsettled).toBe(0);
    while (calls.unsettled === 0) await sleep(20);
    settle();
    await stuck;
    await sleep(0);
    expect(calls.unsettled).toBe(0);
  });

  it('counts no call that ends with its abort', async () => {
    const calls = new CallWatch();
    const obedient = ({ signal }: AbortController): Promise<never> =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    await thrownBy(calls.run(obedient, 10));
    await sleep(1_200);
    expect(calls.unsettled).toBe(0);
  });

  it('says busy, not away, of a database that answers others', async () => {
    const calls = new CallWatch();
    const waits = thrownBy(calls.run(never, 50));
    await calls.run(() => Promise.resolve());
    expect(isDatabaseBusy(await waits)).toBe(true);
    const full = Object.assign(new Error('full'), { name: 'MongoWaitQueueTimeoutError' });
    const error = await thrownBy(calls.run(() => Promise.reject(full)));
    expect([isDatabaseBusy(error), isDatabaseUnavailable(error)]).toEqual([true, true]);
    const alone = await thrownBy(new CallWatch().run(() => Promise.reject(full)));
    expect([isDatabaseBusy(alone), isDatabaseUnavailable(alone)]).toEqual([false, true]);
  });

  it('knows for how long calls have failed; an answer that is an error is an answer', async () => {
    const calls = new CallWatch();
    const away = Object.assign(new Error('away'), { name: 'MongoNetworkError' });
    await thrownBy(calls.run(() => Promise.reject(away)));
    await sleep(5);
    expect(calls.failingMs).toBeGreaterThan(0);
    await thrownBy(calls.run(() => Promise.reject(new Error('E11000'))));
    expect(calls.failingMs).toBe(0);
  });
});

describe('the patience of a request', () => {
  it('is shared by all calls that wait, and starts again in full after an answer', async () => {
    const calls = new CallWatch();
    await withRequestPatience(async () => {
      expect(currentPatience().remainingMs()).toBe(600);
      await thrownBy(calls.run(() => sleep(100).then(never), 150));
      // A timer may be a millisecond early.
      expect(currentPatience().remainingMs()).toBeLessThan(460);
      expect(currentPatience().retryMs()).toBeLessThan(460);
      await calls.run(() => Promise.resolve());
      expect(currentPatience().remainingMs()).toBe(600);
    }, 600);
  });

  it('ends within 5 s, and is not the one of background work', async () => {
    expect(REQUEST_MS).toBeLessThan(5_000);
    expect(currentPatience().retryMs()).toBe(Infinity);
    await withRequestPatience(async () => {
      await sleep(0);
      expect(currentPatience().retryMs()).toBe(REQUEST_MS);
    });
    expect(currentPatience().retryMs()).toBe(Infinity);
  });
});
