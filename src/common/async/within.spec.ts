import { settledWithin, within } from './within.js';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const never = new Promise<never>(() => undefined);

describe('a time limit', () => {
  it('gives what the work gives, and leaves no timer', async () => {
    await expect(within(1_000, Promise.resolve(7), () => 'late')).resolves.toBe(7);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('throws what the work throws, and leaves no timer', async () => {
    const work = Promise.reject(new Error('broken'));
    await expect(within(1_000, work, () => 'late')).rejects.toThrow('broken');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('gives the late answer after the limit, not before', async () => {
    let answer: unknown;
    void within(1_000, never, () => 'late').then((value) => (answer = value));
    await jest.advanceTimersByTimeAsync(999);
    expect(answer).toBeUndefined();
    await jest.advanceTimersByTimeAsync(1);
    expect(answer).toBe('late');
  });

  it('throws what the late answer throws', async () => {
    const work = within(1_000, never, () => {
      throw new Error('too late');
    });
    const outcome = expect(work).rejects.toThrow('too late');
    await jest.advanceTimersByTimeAsync(1_000);
    await outcome;
  });

  it('does not hear a failure after the limit', async () => {
    let fail: (error: Error) => void = () => undefined;
    const work = new Promise<never>((_resolve, reject) => (fail = reject));
    const answer = within(1_000, work, () => 'late');
    await jest.advanceTimersByTimeAsync(1_000);
    fail(new Error('nobody waits for this'));
    // An unhandled rejection would fail this spec.
    await expect(answer).resolves.toBe('late');
  });
});

describe('waiting for all of it', () => {
  it('ends when all has ended, although one failed', async () => {
    await settledWithin(1_000, [Promise.reject(new Error('broken')), Promise.resolve()]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('ends at the limit', async () => {
    let isOver = false;
    void settledWithin(1_000, [never]).then(() => (isOver = true));
    await jest.advanceTimersByTimeAsync(999);
    expect(isOver).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    expect(isOver).toBe(true);
  });

  it('does not wait when there is no time', async () => {
    await settledWithin(0, [never]);
    expect(jest.getTimerCount()).toBe(0);
  });
});
