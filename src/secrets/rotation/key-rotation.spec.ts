import { Logger } from '@nestjs/common';
import { mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { standIn } from '../../../test/support/stand-in.js';
import type { MillraceConfig } from '../../config/millrace-config.js';
import { encryptionKeysFile, loadKeyring } from '../encryption/encryption-keys.js';
import { testKey } from '../encryption/keyring.fixture.js';
import { keyOf, type Keyring } from '../encryption/keyring.js';
import type { EncryptionStateRepository } from './encryption-state.repository.js';
import { KeyRotation } from './key-rotation.js';
import type { ResealTask } from './reseal-task.js';
import type { Resealer } from './resealer.js';

Logger.overrideLogger(false);

describe('KeyRotation', () => {
  let home: string;
  let keyring: Keyring;
  let uses: Map<string, number>;
  let sealedBy: string | undefined;
  let isFree: boolean;
  let again: number;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'rotation-'));
    keyring = loadKeyring(undefined, home);
    uses = new Map();
    sealedBy = keyring.primary.id;
    isFree = true;
    again = 0;
  });
  afterEach(() => rmSync(home, { recursive: true }));

  const rotation = (encryptionKeys?: MillraceConfig['encryptionKeys']): KeyRotation =>
    new KeyRotation(
      { home, encryptionKeys } as MillraceConfig,
      keyring,
      standIn<EncryptionStateRepository>({
        sealedBy: async () => sealedBy,
        noteUnsealed: async () => {
          sealedBy = undefined;
        },
        beginChange: async () => {
          const was = isFree;
          isFree = false;
          return was;
        },
        endChange: async () => {
          isFree = true;
        },
      }),
      standIn<Resealer>({ uses: async () => uses }),
      standIn<ResealTask>({ again: () => (again += 1) }),
    );
  const longAgo = (): void => utimesSync(encryptionKeysFile(home), 1, 1);

  it('seals by a new key at once, and keeps the old one', async () => {
    const old = keyring.primary.id;
    const sealed = keyring.seal('x', 'c');
    const { ids, isResealing } = await rotation().rotate();
    expect(ids).toEqual([keyring.primary.id, old]);
    expect(isResealing).toBe(true);
    expect(keyOf(keyring.seal('x', 'c'))).not.toBe(old);
    expect(loadKeyring(undefined, home).open(sealed, 'c')).toBe('x');
    sealedBy = keyring.primary.id;
    expect(await rotation().list()).toEqual({ ids, isResealing: false });
  });

  it('drops a key that nothing uses, and no other', async () => {
    const old = keyring.primary.id;
    await rotation().rotate();
    const fresh = keyring.primary.id;
    sealedBy = fresh;
    await expect(rotation().drop(old)).rejects.toThrow('just now');
    longAgo();
    uses = new Map([[old, 3]]);
    await expect(rotation().drop(old)).rejects.toThrow(`3 documents are still sealed by the key`);
    // Somebody wrote late: all is looked through once more.
    expect({ sealedBy, again }).toEqual({ sealedBy: undefined, again: 1 });
    uses = new Map([[fresh, 3]]);
    await expect(rotation().drop(fresh)).rejects.toThrow('cannot be dropped');
    await expect(rotation().drop('k-none')).rejects.toThrow('no encryption key');
    expect(keyring.ids).toEqual([fresh, old]);
    await rotation().drop(old);
    expect(keyring.ids).toEqual([fresh]);
    expect(loadKeyring(undefined, home).ids).toEqual([fresh]);
  });

  it('changes nothing while somebody else may be changing it', async () => {
    isFree = false;
    await expect(rotation().rotate()).rejects.toThrow('Somebody else');
    expect(keyring.ids).toHaveLength(1);
    // And does not take the turn away from whoever has it.
    expect(isFree).toBe(false);
  });

  it('leaves keys of ENCRYPTION_KEYS to the operator', async () => {
    const configured = rotation([testKey('k1')]);
    await expect(configured.rotate()).rejects.toThrow('ENCRYPTION_KEYS');
    await expect(configured.drop('k1')).rejects.toThrow('ENCRYPTION_KEYS');
  });
});
