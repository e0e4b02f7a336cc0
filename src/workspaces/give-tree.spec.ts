import { execFileSync } from 'node:child_process';
import fs, {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { giveTree } from './give-tree.js';

const OWN = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, isShared: true };
/** What a folder of the owner alone has once it is shared with the group. */
const SHARED = 0o2770;
const NAME = 'n'.repeat(200);
/** 12,000 bytes: paths end at 4,096. */
const DEPTH = 60;

/** Only root gives files away. */
const describeAsRoot = process.getuid?.() === 0 ? describe : describe.skip;
const STRANGER = { uid: 54321, gid: 54321, isShared: false };

/** False: that user may not. */
function asUser(uid: number, act: () => void): boolean {
  process.seteuid?.(uid);
  try {
    act();
    return true;
  } catch {
    return false;
  } finally {
    process.seteuid?.(0);
  }
}

describe('giveTree', () => {
  const home = process.cwd();
  let top: string;
  beforeEach(() => (top = mkdtempSync(join(tmpdir(), 'mr-give-'))));
  afterEach(() => {
    process.chdir(home);
    execFileSync('rm', ['-rf', top]);
  });

  it('gives what lies deeper than any path of the system goes', () => {
    process.chdir(top);
    for (let depth = 0; depth < DEPTH; depth += 1) {
      mkdirSync(NAME, { mode: 0o700 });
      process.chdir(NAME);
    }
    writeFileSync('deepest', '', { mode: 0o600 });
    process.chdir(home);
    giveTree(top, OWN);
    expect(process.cwd()).toBe(home);
    process.chdir(top);
    for (let depth = 0; depth < DEPTH; depth += 1) process.chdir(NAME);
    expect(statSync('.').mode & 0o7777).toBe(SHARED);
    expect(statSync('deepest').mode & 0o777).toBe(0o660);
  });

  it('follows no link', () => {
    mkdirSync(join(top, 'inside'));
    mkdirSync(join(top, 'outside'), { mode: 0o700 });
    symlinkSync('../outside', join(top, 'inside/link'));
    giveTree(join(top, 'inside'), OWN);
    expect(statSync(join(top, 'outside')).mode & 0o7777).toBe(0o700);
  });

  describeAsRoot('files with a second name', () => {
    const at = (path: string): string => join(top, path);
    const uidOf = (path: string): number => statSync(at(path)).uid;

    beforeEach(() => {
      chmodSync(top, 0o711);
      mkdirSync(at('tree/a/deep'), { recursive: true });
      mkdirSync(at('tree/b'));
      writeFileSync(at('tree/a/deep/x'), '');
    });

    it('are given where all names are in the tree and nobody is at work there', () => {
      linkSync(at('tree/a/deep/x'), at('tree/b/x'));
      chmodSync(at('tree/b'), 0o1777);
      giveTree(at('tree'), STRANGER);
      expect(uidOf('tree/b/x')).toBe(0);
      expect(uidOf('tree/b')).toBe(STRANGER.uid);
      giveTree(at('tree'), { ...STRANGER, isAlone: true });
      const all = ['tree', 'tree/a', 'tree/a/deep', 'tree/b', 'tree/b/x'];
      expect(all.map(uidOf)).toEqual(all.map(() => STRANGER.uid));
      expect(statSync(at('tree/b')).mode & 0o7777).toBe(0o1777);
    });

    it('are not where one is outside', () => {
      linkSync(at('tree/a/deep/x'), at('tree/b/x'));
      linkSync(at('tree/b/x'), at('outside'));
      giveTree(at('tree'), { ...STRANGER, isAlone: true });
      expect(uidOf('outside')).toBe(0);
      expect(['tree', 'tree/a', 'tree/b'].map(uidOf)).toEqual(Array(3).fill(STRANGER.uid));
    });

    it('are not where a name is moved while they are counted', () => {
      // One name in the tree, that is found in each of its four folders: four in all.
      for (const path of ['outside', 'outside-2', 'outside-3']) {
        linkSync(at('tree/a/deep/x'), at(path));
      }
      // Before a folder is read, its owner puts the one name there: it would be found in each.
      const read = fs.readdirSync;
      let moves = 0;
      let name = at('tree/a/deep/x');
      const spy = jest.spyOn(fs, 'readdirSync').mockImplementation(((folder: Buffer, ...more) => {
        const next = join(process.cwd(), folder.toString(), 'x');
        if (asUser(STRANGER.uid, () => renameSync(name, next))) {
          name = next;
          moves += 1;
        }
        return (read as (...all: unknown[]) => unknown)(folder, ...more);
      }) as typeof fs.readdirSync);
      try {
        giveTree(at('tree'), { ...STRANGER, isAlone: true });
      } finally {
        spy.mockRestore();
      }
      expect(moves).toBeGreaterThan(0);
      expect(uidOf('outside')).toBe(0);
    });
  });
});
