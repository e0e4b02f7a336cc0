import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findLauncherFolder, makeNamedFolder } from './launcher-place.js';

const uid = process.getuid?.() ?? 0;
const asRoot = uid === 0 ? it : it.skip;

describe('the folder of the launchers', () => {
  let folder: string;
  const rootPlace = (): string => join(folder, 'run');
  const shared = (name = ''): string => join(folder, 'tmp', name);
  const find = (): string =>
    findLauncherFolder(uid, { rootPlace: rootPlace(), sharedPlace: shared() });
  const name = `millrace-launchers-${uid}`;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-place-'));
    mkdirSync(shared(), { mode: 0o1777 });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  asRoot('is in the place of root, when nobody else can take names there', () => {
    mkdirSync(rootPlace(), { mode: 0o755 });
    expect(find()).toBe(join(rootPlace(), 'millrace-launchers'));
    chmodSync(rootPlace(), 0o777);
    expect(find()).toBe(shared(name));
  });

  it('is found again', () => {
    expect(find()).toBe(shared(name));
    expect(find()).toBe(shared(name));
    expect(readdirSync(shared())).toEqual([name]);
  });

  it('is another one where the name is a link or open to others', () => {
    symlinkSync('/', shared(name));
    mkdirSync(shared(`${name}-1`));
    chmodSync(shared(`${name}-1`), 0o755);
    expect(find()).toBe(shared(`${name}-2`));
    expect(() => makeNamedFolder(shared(name))).toThrow('must be a folder of mode 0700');
  });

  asRoot(
    'is another one where somebody took the name, and stays that when the name is free again',
    () => {
      mkdirSync(shared(name), { mode: 0o700 });
      chownSync(shared(name), 65_001, 65_001);
      expect(find()).toBe(shared(`${name}-1`));
      rmSync(shared(name), { recursive: true });
      expect(find()).toBe(shared(`${name}-1`));
    },
  );

  asRoot('cannot be kept away by taking every name that is foreseen', () => {
    for (let number = 0; number < 120; number += 1) {
      const path = shared(number === 0 ? name : `${name}-${number}`);
      mkdirSync(path, { mode: 0o700 });
      chownSync(path, 65_001, 65_001);
    }
    const found = find();
    expect(found).toMatch(/-0-\w{6}$/);
    expect(find()).toBe(found);
  });

  it('says so when there is no place at all', () => {
    rmSync(shared(), { recursive: true });
    expect(find).toThrow('no folder for the launchers can be made');
  });
});
