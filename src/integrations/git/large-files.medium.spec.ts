import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GitFixture, GitHttpServer } from '../../../test/support/git-http-server.js';
import { transpileEntry } from '../../../test/support/transpile-entry.js';
import type { GitClient } from './git-client.js';
import type { GitMirrorSettings } from './git-mirror-store.js';
import { GitProgramClient } from './git-program-client.js';
import { IsomorphicGitClient } from './isomorphic-git-client.js';

const MIB = 2 ** 20;
const entry = transpileEntry('src/integrations/git/isomorphic-git-child.ts');
const allowPrivateUrls = ['127.0.0.0/8'];
let scratch: string;
let server: GitHttpServer;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'millrace-large-'));
  await mkdir(join(scratch, 'served'));
  for (const [name, size] of [
    ['large', 60],
    ['medium', 24],
  ] as const) {
    const fixture = await GitFixture.create('main');
    await writeFile(join(fixture.directory, 'blob'), randomBytes(size * MIB));
    await fixture.commit('a large file');
    await fixture.publish(join(scratch, 'served'), name);
    fixture.remove();
  }
  server = await GitHttpServer.start(join(scratch, 'served'));
});
afterAll(async () => {
  await server.stop();
  await rm(scratch, { recursive: true, force: true });
  entry.remove();
});

type Make = (limits: { mirrors: GitMirrorSettings; memory?: number }) => GitClient;
const adapters: readonly [string, Make][] = [
  [
    'isomorphic-git',
    ({ mirrors, memory: maxRssBytes }) =>
      new IsomorphicGitClient({ childEntry: entry.path, mirrors, allowPrivateUrls, maxRssBytes }),
  ],
  [
    'git',
    ({ mirrors, memory: maxMemoryBytes }) =>
      new GitProgramClient({ mirrors, allowPrivateUrls, maxMemoryBytes }),
  ],
];

describe.each(adapters)('large files by %s', (name, make) => {
  let folder: string;
  let mirrors: GitMirrorSettings;
  let client: GitClient | undefined;
  const lines: string[] = [];
  const options = {
    signal: new AbortController().signal,
    progress: (line: string): void => void lines.push(line),
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(scratch, 'case-'));
    mirrors = { folder: join(folder, 'm'), maxBytes: 2 ** 30, maxAgeMs: 1e9, share: 'copy' };
  });
  afterEach(() => client?.close());

  it('clones a file of 60 MB, and again from the mirror', async () => {
    client = make({ mirrors });
    const served = join(scratch, 'served', 'large.git');
    for (const number of [1, 2]) {
      const directory = join(folder, `clone-${number}`);
      await client.clone({ url: server.url('large'), directory }, options);
      expect((await stat(join(directory, 'blob'))).size).toBe(60 * MIB);
      const { stdout } = await promisify(execFile)('git', [
        '--git-dir',
        served,
        'rev-parse',
        'main:blob',
      ]);
      const hashed = await promisify(execFile)('git', ['hash-object', join(directory, 'blob')]);
      expect(hashed.stdout).toBe(stdout);
    }
  });

  it('refuses what needs more memory than a clone may have, and leaves nothing', async () => {
    // Less than the file that must be held whole, more than the program itself.
    client = make({ mirrors, memory: (name === 'git' ? 16 : 130) * MIB });
    const url = server.url(name === 'git' ? 'medium' : 'large');
    const directory = join(folder, 'clone');
    const failed = client.clone({ url, directory }, options);
    await expect(failed).rejects.toMatchObject({ code: 'too_large', retryable: false });
    await expect(stat(directory)).rejects.toMatchObject({ code: 'ENOENT' });
    await client.close();
    // A later clone removes what a killed child left, and finds no half mirror.
    client = make({ mirrors });
    await client.clone({ url, directory }, options);
    expect((await readFile(join(directory, 'blob'))).length).toBeGreaterThan(20 * MIB);
    expect(await readdir(join(mirrors.folder, 'stage'))).toEqual([]);
  });

  it('clones without a mirror what is larger than all mirrors may be', async () => {
    client = make({ mirrors: { ...mirrors, maxBytes: MIB } });
    await client.clone({ url: server.url('medium'), directory: join(folder, 'clone') }, options);
    const left = await readdir(mirrors.folder, { recursive: true });
    expect(left.filter((path) => path.endsWith('.pack'))).toEqual([]);
  });
});
