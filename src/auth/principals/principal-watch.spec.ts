import { EventEmitter } from 'node:events';
import { standIn } from '../../../test/support/stand-in.js';
import type { Authenticator } from './authenticator.js';
import { principalOf } from './principal.js';
import { PrincipalWatch, WATCH_MS } from './principal-watch.js';

const known = principalOf({
  id: 'u',
  kind: 'user',
  role: 'viewer',
  credential: { kind: 'session', id: 's', by: 'cookie' },
});

class Answer extends EventEmitter {
  readonly destroy = jest.fn();
}

describe('PrincipalWatch', () => {
  let isStillGood: jest.Mock<Promise<boolean>>;
  let answer: Answer;
  const watch = (principal = known): void => {
    const authenticator = standIn<Authenticator>({ isStillGood });
    new PrincipalWatch(authenticator).watch(principal, answer as never);
  };

  beforeEach(() => {
    jest.useFakeTimers();
    isStillGood = jest.fn().mockResolvedValue(true);
    answer = new Answer();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('ends an answer when its reader is nobody any more', async () => {
    watch();
    await jest.advanceTimersByTimeAsync(3 * WATCH_MS);
    expect(isStillGood).toHaveBeenCalledTimes(3);
    expect(answer.destroy).not.toHaveBeenCalled();
    isStillGood.mockResolvedValue(false);
    await jest.advanceTimersByTimeAsync(WATCH_MS);
    expect(answer.destroy).toHaveBeenCalledTimes(1);
    await jest.advanceTimersByTimeAsync(2 * WATCH_MS);
    expect(isStillGood).toHaveBeenCalledTimes(4);
  });

  it('asks nothing once the answer is over, nor for whom nothing can end', async () => {
    watch();
    answer.emit('close');
    watch(principalOf({ id: 'token', kind: 'token', role: 'admin' }));
    await jest.advanceTimersByTimeAsync(2 * WATCH_MS);
    expect(isStillGood).not.toHaveBeenCalled();
  });

  it('lets the answer last while it cannot be asked', async () => {
    isStillGood.mockRejectedValueOnce(new Error('the database is away'));
    watch();
    await jest.advanceTimersByTimeAsync(WATCH_MS);
    expect(answer.destroy).not.toHaveBeenCalled();
    isStillGood.mockResolvedValue(false);
    await jest.advanceTimersByTimeAsync(WATCH_MS);
    expect(answer.destroy).toHaveBeenCalledTimes(1);
  });
});
