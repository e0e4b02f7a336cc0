import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SpareFolders } from './spare-folders.js';

const NAMES = ['work', 'home', 'tmp'];
/** Longer than the clock of a file system stands still. */
const SETTLED_MS = 30;

describe('SpareFolders', () => {
  let base: string;
  let root: string;
  let spare: SpareFolders;
  const removed: string[] = [];

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'mr-spare-'));
    root = join(base, 'one');
    removed.length = 0;
    spare = new SpareFolders(NAMES, (each) => removed.push(each));
    make(root);
  });

  afterEach(() => {
    spare.close();
    rmSync(base, { recursive: true });
  });

  function make(at: string): void {
    for (const folder of ['', ...NAMES]) mkdirSync(join(at, folder), { mode: 0o700 });
    spare.note(at);
  }

  async function handed(): Promise<void> {
    await sleep(SETTLED_MS);
    spare.hand(root);
  }

  it('takes folders that nobody has touched, also under another name', async () => {
    await handed();
    const other = join(base, 'two');
    renameSync(root, other);
    spare.renamed(root, other);
    expect(spare.isUsable(root)).toBe(false);
    expect(spare.isUsable(other)).toBe(true);
    spare.keep(other);
    expect(spare.take()).toBe(other);
    expect(spare.take()).toBeUndefined();
    // They were made long before this attempt.
    spare.hand(other);
    expect(spare.isUsable(other)).toBe(true);
  });

  it.each<[string, (root: string) => void]>([
    ['a file is left', (at) => writeFileSync(join(at, 'tmp', 'x'), '')],
    [
      'a file was there',
      (at) => (writeFileSync(join(at, 'work/x'), ''), unlinkSync(join(at, 'work/x'))),
    ],
    [
      'a mode was changed back',
      (at) => (chmodSync(join(at, 'home'), 0o777), chmodSync(join(at, 'home'), 0o700)),
    ],
    [
      'the times were set back',
      (at) => {
        writeFileSync(join(at, 'work/x'), '');
        unlinkSync(join(at, 'work/x'));
        utimesSync(join(at, 'work'), 0, 0);
      },
    ],
    [
      'one was made again',
      (at) => (rmdirSync(join(at, 'tmp')), mkdirSync(join(at, 'tmp'), { mode: 0o700 })),
    ],
    ['one is gone', (at) => rmdirSync(join(at, 'tmp'))],
    ['there is one more', (at) => mkdirSync(join(at, 'staging'))],
    ['one has another name', (at) => renameSync(join(at, 'tmp'), join(at, 'temp'))],
    ['the root was opened', (at) => chmodSync(at, 0o755)],
  ])('takes none of which %s', async (_case, touch) => {
    await handed();
    touch(root);
    expect(spare.isUsable(root)).toBe(false);
  });

  it('takes none with a file in it, whatever the times say', async () => {
    writeFileSync(join(root, 'work/x'), '');
    spare.note(root);
    await handed();
    expect(spare.isUsable(root)).toBe(false);
    unlinkSync(join(root, 'work/x'));
    spare.note(root);
    await handed();
    expect(spare.isUsable(root)).toBe(true);
  });

  it('takes none that steps had so soon that a change would not show', async () => {
    spare.hand(root);
    await sleep(SETTLED_MS);
    expect(spare.isUsable(root)).toBe(false);
  });

  it('has room for sixteen, and removes them when nobody asks for one', () => {
    jest.useFakeTimers();
    try {
      const roots = Array.from({ length: 16 }, (_, index) => join(base, `s${String(index)}`));
      for (const each of roots) {
        make(each);
        spare.keep(each);
      }
      jest.advanceTimersByTime(999);
      expect(removed).toEqual([]);
      spare.hand(root, Date.now() + 60_000);
      expect(spare.isUsable(root)).toBe(false);
      jest.advanceTimersByTime(1);
      expect(removed).toEqual(roots);
      expect(spare.isUsable(root)).toBe(true);
    } finally {
      jest.useRealTimers();
    }
  });

  it('gives the longest kept one first, and removes each a second after it was kept', () => {
    jest.useFakeTimers();
    try {
      const [one, two, three] = ['s1', 's2', 's3'].map((name) => join(base, name)) as [
        string,
        string,
        string,
      ];
      for (const each of [one, two, three]) {
        make(each);
        spare.keep(each);
        jest.advanceTimersByTime(300);
      }
      expect(spare.take()).toBe(one);
      jest.advanceTimersByTime(399);
      expect(removed).toEqual([]);
      jest.advanceTimersByTime(1);
      expect(removed).toEqual([two]);
      spare.keep(one);
      jest.advanceTimersByTime(300);
      expect(removed).toEqual([two, three]);
      jest.advanceTimersByTime(700);
      expect(removed).toEqual([two, three, one]);
    } finally {
      jest.useRealTimers();
    }
  });

  it('keeps none from its end on', async () => {
    await handed();
    const kept = join(base, 'two');
    make(kept);
    spare.keep(kept);
    spare.close();
    expect(removed).toEqual([kept]);
    expect(spare.isUsable(root)).toBe(false);
    expect(existsSync(root)).toBe(true);
  });

  it('is short when there was none twice within a second', () => {
    expect([
      spare.isShort(0),
      spare.isShort(999),
      spare.isShort(2_000),
      spare.isShort(2_001),
    ]).toEqual([false, true, false, true]);
  });
});
