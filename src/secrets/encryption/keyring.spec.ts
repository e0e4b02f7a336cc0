import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EncryptionKey, parseEncryptionKeys } from '../../config/encryption-key-list.js';
import { encryptionKeysFile, KeyFile, loadKeyring } from './encryption-keys.js';
import { BrokenSealError, keyOf, Keyring, MissingKeyError, REFRESH_MS } from './keyring.js';

const key = (id: string, fill = 7): EncryptionKey => ({
  id,
  bytes: Buffer.from(Array.from({ length: 32 }, (_, n) => (n * fill) % 256)),
});

describe('Keyring', () => {
  const ring = new Keyring([key('new'), key('old', 11)]);

  it('opens what it sealed, in its place only', () => {
    const sealed = ring.seal('s3cret ü', 'secret:global:A');
    expect(ring.open(sealed, 'secret:global:A')).toBe('s3cret ü');
    expect(keyOf(sealed)).toBe('new');
    expect(() => ring.open(sealed, 'secret:global:B')).toThrow(BrokenSealError);
  });

  it('never seals the same text to the same bytes', () => {
    const sealed = Array.from({ length: 50 }, () => ring.seal('x', 'c'));
    expect(new Set(sealed).size).toBe(50);
  });

  it('opens what an older key sealed, and names a key that is missing', () => {
    const sealed = new Keyring([key('old', 11)]).seal('x', 'c');
    expect(ring.open(sealed, 'c')).toBe('x');
    const without = new Keyring([key('new')]);
    expect(() => without.open(sealed, 'c')).toThrow(MissingKeyError);
    expect(() => without.open(sealed, 'c')).toThrow('"old"');
  });

  it('opens nothing that was changed at any character, cut or prolonged', () => {
    const sealed = ring.seal('hello', 'c');
    for (let at = 0; at < sealed.length; at++) {
      const other = sealed[at] === 'A' ? 'B' : 'A';
      const changed = sealed.slice(0, at) + other + sealed.slice(at + 1);
      // The last character of base64 may hold bits that mean nothing.
      const isSame = Buffer.from(changed.split('.')[3] ?? '', 'base64url').equals(
        Buffer.from(sealed.split('.')[3] ?? '', 'base64url'),
      );
      if (isSame && changed.split('.').slice(0, 3).join() === sealed.split('.').slice(0, 3).join())
        continue;
      expect(() => ring.open(changed, 'c')).toThrow();
    }
    for (const broken of ['', 'v1', 'v1.new', 'v1.new..', sealed.slice(0, -9), `${sealed}.x`]) {
      expect(() => ring.open(broken, 'c')).toThrow(BrokenSealError);
    }
  });
});

describe('the keys', () => {
  const home = mkdtempSync(join(tmpdir(), 'keys-'));
  afterAll(() => rmSync(home, { recursive: true }));

  it('are made once in the data folder, for its owner only', () => {
    const sealed = loadKeyring(undefined, home).seal('x', 'c');
    expect(loadKeyring(undefined, home).open(sealed, 'c')).toBe('x');
    expect(statSync(encryptionKeysFile(home)).mode & 0o777).toBe(0o600);
  });

  it('are taken over by other processes when they change: they open at once, and seal soon', () => {
    const other = loadKeyring(undefined, home);
    const [old = ''] = other.ids;
    const file = new KeyFile(encryptionKeysFile(home));
    file.replace([key('fresh'), ...file.load()]);
    expect(statSync(encryptionKeysFile(home)).mode & 0o777).toBe(0o600);
    expect(keyOf(other.seal('x', 'c'))).toBe(old);
    expect(other.open(loadKeyring(undefined, home).seal('y', 'c'), 'c')).toBe('y');
    expect(other.ids).toEqual(['fresh', old]);
    const third = loadKeyring(undefined, home);
    file.replace([key('newest'), ...file.load()]);
    jest.spyOn(performance, 'now').mockReturnValue(performance.now() + REFRESH_MS + 1);
    expect(keyOf(third.seal('x', 'c'))).toBe('newest');
  });

  it('of the configuration go first, and the file stays as it is', () => {
    const before = readFileSync(encryptionKeysFile(home), 'utf8');
    expect(keyOf(loadKeyring([key('a')], home).seal('x', 'c'))).toBe('a');
    expect(readFileSync(encryptionKeysFile(home), 'utf8')).toBe(before);
  });

  it.each([
    ['', 'must hold a key'],
    ['a:c2hvcnQ=', 'must be a list of name:key'],
    ['Übel:x', 'must be a list of name:key'],
    [`a:${Buffer.alloc(32).toString('base64')}`, 'one repeated byte'],
    [`a:${key('a').bytes.toString('base64')},a:${key('a').bytes.toString('base64')}`, 'two keys'],
  ])('%j are refused', (text, problem) => {
    expect(parseEncryptionKeys(text)).toEqual({ problem: expect.stringContaining(problem) });
    writeFileSync(encryptionKeysFile(home), text);
    expect(() => loadKeyring(undefined, home)).toThrow(problem);
  });
});
