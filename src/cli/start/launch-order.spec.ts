import { launchInOrder } from './launch-order.js';

describe('launchInOrder', () => {
  let started: string[];
  let ready: PromiseWithResolvers<void>;

  const api = {
    start: () => void started.push('api'),
    firstReady: () => ready.promise,
  };
  const workers = ['worker 1', 'worker 2'].map((name) => ({
    start: () => void started.push(name),
  }));

  beforeEach(() => {
    started = [];
    ready = Promise.withResolvers();
    jest.useFakeTimers();
  });
  afterEach(() => jest.useRealTimers());

  it('lets the API load its code alone', async () => {
    const launched = launchInOrder(api, workers);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(started).toEqual(['api']);
    ready.resolve();
    await launched;
    expect(started).toEqual(['api', 'worker 1', 'worker 2']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('does not wait for an API that takes long', async () => {
    const launched = launchInOrder(api, workers);
    await jest.advanceTimersByTimeAsync(2_000);
    await launched;
    expect(started).toHaveLength(3);
  });

  it('starts no workers behind an API that does not start', async () => {
    const launched = launchInOrder(api, workers);
    ready.reject(new Error('no port'));
    await expect(launched).rejects.toThrow('no port');
    expect(started).toEqual(['api']);
  });

  it('starts no workers for somebody who has stopped it meanwhile', async () => {
    const stop = new AbortController();
    const launched = launchInOrder(api, workers, stop.signal);
    stop.abort();
    ready.resolve();
    await launched;
    expect(started).toEqual(['api']);
  });

  it('starts workers alone at once', async () => {
    await launchInOrder(undefined, workers);
    expect(started).toEqual(['worker 1', 'worker 2']);
  });
});
