import { execFile } from 'node:child_process';
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GitHttpServer } from '../../../test/support/git-http-server.js';
import {
  blob,
  commit,
  hostileRemote,
  pack,
  type RawObject,
  remoteOf,
  tree,
} from '../../../test/support/hostile-remote.js';
import { transpileEntry } from '../../../test/support/transpile-entry.js';
import type { GitClient, GitError } from './git-client.js';
import { GitProgramClient } from './git-program-client.js';
import { IsomorphicGitClient } from './isomorphic-git-client.js';

const entry = transpileEntry('src/integrations/git/isomorphic-git-child.ts');
const allowPrivateUrls = ['127.0.0.0/8'];
const FILE = '100644';
const LINK = '120000';
const FOLDER = '40000';
const evil = blob('evil\n');
const file = (name: string | Buffer) => ({ mode: FILE, name, sha: evil.sha });

let folder: string;
let server: GitHttpServer;
let clients: Record<'isomorphic-git' | 'git', GitClient>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-hostile-tree-'));
  server = await GitHttpServer.start(folder);
  clients = {
    'isomorphic-git': new IsomorphicGitClient({ childEntry: entry.path, allowPrivateUrls }),
    git: new GitProgramClient({ allowPrivateUrls }),
  };
});
afterAll(async () => {
  await Promise.all(Object.values(clients).map((client) => client.close()));
  await server.stop();
  await rm(folder, { recursive: true });
  entry.remove();
});

describe.each(['isomorphic-git', 'git'] as const)('hostile trees: %s', (name) => {
  /** Holds the clone and, beside it, what nobody may touch. */
  let place: string;
  let before: readonly string[];
  const directory = (): string => join(place, 'clone');

  beforeEach(async () => {
    place = await mkdtemp(join(folder, 'place-'));
    await mkdir(join(place, 'canary'));
    await writeFile(join(place, 'canary', 'file'), 'unharmed');
    before = await listing(place);
  });
  afterEach(async () => {
    // Whatever came of it: beside the clone nothing is other than before.
    await rm(directory(), { recursive: true, force: true });
    expect(await listing(place)).toEqual(before);
  });

  const attempt = async (
    root: RawObject,
    ...others: readonly RawObject[]
  ): Promise<'cloned' | GitError> => {
    server.behaviour = hostileRemote(remoteOf(root, [evil, ...others]));
    const options = { signal: new AbortController().signal, progress: () => undefined };
    const outcome = await clients[name]
      .clone({ url: server.url('x'), directory: directory() }, options)
      .then(
        () => 'cloned' as const,
        (error: unknown) => error as GitError,
      );
    if (outcome !== 'cloned') {
      expect(outcome.code).toMatch(/^(?:failed|too_large)$/);
      expect(outcome.retryable).toBe(false);
      expect(outcome.message).not.toContain(place);
      expect((await readdir(place)).sort()).toEqual(['canary']);
    }
    return outcome;
  };
  const expectRefused = async (root: RawObject, ...others: readonly RawObject[]): Promise<void> => {
    const outcome = await attempt(root, ...others);
    expect(outcome).not.toBe('cloned');
  };

  it.each([
    ['.git', '.git'],
    ['.GIT', '.GIT'],
    ['.Git', '.Git'],
    ['git~1', 'git~1'],
    ['GIT~1', 'GIT~1'],
    ['.git with a character that HFS+ ignores', '.g\u200cit'],
    ['.git with another one', '\u206a.git\ufeff'],
    ['.git with a space', '.git '],
    ['.git with dots', '.git...'],
    ['a stream of NTFS', '.git::$INDEX_ALLOCATION'],
    ['.git behind a backslash', '.git\\config'],
    ['.', '.'],
    ['..', '..'],
    ['a path out', '../canary/file'],
    ['an absolute path', '/canary'],
    ['no name', ''],
  ])('refuses a file or folder named %s', async (_what, entryName) => {
    await expectRefused(tree(file(entryName)));
    const inner = tree(file('config'));
    await expectRefused(tree({ mode: FOLDER, name: entryName, sha: inner.sha }), inner);
    const outer = tree({ mode: FOLDER, name: entryName, sha: inner.sha });
    await expectRefused(tree({ mode: FOLDER, name: 'sub', sha: outer.sha }), outer, inner);
  });

  it('writes through no link: a link and a folder of one name', async () => {
    const target = blob('../canary');
    const inner = tree(file('file'));
    for (const entries of [
      [
        { mode: LINK, name: 'link', sha: target.sha },
        { mode: FOLDER, name: 'link', sha: inner.sha },
      ],
      [
        { mode: FOLDER, name: 'link', sha: inner.sha },
        { mode: LINK, name: 'link', sha: target.sha },
      ],
      [{ mode: LINK, name: 'link', sha: target.sha }, file('link')],
      [{ mode: LINK, name: 'link', sha: target.sha }, file('link/file')],
      [file('link/file'), { mode: LINK, name: 'link', sha: target.sha }],
      [file('a/../../canary/file')],
    ]) {
      await attempt(tree(...entries), target, inner);
      await rm(directory(), { recursive: true, force: true });
      expect(await listing(place)).toEqual(before);
    }
  });

  it('writes links as they are, and touches nothing that they lead to', async () => {
    const targets = ['../canary', '../canary/file', '/etc', '/etc/passwd', '.', 'link-0'].map(
      (to) => blob(to),
    );
    const links = targets.map(({ sha }, index) => ({ mode: LINK, name: `link-${index}`, sha }));
    expect(await attempt(tree(...links), ...targets)).toBe('cloned');
    expect(await readlink(join(directory(), 'link-0'))).toBe('../canary');
    expect((await lstat(join(directory(), 'link-3'))).isSymbolicLink()).toBe(true);
  });

  it('a later checkout by git in the clone does not write through a link', async () => {
    const target = blob('../canary');
    const withLink = tree({ mode: LINK, name: 'd', sha: target.sha });
    const inner = tree(file('file'));
    const withFolder = tree({ mode: FOLDER, name: 'd', sha: inner.sha });
    const [first, second] = [commit(withLink.sha, 'link'), commit(withFolder.sha, 'folder')];
    server.behaviour = hostileRemote({
      refs: [
        ['HEAD', first.sha],
        ['refs/heads/main', first.sha],
        ['refs/heads/next', second.sha],
      ],
      pack: pack([first, second, withLink, withFolder, inner, target, evil]),
    });
    const options = { signal: new AbortController().signal, progress: () => undefined };
    await clients[name].clone({ url: server.url('x'), directory: directory() }, options);
    const git = promisify(execFile);
    await git('git', ['-c', 'safe.directory=*', 'checkout', '-q', second.sha], {
      cwd: directory(),
      env: { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: '/dev/null' },
    });
    expect(await readFile(join(directory(), 'd', 'file'), 'utf8')).toBe('evil\n');
  });

  it('clones names that differ in case only, or refuses them where the disk cannot', async () => {
    const outcome = await attempt(tree(file('A'), file('a')));
    expect(outcome).toBe('cloned');
    expect((await readdir(directory())).sort()).toEqual(['.git', 'A', 'a']);
  });

  it('does not follow a link that differs from a folder in case only', async () => {
    const target = blob('../canary');
    const inner = tree(file('file'));
    await attempt(
      tree({ mode: LINK, name: 'A', sha: target.sha }, { mode: FOLDER, name: 'a', sha: inner.sha }),
      target,
      inner,
    );
  });

  it('takes .gitmodules and .gitattributes for what they are: files', async () => {
    const modules = blob(
      '[submodule "x"]\n\tpath = -u./payload\n\turl = -u./payload\n\tupdate = !touch ../canary/run\n' +
        '[submodule "../../canary"]\n\tpath = sub\n\turl = ext::sh -c touch% ../canary/run\n',
    );
    const attributes = blob(
      '* filter=lfs diff=lfs merge=lfs\n*.txt working-tree-encoding=UTF-16\n*.md export-subst ident eol=crlf\n* text=auto\n',
    );
    const gitlink = { mode: '160000', name: 'sub', sha: 'b'.repeat(40) };
    const outcome = await attempt(
      tree(
        { mode: FILE, name: '.gitattributes', sha: attributes.sha },
        { mode: FILE, name: '.gitmodules', sha: modules.sha },
        file('a.md'),
        file('b.txt'),
        gitlink,
      ),
      attributes,
      modules,
    );
    expect(outcome).toBe('cloned');
    expect(await readdir(join(directory(), 'sub'))).toEqual([]);
  });

  it.each(['.gitmodules', '.GITMODULES', '.gitmodules '])(
    'refuses a link named %j',
    async (linkName) => {
      const target = blob('../canary/file');
      await expectRefused(tree({ mode: LINK, name: linkName, sha: target.sha }), target);
    },
  );

  it('does not read attributes or ignore rules through links', async () => {
    const target = blob('../canary/file');
    const links = ['.gitattributes', '.gitignore', '.mailmap'];
    const outcome = await attempt(
      tree(
        ...links.map((linkName) => ({ mode: LINK, name: linkName, sha: target.sha })),
        file('x'),
      ),
      target,
    );
    expect(outcome).toBe('cloned');
  });

  it('gives no file more rights than git does', async () => {
    const odd = ['104755', '102755', '100777', '100666', '100000'];
    const outcome = await attempt(
      tree(...odd.map((mode) => ({ mode, name: `f${mode}`, sha: evil.sha }))),
    );
    if (outcome !== 'cloned') return;
    for (const mode of odd) {
      expect((await stat(join(directory(), `f${mode}`))).mode & 0o7022).toBe(0);
    }
  });

  it.each(['060000', '020000', '010000', '140000', '000000', '170000', '1', 'x'])(
    'makes no device, socket or pipe of mode %s',
    async (mode) => {
      const outcome = await attempt(tree({ mode, name: 'odd', sha: evil.sha }));
      if (outcome !== 'cloned') return;
      const made = await lstat(join(directory(), 'odd')).catch(() => undefined);
      expect(made === undefined || made.isFile() || made.isDirectory()).toBe(true);
    },
  );

  it('refuses a name of 300 bytes', async () => {
    await expectRefused(tree(file('x'.repeat(300))));
  });

  it('clones or refuses names that are no UTF-8', async () => {
    const outcome = await attempt(
      tree(file(Buffer.from([0x61, 0xff, 0xfe])), file(Buffer.from([0x62, 0xc3]))),
    );
    if (outcome === 'cloned') expect((await readdir(directory())).length).toBe(3);
  });

  it('clones names with control characters, quotes and options, as files', async () => {
    const names = [
      '\u001b]0;title\u0007',
      '\n',
      '$(id)',
      '--upload-pack=x',
      '-rf',
      '\u202etxt',
      '"',
    ].sort();
    expect(await attempt(tree(...names.map((entryName) => file(entryName))))).toBe('cloned');
    expect((await readdir(directory())).sort()).toEqual(['.git', ...names].sort());
  });

  it('refuses folders 5,000 deep', async () => {
    let inner = tree(file('f'));
    const trees = [inner];
    for (let depth = 0; depth < 5000; depth++) {
      inner = tree({ mode: FOLDER, name: 'd', sha: inner.sha });
      trees.push(inner);
    }
    await expectRefused(inner, ...trees.slice(0, -1));
  });

  it('refuses a tree that holds itself by the billion', async () => {
    let inner = tree(...Array.from({ length: 10 }, (_, index) => file(`f${index}`)));
    const trees = [inner];
    for (let level = 0; level < 9; level++) {
      const { sha } = inner;
      inner = tree(
        ...Array.from({ length: 10 }, (_, index) => ({ mode: FOLDER, name: `d${index}`, sha })),
      );
      trees.push(inner);
    }
    const limited: GitClient =
      name === 'git'
        ? new GitProgramClient({ allowPrivateUrls, maxMemoryBytes: 200 * 2 ** 20 })
        : new IsomorphicGitClient({ childEntry: entry.path, allowPrivateUrls, maxHeapMib: 100 });
    const kept = clients[name];
    clients[name] = limited;
    try {
      const outcome = await attempt(inner, ...trees.slice(0, -1));
      expect(outcome).toMatchObject({ code: 'too_large' });
    } finally {
      clients[name] = kept;
      await limited.close();
    }
  });

  it('clones a folder of 10,000 files', async () => {
    const names = Array.from({ length: 10_000 }, (_, index) => String(index).padStart(6, '0'));
    expect(await attempt(tree(...names.map(file)))).toBe('cloned');
    expect((await readdir(directory())).length).toBe(10_001);
  });

  it.each([
    ['a blob', (): RawObject[] => [tree({ mode: FOLDER, name: 'd', sha: evil.sha })]],
    ['nothing', (): RawObject[] => [tree({ mode: FILE, name: 'f', sha: 'a'.repeat(40) })]],
    [
      'a tree',
      (): RawObject[] => {
        const inner = tree(file('x'));
        return [tree({ mode: FILE, name: 'f', sha: inner.sha }), inner];
      },
    ],
  ])('refuses an entry that leads to %s instead', async (_what, make) => {
    const [root, ...others] = make();
    if (root) await expectRefused(root, ...others);
  });
});

/** Every path below with what it is and holds. */
async function listing(root: string): Promise<readonly string[]> {
  const found = await readdir(root, { recursive: true, withFileTypes: true });
  const lines = await Promise.all(
    found.map(async (item) => {
      const path = join(item.parentPath, item.name);
      const { mode } = await lstat(path);
      const content = item.isFile() ? await readFile(path, 'latin1') : '';
      return `${path} ${mode.toString(8)} ${content.slice(0, 100)}`;
    }),
  );
  return lines.sort();
}
