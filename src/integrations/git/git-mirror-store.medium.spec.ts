import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transpileEntry } from '../../../test/support/transpile-entry.js';
import { GitMirrorStore } from './git-mirror-store.js';
import { ownProcessMark, processState } from '../../common/child-process/process-mark.js';

const MIB = 2 ** 20;
const DAY_MS = 86_400_000;
const URLS = ['https://host/a.git', 'https://host/b.git', 'https://host/c.git'];
const module_ = transpileEntry('src/integrations/git/git-mirror-store.ts');
afterAll(() => module_.remove());

describe('GitMirrorStore', () => {
  let base: string;
  let store: GitMirrorStore;
  const settings = { maxBytes: 3.5 * MIB, maxAgeMs: 7 * DAY_MS, share: 'copy' } as const;
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'millrace-store-'));
    store = new GitMirrorStore({ ...settings, folder: base });
  });
  afterEach(() => rm(base, { recursive: true, force: true }));

  /** An entry of one MiB; `content` names its pack. */
  const publish = async (url: string, sha: string, content = sha): Promise<void> => {
    const stage = await store.stage();
    const packs = join(stage, '.git', 'objects', 'pack');
    await mkdir(packs, { recursive: true });
    const end = Buffer.alloc(20, content);
    await writeFile(join(packs, `pack-${content}.pack`), Buffer.concat([Buffer.alloc(MIB), end]));
    await writeFile(join(packs, `pack-${content}.idx`), Buffer.concat([end, Buffer.alloc(20)]));
    await store.publish(url, join(stage, '.git'), { scope: `${sha}-1`, depth: 1, tips: [sha] });
    await store.discard(stage);
  };
  const sha = (digit: number): string => String(digit).repeat(40);
  const kept = async (): Promise<readonly number[]> => {
    const counts = await Promise.all(URLS.map(async (url) => (await store.entries(url)).length));
    return counts;
  };
  const usedAt = async (url: string, time: number): Promise<void> => {
    for (const { folder } of await store.entries(url)) {
      await utimes(join(folder, 'entry.json'), time / 1000, time / 1000);
    }
  };

  it('keeps the last used ones within the size', async () => {
    store = new GitMirrorStore({ ...settings, folder: base, evictEveryMs: 0 });
    for (const [index, url] of URLS.entries()) await publish(url, sha(index));
    expect(await kept()).toEqual([1, 1, 1]);
    await usedAt(URLS[1] ?? '', Date.now() - 5000);
    await publish(URLS[0] ?? '', sha(7));
    expect(await kept()).toEqual([2, 0, 1]);
  });

  it('looks through all mirrors now and then, not for each new one', async () => {
    const everyMs = 600_000;
    store = new GitMirrorStore({ ...settings, folder: base, evictEveryMs: everyMs });
    const evict = jest.spyOn(store, 'evict');
    const timer = jest.spyOn(globalThis, 'setTimeout');
    for (const [index, url] of URLS.entries()) await publish(url, sha(index));
    expect(evict).toHaveBeenCalledTimes(1);
    const later = timer.mock.calls.filter(([, ms = 0]) => ms > everyMs / 2);
    timer.mockRestore();
    // One for all that came since.
    expect(later).toHaveLength(1);
    (later[0]?.[0] as () => void)();
    expect(evict).toHaveBeenCalledTimes(2);
    await evict.mock.results[1]?.value;
  });

  it('does nothing later when it was closed', async () => {
    const everyMs = 600_000;
    store = new GitMirrorStore({ ...settings, folder: base, evictEveryMs: everyMs });
    const timer = jest.spyOn(globalThis, 'setTimeout');
    for (const [index, url] of URLS.entries()) await publish(url, sha(index));
    const index = timer.mock.calls.findIndex(([, ms = 0]) => ms > everyMs / 2);
    const later = timer.mock.results[index]?.value as { readonly _destroyed: boolean };
    timer.mockRestore();
    expect(later._destroyed).toBe(false);
    await store.close();
    expect(later._destroyed).toBe(true);
  });

  it('removes what was not used for days, also when it is small', async () => {
    await publish(URLS[0] ?? '', sha(1));
    await publish(URLS[1] ?? '', sha(2));
    await usedAt(URLS[0] ?? '', Date.now() - 8 * DAY_MS);
    await store.evict();
    expect(await kept()).toEqual([0, 1, 0]);
  });

  it('publishes once, whoever is first', async () => {
    await Promise.all(Array.from({ length: 8 }, () => publish(URLS[0] ?? '', sha(1))));
    expect(await kept()).toEqual([1, 0, 0]);
    expect(await readdir(join(base, 'stage'))).toEqual([]);
  });

  it('is used by many processes while entries come and go', async () => {
    const work = async (turn: number): Promise<void> => {
      await publish(URLS[turn % 3] ?? '', sha(turn % 10));
      if (turn % 5 === 0) await store.evict(0);
      for (const entry of await store.entries(URLS[turn % 3] ?? '')) {
        const stage = await store.stage();
        await mkdir(join(stage, '.git', 'objects', 'pack'), { recursive: true });
        // Whole, or told to be broken because another one removes it: never half.
        await store.take(entry, join(stage, '.git')).catch((error: Error) => {
          expect(error.constructor.name).toBe('BrokenMirrorError');
        });
        await store.discard(stage);
      }
    };
    await Promise.all(Array.from({ length: 30 }, (_, turn) => work(turn)));
  });

  describe('when a process is killed', () => {
    const holder = async (): Promise<ChildProcess> => {
      const program = `
        import { GitMirrorStore } from ${JSON.stringify(module_.path)};
        const store = new GitMirrorStore(${JSON.stringify({ ...settings, folder: base })});
        await store.turn(${JSON.stringify(URLS[0])}, 1000);
        await store.stage();
        console.log('holds');
        setInterval(() => {}, 1000);`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout as NodeJS.EventEmitter, 'data');
      return child;
    };

    it('gives the turn to the next one at once, and removes what was left', async () => {
      const child = await holder();
      const ended = once(child, 'exit');
      const waiting = store.turn(URLS[0] ?? '', 10_000);
      const early = await Promise.race([waiting.then(() => true), pause(300)]);
      expect(early).toBeUndefined();
      child.kill('SIGKILL');
      await ended;
      const start = performance.now();
      const endTurn = await waiting;
      expect(performance.now() - start).toBeLessThan(3000);
      await endTurn();
      await store.evict();
      expect(await readdir(join(base, 'stage'))).toEqual([]);
    });

    it('does not wait for ever for one that lives', async () => {
      const child = await holder();
      const start = performance.now();
      await (
        await store.turn(URLS[0] ?? '', 400)
      )();
      expect(performance.now() - start).toBeGreaterThan(300);
      child.kill('SIGKILL');
    });
  });

  it('knows a process by more than its pid', () => {
    const [pid = '', start = '', namespace = ''] = ownProcessMark().split('.');
    expect(processState(ownProcessMark())).toBe('alive');
    expect(processState(`${pid}.${Number(start) + 1}.${namespace}`)).toBe('dead');
    expect(processState(`${pid}.${start}.1`)).toBe('unknown');
    expect(processState('nonsense')).toBe('unknown');
  });
});

function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms));
}
