import { Logger } from '@nestjs/common';
import { standIn } from '../../../test/support/stand-in.js';
import type { EncryptionKey } from '../../config/encryption-key-list.js';
import { Keyring } from '../encryption/keyring.js';
import type { SecretDocument } from './secret.schema.js';
import { EVERYBODY, type SecretOwner } from './secret-owner.js';
import { SecretOwners } from './secret-owners.js';
import type { SecretRules } from './secret-rules.js';
import type { SecretsRepository } from './secrets.repository.js';
import { SecretsService } from './secrets.service.js';

const key = (id: string, fill: number): EncryptionKey => ({
  id,
  bytes: Buffer.from(Array.from({ length: 32 }, (_, n) => (n * fill) % 256)),
});
const PIPELINE: SecretOwner = { scope: 'pipeline', id: 'p1' };
const RUN = { pipelineId: 'p1', event: 'push', unprotected: undefined } as const;
const REPOSITORY: SecretOwner = { scope: 'repository', id: 'r1' };

describe('SecretsService', () => {
  let stored: Map<string, SecretDocument>;
  let service: SecretsService;

  const over = (keyring: Keyring): SecretsService => {
    const owners = new SecretOwners();
    owners.register('pipeline', async (id) => id === 'p1');
    owners.register('repository', async (id) => id === 'r1');
    return new SecretsService(
      standIn<SecretsRepository>({
        put: async (secret) => {
          stored.set(secret._id, secret);
          return secret;
        },
        find: async (ids) => ids.flatMap((id) => stored.get(id) ?? []),
        delete: async (id) => stored.delete(id),
      }),
      owners,
      keyring,
    );
  };

  beforeAll(() => {
    Logger.overrideLogger(false);
  });
  beforeEach(() => {
    stored = new Map();
    service = over(new Keyring([key('k1', 7)]));
  });

  const set = (
    owner: SecretOwner,
    name: string,
    value: string,
    rules: Partial<SecretRules> = {},
  ): Promise<unknown> => service.set(owner, name, value, rules, 'somebody');

  it('names those that got another value since a moment, or are gone', async () => {
    for (const name of ['OLD_KEY', 'NEW_KEY']) await set(EVERYBODY, name, 'some value');
    await set(PIPELINE, 'OWN_KEY', 'some value');
    await set(EVERYBODY, 'OWN_KEY', 'some value');
    const at = (id: string, ms: number): void => {
      const known = stored.get(id);
      if (known) stored.set(id, { ...known, updated_at: new Date(ms) });
    };
    at('global:OLD_KEY', 1_000);
    at('global:NEW_KEY', 3_000);
    at('pipeline:p1:OWN_KEY', 1_000);
    at('global:OWN_KEY', 3_000);
    const names = ['OLD_KEY', 'NEW_KEY', 'OWN_KEY', 'GONE_KEY'];
    const user = { pipelineId: 'p1' };
    expect(await service.changedSince(names, user, new Date(2_000))).toEqual([
      ...['NEW_KEY', 'GONE_KEY'],
    ]);
  });

  it('says which value of a secret it gave, and names those that are other ones since', async () => {
    const at = (id: string, ms: number): void => {
      const known = stored.get(id);
      if (known) stored.set(id, { ...known, updated_at: new Date(ms) });
    };
    await set(EVERYBODY, 'A_KEY', 'some value');
    await set(PIPELINE, 'B_KEY', 'some value', { protected: true });
    await set(EVERYBODY, 'B_KEY', 'some value');
    at('global:A_KEY', 1_000);
    at('global:B_KEY', 2_000);
    const names = ['A_KEY', 'B_KEY'];
    const found = await service.resolve(names, { ...RUN, unprotected: 'a branch' });
    const taken = found.kind === 'values' ? found.taken : [];
    expect(taken).toEqual([
      { name: 'A_KEY', secret_id: 'global:A_KEY', set_at: new Date(1_000) },
      {
        ...{ name: 'B_KEY', secret_id: 'global:B_KEY', set_at: new Date(2_000) },
        passed_by: ['pipeline:p1:B_KEY'],
      },
    ]);
    const user = { pipelineId: 'p1', repositoryId: 'r1' };
    expect(await service.replaced(taken, user)).toEqual([]);
    // Also one that is set again at an earlier time by a clock that was wrong.
    at('global:B_KEY', 1_500);
    expect(await service.replaced(taken, user)).toEqual(['B_KEY']);
    at('global:B_KEY', 2_000);
    await set(REPOSITORY, 'B_KEY', 'narrower value');
    expect(await service.replaced(taken, user)).toEqual(['B_KEY']);
    stored.delete('global:A_KEY');
    expect(await service.replaced(taken, user)).toEqual(names);
  });

  it('gives of each name the narrowest: pipeline, repository, global', async () => {
    for (const name of ['A_KEY', 'B_KEY', 'C_KEY']) await set(EVERYBODY, name, 'global value');
    for (const name of ['A_KEY', 'B_KEY']) await set(REPOSITORY, name, 'repository value');
    await set(PIPELINE, 'A_KEY', 'pipeline value');
    const names = ['A_KEY', 'B_KEY', 'C_KEY'];
    expect(await service.resolve(names, { ...RUN, repositoryId: 'r1' })).toMatchObject({
      values: { A_KEY: 'pipeline value', B_KEY: 'repository value', C_KEY: 'global value' },
    });
    // Those of others are not seen.
    expect(await service.resolve(names, { ...RUN, pipelineId: 'p2' })).toMatchObject({
      values: { A_KEY: 'global value', B_KEY: 'global value', C_KEY: 'global value' },
    });
  });

  it('gives what no pipeline asks for the global ones, by their rules', async () => {
    await set(EVERYBODY, 'A_KEY', 'global value');
    await set(PIPELINE, 'A_KEY', 'pipeline value');
    await set(PIPELINE, 'B_KEY', 'pipeline value');
    await set(EVERYBODY, 'C_KEY', 'global value', { protected: true });
    const run = { event: 'manual', unprotected: 'it is of no branch' };
    expect(await service.resolveGlobal(['A_KEY'], run)).toMatchObject({
      values: { A_KEY: 'global value' },
    });
    const found = await service.resolveGlobal(['A_KEY'], run);
    const taken = found.kind === 'values' ? found.taken : [];
    // A narrower one of the pipeline whose artifact it was is no other value of it.
    expect(await service.replaced(taken, { pipelineId: 'p1' })).toEqual([]);
    await set(EVERYBODY, 'A_KEY', 'another value');
    expect(await service.replaced(taken, { pipelineId: 'p1' })).toEqual(['A_KEY']);
    expect(await service.resolveGlobal(['B_KEY'], run)).toMatchObject({ names: ['B_KEY'] });
    expect(await service.resolveGlobal(['C_KEY'], run)).toMatchObject({ kind: 'withheld' });
  });

  it('gives of each name the narrowest that is for such a run', async () => {
    await set(PIPELINE, 'A_KEY', 'pipeline value', { protected: true });
    await set(REPOSITORY, 'A_KEY', 'repository value', { events: ['push'] });
    await set(EVERYBODY, 'A_KEY', 'global value');
    const given = async (event: string, unprotected?: string): Promise<unknown> => {
      const run = { pipelineId: 'p1', repositoryId: 'r1', event, unprotected };
      const found = await service.resolve(['A_KEY'], run);
      return found.kind === 'values' ? found.values['A_KEY'] : found;
    };
    expect(await given('push')).toBe('pipeline value');
    expect(await given('push', 'it is of a branch')).toBe('repository value');
    expect(await given('pull_request', 'it is of a pull request')).toBe('global value');
    await service.delete(EVERYBODY, 'A_KEY', 'x');
    expect(await given('pull_request', 'it is of a pull request')).toEqual({
      kind: 'withheld',
      secrets: [
        { name: 'A_KEY', scope: 'pipeline', events: null, protected: true, why: 'protected' },
        { name: 'A_KEY', scope: 'repository', events: ['push'], protected: false, why: 'event' },
      ],
      run: { event: 'pull_request', unprotected: 'it is of a pull request' },
    });
  });

  it('a value that is not for such a run is not opened', async () => {
    await set(EVERYBODY, 'A_KEY', 'global value', { events: ['push'] });
    const other = over(new Keyring([key('k2', 9)]));
    const run = { ...RUN, event: 'manual' };
    expect(await other.resolve(['A_KEY'], run)).toMatchObject({ kind: 'withheld' });
  });

  it('gives nothing when one of them is missing, and names all that are', async () => {
    await set(EVERYBODY, 'A_KEY', 'global value');
    expect(await service.resolve(['X_KEY', 'A_KEY', 'Y_KEY'], RUN)).toEqual({
      kind: 'missing',
      names: ['X_KEY', 'Y_KEY'],
    });
  });

  it('stores values sealed, each for its own place', async () => {
    await set(EVERYBODY, 'A_KEY', 'the value of it');
    await set(EVERYBODY, 'B_KEY', 'another value');
    expect(JSON.stringify([...stored.values()])).not.toContain('value of it');
    const one = stored.get('global:A_KEY');
    const other = stored.get('global:B_KEY');
    if (!one || !other) throw new Error('not stored');
    stored.set('global:B_KEY', { ...other, value: one.value });
    expect(await service.resolve(['B_KEY'], RUN)).toEqual({
      kind: 'unreadable',
      name: 'B_KEY',
    });
  });

  it('names the key that is missing, and gives no empty value', async () => {
    await set(EVERYBODY, 'A_KEY', 'the value of it');
    expect(await over(new Keyring([key('k2', 9)])).resolve(['A_KEY'], RUN)).toEqual({
      kind: 'unreadable',
      name: 'A_KEY',
      keyId: 'k1',
    });
  });

  it.each([
    ['1KEY', 'long enough', 'is no name of a variable'],
    ['CI_KEY', 'long enough', 'is reserved'],
    ['A_KEY', 'abc', 'cannot be masked'],
    ['A_KEY', 'ab\ncd\n   x', 'cannot be masked'],
    ['A_KEY', 'x'.repeat(50_000), 'more than 49152 bytes'],
    ['A_KEY', 'nul\0byte', 'control character'],
  ])('refuses %s with such a value, and says nothing of it', async (name, value, why) => {
    const error: { details?: unknown } = await service.set(EVERYBODY, name, value, {}, 'x').then(
      () => ({}),
      (thrown: { details?: unknown }) => thrown,
    );
    expect(JSON.stringify(error.details)).toContain(why);
    expect(JSON.stringify(error)).not.toContain(value.slice(0, 8));
    expect(stored.size).toBe(0);
  });

  it('takes none for an owner that is not there, and deletes none that is not there', async () => {
    await expect(set({ scope: 'pipeline', id: 'p2' }, 'A_KEY', 'a value')).rejects.toThrow(
      'There is no pipeline p2',
    );
    await set(PIPELINE, 'A_KEY', 'a value');
    await expect(service.delete(EVERYBODY, 'A_KEY', 'x')).rejects.toThrow('no secret A_KEY');
    await service.delete(PIPELINE, 'A_KEY', 'x');
    expect(stored.size).toBe(0);
  });
});
