import { Logger } from '@nestjs/common';
import { BackgroundRounds } from './background-rounds.js';

class Rounds extends BackgroundRounds {
  wanted = true;
  count = 0;
  failure: Error | undefined;

  constructor() {
    super({ everyMs: 1000 });
  }

  protected override get isWanted(): boolean {
    return this.wanted;
  }

  protected async work(): Promise<void> {
    this.count += 1;
    if (this.failure !== undefined) throw this.failure;
  }
}

describe('BackgroundRounds', () => {
  let rounds: Rounds;
  let errors: jest.SpyInstance;

  beforeEach(() => {
    jest.useFakeTimers();
    errors = jest.spyOn(Logger.prototype, 'error').mockImplementation();
    rounds = new Rounds();
  });
  afterEach(async () => {
    await rounds.onApplicationShutdown();
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  it('work again and again until the application ends', async () => {
    rounds.onApplicationBootstrap();
    await jest.advanceTimersByTimeAsync(4000);
    expect(rounds.count).toBeGreaterThanOrEqual(3);
    await rounds.onApplicationShutdown();
    const { count } = rounds;
    await jest.advanceTimersByTimeAsync(4000);
    expect(rounds.count).toBe(count);
  });

  it('do nothing where they are not wanted', async () => {
    rounds.wanted = false;
    rounds.onApplicationBootstrap();
    await jest.advanceTimersByTimeAsync(4000);
    expect(rounds.count).toBe(0);
  });

  it.each([
    ['a mistake', new TypeError('x is undefined'), 1],
    ['a database that is away', Object.assign(new Error('away'), { name: 'MongoNetworkError' }), 0],
  ])('after %s the next one works', async (_name, failure, logged) => {
    rounds.failure = failure;
    await rounds.round();
    expect(errors).toHaveBeenCalledTimes(logged);
    rounds.failure = undefined;
    await rounds.round();
    expect(rounds.count).toBe(2);
  });
});
