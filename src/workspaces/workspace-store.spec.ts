import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { openTmpdir } from '../../test/support/open-tmpdir.js';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { standIn } from '../../test/support/stand-in.js';
import { transpileEntry } from '../../test/support/transpile-entry.js';
import { LauncherProcessRunner } from '../integrations/process/client/launcher-process-runner.js';
import { attemptFolder } from './attempt-folder.js';
import { giveTree } from './give-tree.js';
import type { HandOverRequest } from './hand-over.js';
import { StepUserScripts } from './step-user-scripts.js';
import type { TreeOwners } from './tree-owners.js';
import type { Workspace } from './workspace.js';
import { FolderError, WorkspaceStore } from './workspace-store.js';

const EXECUTION = '0190a0b0-0000-7000-8000-000000000001';
const isRoot = process.getuid?.() === 0;
const asRoot = isRoot ? it : it.skip;
/** Only root gives folders away: anybody else's steps are its own user. */
const owner = isRoot ? { name: 'step', uid: 54321, gid: 54321 } : undefined;

jest.setTimeout(30_000);

const launcher = transpileEntry('src/launcher.ts');
afterAll(() => launcher.remove());

describe('WorkspaceStore', () => {
  let base: string;
  let processes: LauncherProcessRunner;
  let scripts: StepUserScripts;
  let store: WorkspaceStore;
  let workspace: Workspace;

  beforeAll(async () => {
    base = await mkdtemp(join(openTmpdir(), 'mr-folders-'));
    await chmod(base, 0o711);
    processes = new LauncherProcessRunner({
      launcherEntry: launcher.path,
      stateFolder: join(base, 'launchers'),
      ...(owner && { stepUser: owner }),
    });
    scripts = new StepUserScripts(processes, `folders-${process.pid}-`);
    store = new WorkspaceStore(join(base, 'w'), owner, scripts);
  });

  afterAll(async () => {
    await processes.close();
    await rm(base, { recursive: true, force: true });
  });

  beforeEach(async () => {
    workspace = await store.create(EXECUTION, 1);
  });

  afterEach(async () => {
    await store.remove(workspace);
    expect(await attemptFolders()).toEqual([]);
  });

  /** But for those that are kept for later attempts. */
  async function attemptFolders(): Promise<string[]> {
    return (await readdir(join(base, 'w'))).filter((name) => !name.startsWith('spare-'));
  }

  /** As a step would: by its user. */
  async function step(script: string, ...args: string[]): Promise<string> {
    const end = await scripts.run(script, args, 20_000);
    if (end.kind !== 'exited') throw new Error(end.message);
    return `${end.code} ${end.stdout}`;
  }

  const path = (...names: string[]): string => join(workspace.directory, ...names);
  const uidOf = async (name: string): Promise<number> => (await lstat(path(name))).uid;

  describe('the folders', () => {
    it("are the step's, closed to others", async () => {
      for (const folder of [workspace.directory, workspace.home, workspace.temporary]) {
        const { mode, uid } = await stat(folder);
        expect(mode & 0o777).toBe(0o700);
        if (owner) expect(uid).toBe(owner.uid);
      }
      expect(
        await step('cd "$1" && touch "$2/a" && pwd', workspace.home, workspace.temporary),
      ).toBe(`0 ${workspace.home}\n`);
    });

    asRoot('are in one that no step can list or change', async () => {
      const { root } = workspace;
      expect((await stat(root)).uid).toBe(0);
      for (const attack of [
        'mv "$1/work" "$1/old"',
        'rmdir "$1/work"',
        'ln -s /root "$1/link"',
        'touch "$1/file"',
        'ls "$1"',
      ]) {
        expect([attack, await step(`${attack} 2>/dev/null`, root)]).not.toEqual([attack, '0 ']);
      }
      expect((await readdir(root)).sort()).toEqual(['home', 'tmp', 'work']);
    });

    it('have short paths: a unix socket has room below them', () => {
      const below = workspace.directory.slice(join(base, 'w').length);
      expect(below.length).toBeLessThanOrEqual(30);
    });

    it('are of one attempt each, and listed', async () => {
      const second = await store.create(EXECUTION, 2);
      const attempts = (await store.list()).map(({ executionId, attempt }) => [
        executionId,
        attempt,
      ]);
      expect(attempts.sort()).toEqual([
        [EXECUTION, 1],
        [EXECUTION, 2],
      ]);
      await store.remove(second);
    });

    it('may be prepared before it is known which attempt has them', async () => {
      const prepared = store.prepare();
      const other = await store.create(EXECUTION, 2, prepared);
      expect(await step('cd "$1" && echo x >file && cat file', other.directory)).toBe('0 x\n');
      for (const key of ['directory', 'home', 'temporary', 'root'] as const) {
        const [mine, theirs] = [lstatSync(other[key]), lstatSync(workspace[key])];
        expect([mine.mode, mine.uid, mine.gid]).toEqual([theirs.mode, theirs.uid, theirs.gid]);
      }
      expect(other).toEqual({
        ...{ root: join(base, 'w', attemptFolder(EXECUTION, 2)), owner: workspace.owner },
        directory: join(other.root, 'work'),
        ...{ home: join(other.root, 'home'), temporary: join(other.root, 'tmp') },
      });
      await store.remove(other);
    });

    it('of which nothing is left where no attempt has them', () => {
      const prepared = store.prepare();
      expect(existsSync(prepared?.root ?? '')).toBe(true);
      if (prepared) store.unprepare(prepared);
      if (prepared) store.unprepare(prepared);
      expect(existsSync(prepared?.root ?? '')).toBe(false);
    });

    it('are listed for what a dead worker left after a minute, and not sooner', async () => {
      const prepared = store.prepare();
      const isListed = async (): Promise<boolean> =>
        (await store.list()).some(({ root }) => root === prepared?.root);
      expect(await isListed()).toBe(false);
      const later = Date.now() + 61_000;
      const clock = jest.spyOn(Date, 'now').mockReturnValue(later);
      try {
        expect(await isListed()).toBe(true);
      } finally {
        clock.mockRestore();
      }
      if (prepared) await store.remove(prepared);
      expect(existsSync(prepared?.root ?? '')).toBe(false);
    });

    describe('that no step has touched', () => {
      const inode = (folder: string): number => lstatSync(folder).ino;
      let other: WorkspaceStore;

      beforeEach(async () => {
        other = new WorkspaceStore(join(base, 'others'), owner, scripts);
        await other.remove(await other.create(EXECUTION, 1));
      });
      afterEach(() => {
        other.close();
        expect(readdirSync(join(base, 'others'))).toEqual([]);
      });

      /** Made so long before a step could touch them that it would show. */
      async function settled(attempt: number): Promise<Workspace> {
        const prepared = other.prepare();
        await sleep(30);
        return other.create(EXECUTION, attempt, prepared);
      }
      const next = (attempt: number): Promise<Workspace> =>
        other.create(EXECUTION, attempt, other.prepare());
      const inodes = ({ root, directory }: Workspace): number[] => [root, directory].map(inode);

      it('are those of the next attempt', async () => {
        const first = await settled(1);
        const before = inodes(first);
        await other.release(first);
        const second = await next(2);
        expect(inodes(second)).toEqual(before);
        expect(await step('cd "$1" && echo x >file && cat file', second.directory)).toBe('0 x\n');
        await other.release(second);
        const third = await next(3);
        expect(inodes(third)).not.toEqual(before);
        expect(await readdir(third.directory)).toEqual([]);
        await other.remove(third);
      });

      it('are removed where something of their attempt may be left', async () => {
        const first = await settled(1);
        await other.remove(first);
        expect(readdirSync(join(base, 'others'))).toEqual([]);
      });
    });

    it.each<[string, (prepared: string, root: string) => void]>([
      ['were removed for left ones', (prepared) => rmSync(prepared, { recursive: true })],
      ['were half removed', (prepared) => rmdirSync(join(prepared, 'home'))],
      [
        'find a folder of the same attempt',
        (_prepared, root) => {
          mkdirSync(root);
          writeFileSync(join(root, 'outputs-1'), 'x');
        },
      ],
    ])('that %s are made again', async (_case, happens) => {
      const prepared = store.prepare();
      if (prepared) happens(prepared.root, join(base, 'w', attemptFolder(EXECUTION, 2)));
      const other = await store.create(EXECUTION, 2, prepared);
      expect(readdirSync(other.root).toSorted()).toEqual(['home', 'tmp', 'work']);
      expect(readdirSync(other.directory)).toEqual([]);
      await store.remove(other);
    });

    it('cannot be prepared where folders cannot be made: who makes them is told', async () => {
      const none = new WorkspaceStore(join(base, 'none'), owner, scripts);
      expect(none.prepare()).toBeUndefined();
      await none.remove(await none.create(EXECUTION, 1));
      await rm(join(base, 'none'), { recursive: true });
      expect(none.prepare()).toBeUndefined();
      await expect(none.create(EXECUTION, 1)).rejects.toThrow('ENOENT');
    });

    it('are empty when the same attempt is made again', async () => {
      await writeFile(path('left-over'), 'x');
      workspace = await store.create(EXECUTION, 1);
      expect(await readdir(workspace.directory)).toEqual([]);
    });
  });

  describe('are removed', () => {
    it('with what a step made unreadable, and the target of a link is left alone', async () => {
      const outside = join(base, 'outside');
      await mkdir(outside);
      await writeFile(join(outside, 'kept'), 'x');
      await step(
        'cd "$1" && mkdir -p locked/inner && touch locked/inner/file && ln -s "$2" locked/link && mkfifo pipe && chmod 0 locked/inner && chmod 0 locked',
        workspace.directory,
        outside,
      );
      await store.remove(workspace);
      expect(await attemptFolders()).toEqual([]);
      expect(await readdir(outside)).toEqual(['kept']);
      await store.remove(workspace);
      await rm(outside, { recursive: true });
    });

    it('without a change to a file that has a second name outside', async () => {
      const outside = await mkdtemp(join(base, 'outside-'));
      await chmod(outside, 0o711);
      const kept = join(outside, 'kept');
      await writeFile(kept, 'x');
      if (owner) await chown(kept, owner.uid, owner.gid);
      await chmod(kept, 0o440);
      await mkdir(path('closed'));
      await link(kept, path('closed', 'second'));
      if (owner) await chown(path('closed'), owner.uid, owner.gid);
      await chmod(path('closed'), 0);
      await store.remove(workspace);
      const { mode, nlink } = await stat(kept);
      expect([(mode & 0o7777).toString(8), nlink]).toEqual(['440', 1]);
      await rm(outside, { recursive: true });
    });

    it('with a path that is longer than PATH_MAX, and no permissions at its end', async () => {
      const name = 'd'.repeat(200);
      const made = await step(
        'cd "$1" && i=0; while [ $i -lt 50 ]; do mkdir "$2" && cd -P "./$2" || exit 9; i=$((i+1)); done; mkdir y; touch y/x; chmod 0 y; chmod 0 .; cd "$1"; chmod 0 .',
        workspace.directory,
        name,
      );
      expect(made).toBe('0 ');
      await store.remove(workspace);
      expect(await attemptFolders()).toEqual([]);
    });

    asRoot("by the step user: what is root's in them stays, and is named", async () => {
      await mkdir(path('of-root'));
      await writeFile(path('of-root', 'file'), 'x');
      await expect(store.remove(workspace)).rejects.toThrow(FolderError);
      await expect(store.remove(workspace)).rejects.toThrow('work/of-root is left');
      expect(await readFile(path('of-root', 'file'), 'utf8')).toBe('x');
      await rm(path('of-root'), { recursive: true });
    });

    it('also when a link stands in the place of all of them', async () => {
      const outside = join(base, 'outside');
      await mkdir(outside);
      await writeFile(join(outside, 'kept'), 'x');
      const root = join(base, 'w', 'A'.repeat(22) + '.1');
      await symlink(outside, root);
      await store.remove({ root });
      expect(await readdir(outside)).toEqual(['kept']);
      await rm(outside, { recursive: true });
    });
  });

  describe('a tree that the worker made', () => {
    let staged: string;

    beforeEach(async () => {
      staged = await store.stage(workspace);
      await mkdir(join(staged, 'deep'));
      await writeFile(join(staged, 'deep', 'file'), 'x');
      await symlink('/etc/passwd', join(staged, 'link'));
    });

    it('is handed over whole but for files that have a second name, and moved in', async () => {
      const shared = join(base, 'mirror.pack');
      await writeFile(shared, 'of all', { mode: 0o444 });
      await link(shared, join(staged, 'deep', 'shared.pack'));
      const before = await stat(shared);
      expect(await store.checkTarget(workspace, ['a', 'b'])).toBe('free');
      expect(await store.place(workspace, staged, ['a', 'b'])).toBe('placed');
      for (const name of ['a', 'a/b', 'a/b/deep', 'a/b/deep/file', 'a/b/link']) {
        expect(await uidOf(name)).toBe(owner?.uid ?? process.getuid?.());
      }
      expect((await stat(shared)).uid).toBe(before.uid);
      expect((await stat('/etc/passwd')).uid).toBe(0);
      await rm(shared);
    });

    it('may hold names that are not UTF-8', async () => {
      const odd = Buffer.from([0x66, 0xff, 0xfe]);
      const below = Buffer.concat([Buffer.from(`${staged}/`), odd]);
      mkdirSync(below);
      writeFileSync(Buffer.concat([below, Buffer.from('/'), odd]), 'x');
      expect(await store.place(workspace, staged, [])).toBe('placed');
      const placed = Buffer.concat([Buffer.from(`${workspace.directory}/`), odd]);
      expect(lstatSync(placed).uid).toBe(owner?.uid ?? process.getuid?.());
      expect(readdirSync(placed, { encoding: 'buffer' })).toEqual([odd]);
      expect(lstatSync(Buffer.concat([placed, Buffer.from('/'), odd])).uid).toBe(
        owner?.uid ?? process.getuid?.(),
      );
    });

    it('goes into the workspace itself, and into a folder that is there and empty', async () => {
      expect(await store.place(workspace, staged, [])).toBe('placed');
      expect(await readdir(workspace.directory)).toEqual(['deep', 'link']);
      const second = await store.stage(workspace);
      await writeFile(join(second, 'file'), 'y');
      await step('mkdir "$1/empty" && ln -s empty "$1/way"', workspace.directory);
      expect(await store.place(workspace, second, ['way'])).toBe('placed');
      expect(await readdir(path('empty'))).toEqual(['file']);
      for (const taken of ['deep', 'deep/file', 'empty']) {
        expect(await store.checkTarget(workspace, taken.split('/'))).toBe('taken');
      }
      expect(await store.place(workspace, await store.stage(workspace), ['deep'])).toBe('taken');
    });

    it('goes nowhere that the step user could not go', async () => {
      const outside = join(base, 'outside');
      await mkdir(join(outside, 'inner'), { recursive: true });
      const closed = join(base, 'closed');
      await mkdir(closed, { mode: 0o700 });
      await step(
        'ln -s "$2" "$1/way" && ln -s "$3" "$1/closed"',
        workspace.directory,
        outside,
        closed,
      );
      for (const names of [
        ['way'],
        ['way', 'inner'],
        ['way', 'new'],
        ['closed'],
        ['closed', 'x'],
      ]) {
        expect([names, await store.checkTarget(workspace, names)]).toEqual([names, 'outside']);
      }
      expect(await store.place(workspace, staged, ['way', 'new'])).toBe('outside');
      expect(await readdir(outside)).toEqual(['inner']);
      expect(await readdir(join(outside, 'inner'))).toEqual([]);
      await rm(outside, { recursive: true });
      await rm(closed, { recursive: true });
    });

    asRoot("is moved in by the step user: a folder of root's in its way keeps it out", async () => {
      await mkdir(path('of-root'), { mode: 0o755 });
      await expect(store.place(workspace, staged, ['of-root', 'x'])).resolves.toBe('taken');
      await rm(path('of-root'), { recursive: true });
    });

    it('lies where no step can enter, and goes with the attempt', async () => {
      expect((await stat(join(staged, '..'))).mode & 0o777).toBe(0o700);
      if (isRoot) {
        expect(await step('ls "$1" 2>/dev/null', join(staged, '..'))).not.toMatch(/^0/);
      }
      expect(await store.list()).toHaveLength(1);
    });
  });
});

describe('a folder that steps of all users share', () => {
  const OTHER = { uid: 54322, gid: 54322 };
  const CONTAINER = { uid: 54323, gid: 54323 };
  let root: string;
  let folder: string;
  const shared = (): WorkspaceStore => {
    const owners = {
      give: async ({ folder: top, ...to }: HandOverRequest) => giveTree(top, to),
      close: () => undefined,
    };
    const scripts = standIn<StepUserScripts>({});
    return new WorkspaceStore(root, owner, scripts, () => owners);
  };
  /** Whether a process of this user can do it; steps in containers have the group, too. */
  const can = (script: string, { uid, gid }: { uid: number; gid: number }, group = gid): boolean =>
    spawnSync('/bin/sh', ['-c', script], { uid, gid: group, cwd: '/' }).status === 0;

  beforeEach(async () => {
    root = await mkdtemp(join(openTmpdir(), 'mr-shared-'));
    await chmod(root, 0o711);
    folder = join(root, 'cache-npm');
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  asRoot('is closed to everybody else, who may pass the folders above it', async () => {
    const store = shared();
    const workspace = { root } as Workspace;
    await store.makeShared(folder);
    const staged = await store.stage(workspace);
    await writeFile(join(staged, 'f'), 'x');
    await mkdir(join(staged, 'deep'));
    await writeFile(join(staged, 'deep/f'), 'x', { mode: 0o755 });
    expect(can(`: >${folder}/x`, OTHER)).toBe(false);
    expect(can(`: >${folder}/x; rm ${folder}/x`, CONTAINER, owner?.gid)).toBe(true);
    expect(await store.share(staged, folder)).toBe(true);
    for (const act of [`ls ${folder}`, `cat ${folder}/f`, `: >${folder}/deep/$$`]) {
      expect(can(act, OTHER)).toBe(false);
      expect(can(act, CONTAINER, owner?.gid)).toBe(true);
      expect(can(act, owner ?? OTHER)).toBe(true);
    }
    expect(can(`test -x ${folder}/deep/f && ! test -x ${folder}/f`, owner ?? OTHER)).toBe(true);
  });

  asRoot('is opened again for the next user, but no file that has a second name', async () => {
    const store = shared();
    await store.makeShared(folder);
    const fill = `umask 022; mkdir ${folder}/d; echo x >${folder}/d/f`;
    expect(can(fill, CONTAINER, owner?.gid)).toBe(true);
    await writeFile(join(root, 'elsewhere'), 'x', { mode: 0o600 });
    await link(join(root, 'elsewhere'), join(folder, 'second'));
    const change = `echo y >>${folder}/d/f && : >${folder}/d/$$`;
    expect(can(change, OTHER, owner?.gid)).toBe(false);
    await store.shareAgain(folder);
    expect(can(change, OTHER, owner?.gid)).toBe(true);
    expect(can(change, owner ?? OTHER)).toBe(true);
    expect(can(`ls ${folder}`, OTHER)).toBe(false);
    expect((await stat(join(root, 'elsewhere'))).mode & 0o777).toBe(0o600);
  });

  it("is for all users of containers once these can run, below a base that is the worker's alone", async () => {
    const now: { owners?: TreeOwners } = {};
    const base = join(root, 'w');
    const scripts = standIn<StepUserScripts>({});
    const store = new WorkspaceStore(base, undefined, scripts, () => now.owners);
    const modes = async (name: string): Promise<string> => {
      const { root: folder } = await store.create(EXECUTION, 1);
      await store.makeShared(join(folder, name));
      await rm(join(folder, 'work'), { recursive: true });
      const found = [await stat(base), await stat(join(folder, name))];
      await rm(folder, { recursive: true });
      return found.map(({ mode }) => (mode & 0o777).toString(8)).join(' ');
    };
    expect(await modes('before')).toBe('711 700');
    now.owners = { give: async () => undefined, close: () => undefined };
    expect(await modes('since')).toBe('700 777');
  });

  it("is this process's alone where steps have no other user", async () => {
    const own = new WorkspaceStore(root, undefined, standIn<StepUserScripts>({}));
    await own.makeShared(folder);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    await chmod(folder, 0o750);
    await own.makeShared(folder);
    expect((await stat(folder)).mode & 0o777).toBe(0o750);
  });
});

describe('StepUserScripts', () => {
  let base: string;
  let processes: LauncherProcessRunner;

  beforeAll(async () => {
    base = await mkdtemp(join(openTmpdir(), 'mr-scripts-'));
    processes = new LauncherProcessRunner({
      launcherEntry: launcher.path,
      stateFolder: join(base, 'launchers'),
    });
  });
  afterAll(async () => {
    await processes.close();
    await rm(base, { recursive: true, force: true });
  });

  it('gives a script its deadline, whatever it waits for', async () => {
    const scripts = new StepUserScripts(processes, `deadline-${process.pid}-`);
    const begun = performance.now();
    const end = await scripts.run('mkfifo "$1"; trap "" TERM; cat "$1"', [join(base, 'pipe')], 300);
    expect(end).toEqual({ kind: 'broken', message: 'it did not end within 300 ms' });
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  it('keeps the beginning of what it prints, and gives it nothing of the server', async () => {
    const scripts = new StepUserScripts(processes, `output-${process.pid}-`);
    const flood = await scripts.run('head -c 1000000 /dev/zero; echo no >&2; exit 7', [], 20_000);
    expect(flood).toMatchObject({ kind: 'exited', code: 7, stderr: 'no\n' });
    expect(flood.kind === 'exited' && flood.stdout.length).toBe(65_536);
    const names = await scripts.run('env | cut -d= -f1 | sort', [], 20_000);
    expect(names).toMatchObject({
      stdout: expect.stringMatching(/^(LC_ALL|MILLRACE_GROUP|PATH|PWD|\n|_)+$/) as string,
    });
  });
});
