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

  it('starts while the database is away, and ends when that says so', async () => {
    jest.spyOn(Logger.prototype, 'fatal').mockImplementation();
    const away = Object.assign(new Error('away'), { name: 'MongoNetworkError' });
    jest.useFakeTimers();
    const kill = jest.spyOn(process, 'kill').mockReturnValue(true);
    const answers = [Promise.reject(away), Promise.reject(away), Promise.resolve('other')];
    for (const answer of answers) answer.catch(() => undefined);
    await expect(start(() => answers.shift() ?? Promise.resolve('other'))).resolves.toBeUndefined();
    expect(kill).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(3_000);
    expect(kill).toHaveBeenCalledWith(process.pid, 'SIGTERM');
    jest.useRealTimers();
    jest.restoreAllMocks();
  });
});
