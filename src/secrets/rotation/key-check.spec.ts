import { Logger } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { standIn } from '../../../test/support/stand-in.js';
import { Keyring } from '../encryption/keyring.js';
import type { EncryptionStateRepository } from './encryption-state.repository.js';
import { KeyCheck } from './key-check.js';

describe('KeyCheck', () => {
  const keyring = new Keyring([
    { id: 'new', bytes: randomBytes(32) },
    { id: 'old', bytes: randomBytes(32) },
  ]);
  const start = (sealedBy: () => Promise<string | undefined>): Promise<void> =>
    new KeyCheck(standIn<EncryptionStateRepository>({ sealedBy }), keyring).onModuleInit();

  it.each([undefined, 'new', 'old'])('starts where %s has encrypted all', async (id) => {
    await expect(start(async () => id)).resolves.toBeUndefined();
  });

  it('refuses where another key has, and names it', async () => {
    await expect(start(async () => 'other')).rejects.toThrow(
      /ENCRYPTION_KEYS lacks the key "other"/,
    );
  });

  describe('after the start', () => {
    const away = Object.assign(new Error('away'), { name: 'MongoNetworkError' });
    let kill: jest.SpiedFunction<typeof process.kill>;

    beforeEach(() => {
      jest.spyOn(Logger.prototype, 'fatal').mockImplementation();
      jest.spyOn(Logger.prototype, 'error').mockImplementation();
      kill = jest.spyOn(process, 'kill').mockReturnValue(true);
      jest.useFakeTimers();
    });
    afterEach(() => {
      jest.useRealTimers();
      jest.restoreAllMocks();
      process.exitCode = undefined;
    });

    const NOTHING = '';
    const answering = (answers: readonly (Error | string)[]): KeyCheck => {
      const left = [...answers];
      const sealedBy = async (): Promise<string | undefined> => {
        const answer = left.length > 1 ? left.shift() : left[0];
        if (answer instanceof Error) throw answer;
        return answer === NOTHING ? undefined : answer;
      };
      return new KeyCheck(standIn<EncryptionStateRepository>({ sealedBy }), keyring);
    };

    const begin = async (check: KeyCheck): Promise<void> => {
      await check.onModuleInit();
      check.onApplicationBootstrap();
    };

    it('it asks again when the start is over, and not within it', async () => {
      const check = answering([away, 'other']);
      await check.onModuleInit();
      await jest.advanceTimersByTimeAsync(60_000);
      expect(kill).not.toHaveBeenCalled();
      check.onApplicationBootstrap();
      await jest.advanceTimersByTimeAsync(1_500);
      expect(kill).toHaveBeenCalledTimes(1);
    });

    it('the process ends when a database that was away names a key that is missing', async () => {
      await begin(answering([away, away, 'other']));
      await jest.advanceTimersByTimeAsync(1_500);
      expect(kill).not.toHaveBeenCalled();
      await jest.advanceTimersByTimeAsync(1_500);
      expect(kill).toHaveBeenCalledWith(process.pid, 'SIGTERM');
    });

    it('nor does it run on where others, which began with it, have sealed by another key', async () => {
      await begin(answering([NOTHING, 'other']));
      await jest.advanceTimersByTimeAsync(14_000);
      expect(kill).not.toHaveBeenCalled();
      await jest.advanceTimersByTimeAsync(2_000);
      expect(kill).toHaveBeenCalledWith(process.pid, 'SIGTERM');
    });

    it('whatever else fails ends nothing, and is asked again', async () => {
      await begin(answering([away, new Error('odd'), 'other']));
      await jest.advanceTimersByTimeAsync(1_500);
      expect(kill).not.toHaveBeenCalled();
      await jest.advanceTimersByTimeAsync(1_500);
      expect(kill).toHaveBeenCalledTimes(1);
    });

    it('nothing ends a process for it that has ended', async () => {
      let answer: (id: string) => void = () => undefined;
      const answers = [Promise.reject(away), new Promise<string>((resolve) => (answer = resolve))];
      const sealedBy = (): Promise<string> => answers.shift() ?? Promise.resolve('other');
      const check = new KeyCheck(standIn<EncryptionStateRepository>({ sealedBy }), keyring);
      await begin(check);
      await jest.advanceTimersByTimeAsync(1_500);
      check.onModuleDestroy();
      answer('other');
      await jest.advanceTimersByTimeAsync(5_000);
      expect(kill).not.toHaveBeenCalled();
    });
  });
});
