import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs, {
  type Stats,
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { openTmpdir } from '../../test/support/open-tmpdir.js';
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

async function listening(path: string): Promise<Server> {
  const server = createServer().listen(path);
  await once(server, 'listening');
  return server;
}

describe('giveTree', () => {
  const home = process.cwd();
  let top: string;
  beforeEach(() => (top = mkdtempSync(join(openTmpdir(), 'mr-give-'))));
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

    it('are not where a folder would be counted twice for its name', () => {
      // Node changes to no folder but those of UTF-8: it would take the other one for the first.
      process.chdir(at('tree'));
      for (let depth = 0; depth < 18; depth++) {
        mkdirSync(NAME);
        process.chdir(NAME);
      }
      const [start, sign] = ['n'.repeat(190), '\ufffd'];
      mkdirSync(`${start}${sign}`);
      mkdirSync(Buffer.concat([Buffer.from(start), Buffer.from([0xff])]));
      renameSync(at('tree/a/deep/x'), `${start}${sign}/x`);
      linkSync(`${start}${sign}/x`, at('outside'));
      process.chdir(home);
      giveTree(at('tree'), { ...STRANGER, isAlone: true });
      expect(uidOf('outside')).toBe(0);
    });

    it('are told apart by all digits of their numbers', () => {
      linkSync(at('tree/a/deep/x'), at('outside'));
      writeFileSync(at('tree/b/y'), '');
      linkSync(at('tree/b/y'), at('outside-y'));
      // Of one number more each: as numbers of JavaScript they are the same.
      const numbers = new Map(
        [statSync(at('outside')), statSync(at('outside-y'))].map(({ ino }, index) => [
          ino,
          2n ** 60n + BigInt(index),
        ]),
      );
      const look = fs.lstatSync;
      const spy = jest.spyOn(fs, 'lstatSync').mockImplementation(((
        path: Buffer,
        options?: { bigint?: boolean },
      ) => {
        const stats = look(path, options) as { ino: number | bigint };
        const ino = numbers.get(Number(stats.ino));
        if (ino !== undefined) stats.ino = options?.bigint === true ? ino : Number(ino);
        return stats;
      }) as typeof fs.lstatSync);
      try {
        giveTree(at('tree'), { ...STRANGER, isAlone: true });
      } finally {
        spy.mockRestore();
      }
      expect(['outside', 'outside-y'].map(uidOf)).toEqual([0, 0]);
    });

    const replacements: readonly (readonly [string, () => Promise<Server> | void])[] = [
      ['a link', () => symlinkSync('moved/x', at('tree/a/other'))],
      ['a name of the file itself', () => renameSync(at('tree/a/deep/x'), at('tree/a/other'))],
      ['a pipe', () => void execFileSync('mkfifo', [at('tree/a/other')])],
      ['a socket', () => listening(at('tree/a/other'))],
    ];
    it.each(replacements)(
      'keep their mode and owner where %s takes the place of a folder',
      async (_, make) => {
        linkSync(at('tree/a/deep/x'), at('outside'));
        chmodSync(at('outside'), 0o600);
        chmodSync(at('tree/a/deep'), 0o6777);
        const server = await make();
        // As soon as a folder is that of its owner again, this changes what was seen in it.
        const look = fs.lstatSync;
        let looks = 0;
        let swaps = 0;
        const spy = jest.spyOn(fs, 'lstatSync').mockImplementation(((path: Buffer, ...more) => {
          const stats = (look as (...all: unknown[]) => Stats)(path, ...more);
          looks += path.toString().endsWith('/deep') ? 1 : 0;
          // It was given, counted, looked at once more, and is now given back.
          if (looks !== 4 || swaps > 0) return stats;
          const isDone = asUser(STRANGER.uid, () => {
            renameSync(at('tree/a/deep'), at('tree/a/moved'));
            renameSync(at('tree/a/other'), at('tree/a/deep'));
          });
          swaps += isDone ? 1 : 0;
          return stats;
        }) as typeof fs.lstatSync);
        try {
          giveTree(at('tree'), { ...STRANGER, isAlone: true });
        } finally {
          spy.mockRestore();
          server?.close();
        }
        expect(swaps).toBe(1);
        expect(statSync(at('outside')).mode & 0o7777).toBe(0o600);
        expect(uidOf('outside')).toBe(0);
      },
    );

    it('are not where a name is moved while they are counted', () => {
      // One name in the tree, that is found in each of its four folders: four in all.
      for (const path of ['outside', 'outside-2', 'outside-3']) {
        linkSync(at('tree/a/deep/x'), at(path));
      }
      for (const path of ['tree', 'tree/a', 'tree/a/deep', 'tree/b']) chmodSync(at(path), 0o777);
      // Before a folder is read, somebody puts the one name there: it would be found in each.
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
