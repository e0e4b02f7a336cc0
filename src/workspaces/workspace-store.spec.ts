import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Workspace } from './workspace.js';
import { WorkspaceStore } from './workspace-store.js';

const EXECUTION = '0190a0b0-0000-7000-8000-000000000001';

describe('WorkspaceStore', () => {
  let base: string;
  let store: WorkspaceStore;

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'millrace-workspaces-'));
    store = new WorkspaceStore(join(base, 'workspaces'), undefined);
  });

  afterEach(async () => {
    await rm(base, { recursive: true, force: true });
  });

  it('makes folders that nobody else can enter, and removes them whole', async () => {
    const workspace = await store.create(EXECUTION, 1);
    for (const folder of [workspace.root, workspace.directory, workspace.home, workspace.outputs]) {
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
    }
    await writeFile(join(workspace.directory, 'a'), 'x');
    await store.remove(workspace);
    expect(await readdir(join(base, 'workspaces'))).toEqual([]);
    await store.remove(workspace);
  });

  it('gives every attempt folders of its own and lists them', async () => {
    await store.create(EXECUTION, 1);
    await store.create(EXECUTION, 2);
    const attempts = (await store.list()).map(({ executionId, attempt }) => [executionId, attempt]);
    expect(attempts.sort()).toEqual([
      [EXECUTION, 1],
      [EXECUTION, 2],
    ]);
  });

  it('starts empty when the same attempt is made again', async () => {
    const first = await store.create(EXECUTION, 1);
    await writeFile(join(first.directory, 'left-over'), 'x');
    const again = await store.create(EXECUTION, 1);
    expect(await readdir(again.directory)).toEqual([]);
  });

  it('removes folders that a step made unreadable, and leaves the target of a link alone', async () => {
    const outside = join(base, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'kept'), 'x');
    const workspace = await store.create(EXECUTION, 1);
    const locked = join(workspace.directory, 'locked');
    await mkdir(join(locked, 'inner'), { recursive: true });
    await writeFile(join(locked, 'inner', 'file'), 'x');
    await symlink(outside, join(locked, 'link'));
    await chmod(join(locked, 'inner'), 0o000);
    await chmod(locked, 0o500);
    await store.remove(workspace);
    expect(await readdir(join(base, 'workspaces'))).toEqual([]);
    expect(await readdir(outside)).toEqual(['kept']);
  });

  describe('a tree that the worker made', () => {
    // Only root gives files away: anybody else hands over to itself, which changes nothing.
    const isRoot = process.getuid?.() === 0;
    const owner = isRoot
      ? { uid: 54321, gid: 54321 }
      : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    let workspace: Workspace;
    let staged: string;

    beforeEach(async () => {
      await chmod(base, 0o755);
      store = new WorkspaceStore(join(base, 'workspaces'), owner);
      workspace = await store.create(EXECUTION, 1);
      staged = await store.stage(workspace);
      await mkdir(join(staged, 'deep'));
      await writeFile(join(staged, 'deep', 'file'), 'x');
      await symlink('/etc/passwd', join(staged, 'link'));
    });

    const uidOf = async (path: string) => (await lstat(join(workspace.directory, path))).uid;

    it('is handed over whole but for files that have a second name, and moved in', async () => {
      const shared = join(base, 'mirror.pack');
      await writeFile(shared, 'of all', { mode: 0o444 });
      await link(shared, join(staged, 'deep', 'shared.pack'));
      const before = await stat(shared);
      expect(await store.place(workspace, staged, ['a', 'b'])).toBe('placed');
      for (const path of ['a', 'a/b', 'a/b/deep', 'a/b/deep/file', 'a/b/link']) {
        expect(await uidOf(path)).toBe(owner.uid);
      }
      expect((await stat(shared)).uid).toBe(before.uid);
      expect((await stat('/etc/passwd')).uid).toBe(0);
    });

    it('goes into the workspace itself, and into a folder that is there and empty', async () => {
      expect(await store.place(workspace, staged, [])).toBe('placed');
      expect(await readdir(workspace.directory)).toEqual(['deep', 'link']);
      const second = await store.stage(workspace);
      await writeFile(join(second, 'file'), 'y');
      await mkdir(join(workspace.directory, 'empty'));
      expect(await store.place(workspace, second, ['empty'])).toBe('placed');
      expect(await store.place(workspace, second, ['deep'])).toBe('not_empty');
    });

    it('follows no link on its way, whatever a step put there meanwhile', async () => {
      const outside = join(base, 'outside');
      await mkdir(join(outside, 'inner'), { recursive: true });
      await symlink(outside, join(workspace.directory, 'way'));
      await writeFile(join(workspace.directory, 'file'), 'x');
      for (const names of [['way'], ['way', 'inner'], ['way', 'new'], ['file']]) {
        expect(await store.place(workspace, staged, names)).toBe('outside');
      }
      expect(await readdir(outside)).toEqual(['inner']);
      expect(await readdir(join(outside, 'inner'))).toEqual([]);
    });

    it('lies where no step can enter, and goes with the attempt', async () => {
      expect((await stat(join(staged, '..'))).mode & 0o777).toBe(0o700);
      if (isRoot) expect((await stat(join(staged, '..'))).uid).toBe(0);
      const left = await new WorkspaceStore(join(base, 'workspaces'), owner).list();
      expect(left.map(({ executionId, attempt }) => [executionId, attempt])).toEqual([
        [EXECUTION, 1],
        [EXECUTION, 1],
      ]);
      await store.remove(workspace);
      expect(await readdir(join(base, 'workspaces'))).toEqual([]);
    });
  });
});
