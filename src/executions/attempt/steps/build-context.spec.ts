import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TreeFolder } from '../../../common/tree/tree-folder.js';
import { copyContext } from './build-context.js';
import { BuildFolder } from './build-folder.js';

describe('copyContext', () => {
  let root: string;
  let workspace: string;
  let folder: BuildFolder;
  const { signal } = new AbortController();

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mr-build-context-'));
    workspace = join(root, 'workspace');
    mkdirSync(join(workspace, 'app/sub'), { recursive: true });
    mkdirSync(join(workspace, 'app/.git'));
    mkdirSync(join(root, 'outside'));
    writeFileSync(join(root, 'outside/stolen'), 'stolen');
    writeFileSync(join(root, 'outside/Dockerfile'), 'FROM stolen');
    writeFileSync(join(workspace, 'app/Dockerfile'), 'FROM scratch');
    writeFileSync(join(workspace, 'app/.git/HEAD'), 'ref');
    writeFileSync(join(workspace, 'app/.dockerignore'), 'sub');
    folder = BuildFolder.make({ root }, 1);
  });
  afterEach(() => {
    jest.restoreAllMocks();
    rmSync(root, { recursive: true });
  });

  const copy = (context: string, dockerfile?: string) =>
    copyContext(workspace, { context, ...(dockerfile && { dockerfile }) }, folder, signal);
  const code = async (context: string, dockerfile?: string): Promise<string> => {
    const copied = await copy(context, dockerfile);
    return copied.kind === 'refused' ? copied.reason.code : copied.dockerfile;
  };

  it('takes all of it, with its history, and leaves the ignoring to the builder', async () => {
    expect(await copy('app')).toMatchObject({ kind: 'copied', dockerfile: 'Dockerfile' });
    expect(readdirSync(folder.context).sort()).toEqual([
      '.dockerignore',
      '.git',
      'Dockerfile',
      'sub',
    ]);
    expect(readFileSync(join(folder.context, '.git/HEAD'), 'utf8')).toBe('ref');
    expect(readdirSync(folder.scratch)).toEqual([]);
  });

  it('keeps links that stay inside, and names those that do not', async () => {
    symlinkSync('../Dockerfile', join(workspace, 'app/sub/Other'));
    symlinkSync('../../outside/stolen', join(workspace, 'app/out'));
    symlinkSync(join(root, 'outside'), join(workspace, 'app/away'));
    const copied = await copy('app', 'sub/Other');
    expect(copied).toMatchObject({
      kind: 'copied',
      leftOut: {
        listed: [
          { path: 'away', reason: 'outward_link' },
          { path: 'out', reason: 'outward_link' },
        ],
      },
    });
    expect(readlinkSync(join(folder.context, 'sub/Other'))).toBe('../Dockerfile');
    expect(existsSync(join(folder.context, 'out'))).toBe(false);
  });

  it('follows links to a context that is inside', async () => {
    symlinkSync('app', join(workspace, 'link'));
    expect(await code('link')).toBe('Dockerfile');
  });

  it.each([
    ['context_outside', '..', undefined],
    ['context_outside', 'out', undefined],
    ['context_outside', '/app', undefined],
    ['context_missing', 'nothing', undefined],
    ['context_missing', 'app/Dockerfile', undefined],
    ['dockerfile_missing', '.', undefined],
    ['dockerfile_missing', 'app', 'sub'],
    ['dockerfile_missing', 'app', 'away/Dockerfile'],
    ['dockerfile_outside', 'app', '../app/Dockerfile'],
    ['dockerfile_outside', 'app', '/etc/passwd'],
    ['dockerfile_outside', 'app', 'Linked'],
  ])('%s for %s with %s', async (expected, context, dockerfile) => {
    symlinkSync(join(root, 'outside'), join(workspace, 'out'));
    symlinkSync('../../outside', join(workspace, 'app/away'));
    symlinkSync('../../outside/Dockerfile', join(workspace, 'app/Linked'));
    expect(await code(context, dockerfile)).toBe(expected);
  });

  it('reads nothing of what a step exchanges under it', async () => {
    const { file } = TreeFolder.prototype;
    jest.spyOn(TreeFolder.prototype, 'file').mockImplementation(async function (
      this: TreeFolder,
      name,
    ) {
      if (!existsSync(join(workspace, 'moved'))) {
        renameSync(join(workspace, 'app'), join(workspace, 'moved'));
        symlinkSync(join(root, 'outside'), join(workspace, 'app'));
        rmSync(join(workspace, 'moved/Dockerfile'));
        symlinkSync(join(root, 'outside/Dockerfile'), join(workspace, 'moved/Dockerfile'));
      }
      return file.call(this, name);
    });
    expect(await code('app')).toMatch(/^dockerfile_/);
    expect(existsSync(join(folder.context, 'Dockerfile'))).toBe(false);
    expect(existsSync(join(folder.context, 'stolen'))).toBe(false);
  });

  it('stops when it is told to', async () => {
    const abort = new AbortController();
    abort.abort(new Error('enough'));
    const copied = copyContext(workspace, { context: 'app' }, folder, abort.signal);
    await expect(copied).rejects.toThrow('enough');
  });
});
