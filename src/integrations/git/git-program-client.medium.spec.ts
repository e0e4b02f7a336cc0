import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../../test/support/eventually.js';
import { GitFixture, GitHttpServer } from '../../../test/support/git-http-server.js';
import { processesWith } from '../../../test/support/processes.js';
import { transpileEntry } from '../../../test/support/transpile-entry.js';
import { GitError } from './git-client.js';
import { GitProgramClient } from './git-program-client.js';

describe('GitProgramClient', () => {
  let folder: string;
  let server: GitHttpServer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-git-program-'));
    await mkdir(join(folder, 'served'));
    const fixture = await GitFixture.create();
    await writeFile(join(fixture.directory, 'a'), 'a');
    await fixture.commit('a');
    await fixture.publish(join(folder, 'served'), 'repo');
    fixture.remove();
    server = await GitHttpServer.start(join(folder, 'served'));
  });

  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  it('leaves no git behind when this process is killed in the middle of a clone', async () => {
    server.behaviour = { kind: 'stall', afterBytes: 0 };
    const adapter = transpileEntry('src/integrations/git/git-program-client.ts');
    const url = server.url('repo');
    const request = { url, directory: join(folder, 'clone') };
    const program = `
      import { GitProgramClient } from ${JSON.stringify(adapter.path)};
      const options = { signal: new AbortController().signal, progress: () => {} };
      await new GitProgramClient({ allowPrivateUrls: ['127.0.0.0/8'] }).clone(${JSON.stringify(request)}, options);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: 'ignore',
    });
    const others = async (): Promise<number[]> =>
      (await processesWith(url)).filter((pid) => pid !== parent.pid);
    await eventually(async () => (await others()).length > 0 || undefined);
    parent.kill('SIGKILL');
    await eventually(async () => (await others()).length === 0 || undefined);
    adapter.remove();
  });
});

describe('the files in which two commits differ', () => {
  let folder: string;
  let server: GitHttpServer;
  let fixture: GitFixture;
  let client: GitProgramClient;
  const commits = new Map<string, string>();
  let asked = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-git-changes-'));
    await mkdir(join(folder, 'served'));
    fixture = await GitFixture.create();
    const write = (name: string, text: string): Promise<void> =>
      writeFile(join(fixture.directory, name), text);
    const commit = async (name: string): Promise<void> => {
      commits.set(name, await fixture.commit(name));
    };
    await mkdir(join(fixture.directory, 'ü b'));
    // Random bytes: nothing of it is compressed away.
    await write('kept', randomBytes(100_000).toString('base64'));
    await write('changed', '1');
    await write('gone', 'x');
    await write('old name', 'a text that is the same under another name\n'.repeat(9));
    await commit('base');
    await write('changed', '2');
    await rm(join(fixture.directory, 'gone'));
    await fixture.git('mv', 'old name', 'ü b/new name');
    await commit('head');
    await fixture.git('checkout', '-q', '-b', 'pull', commits.get('base') ?? '');
    await write('of the pull request', '');
    await commit('pull');
    await fixture.git('checkout', '-q', '--orphan', 'other');
    await commit('unrelated');
    await fixture.publish(join(folder, 'served'), 'repo', { 'uploadpack.allowFilter': 'true' });
    await fixture.publish(join(folder, 'served'), 'plain');
    server = await GitHttpServer.start(join(folder, 'served'));
    client = new GitProgramClient({ allowPrivateUrls: ['127.0.0.0/8'] });
  });

  afterAll(async () => {
    await server.stop();
    fixture.remove();
    await rm(folder, { recursive: true });
  });

  const between = async (
    base: string,
    head: string,
    fromMergeBase = false,
    repository = 'repo',
    signal = new AbortController().signal,
  ): Promise<readonly string[]> => {
    const request = {
      url: server.url(repository),
      directory: join(folder, `work${++asked}`),
      base: commits.get(base) ?? base,
      head: commits.get(head) ?? head,
      fromMergeBase,
    };
    return (await client.changedPaths(request, { signal })).toSorted();
  };
  const CHANGED = ['changed', 'gone', 'old name', 'ü b/new name'];

  it.each(['repo', 'plain'])('are all, in a repository "%s"', async (repository) => {
    expect(await between('base', 'head', false, repository)).toEqual(CHANGED);
    expect(await between('head', 'base', false, repository)).toEqual(CHANGED);
    expect(await between('head', 'head', false, repository)).toEqual([]);
  });

  it('are those since the merge base where that is asked for', async () => {
    const own = ['of the pull request'];
    expect(await between('head', 'pull', true)).toEqual(own);
    expect(await between('head', 'pull', true, 'plain')).toEqual(own);
    expect(await between('head', 'pull')).toEqual([...CHANGED, ...own].toSorted());
  });

  it('are found without the files', async () => {
    const before = server.sentPackBytes;
    await between('head', 'pull', true);
    const partial = server.sentPackBytes - before;
    expect(partial).toBeLessThan(10_000);
    await between('head', 'pull', true, 'plain');
    expect(partial).toBeLessThan(server.sentPackBytes - before - partial);
  });

  it.each<[string, string, string, boolean]>([
    ['a commit that is not there', 'base', 'f'.repeat(40), false],
    ['what is no commit', '--upload-pack=touch', 'head', false],
    ['histories that have nothing in common', 'base', 'unrelated', true],
  ])('are not known of %s', async (_what, base, head, fromMergeBase) => {
    await expect(between(base, head, fromMergeBase)).rejects.toBeInstanceOf(GitError);
  });

  it('lists the branches, and nothing else', async () => {
    await fixture.git('tag', 'v1');
    await fixture.publish(join(folder, 'served'), 'tagged');
    const request = { url: server.url('tagged'), directory: join(folder, `work${++asked}`) };
    const heads = await client.heads(request, { signal: new AbortController().signal });
    expect([...heads.keys()].toSorted()).toEqual(['main', 'other', 'pull']);
    expect(heads.get('main')).toBe(commits.get('head'));
  });

  it('are not waited for longer than is said', async () => {
    server.behaviour = { kind: 'stall', afterBytes: 0 };
    const stalled = between('base', 'head', false, 'repo', AbortSignal.timeout(500));
    await expect(stalled).rejects.toMatchObject({ code: 'aborted' });
    server.behaviour = { kind: 'serve' };
  });
});
