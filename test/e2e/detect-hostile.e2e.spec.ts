import { mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { eventually } from '../support/eventually.js';
import { GitHttpServer } from '../support/git-http-server.js';
import {
  blob,
  hostileRemote,
  type RawObject,
  type RawTreeEntry,
  remoteOf,
  tree,
} from '../support/hostile-remote.js';
import { MillraceServer, type ServerProcess } from '../support/millrace-server.js';
import { removeTree } from '../support/remove-tree.js';

/** In files beside the repository that would be found, if a link were followed. */
const SECRET = 'of-somebody-else-4f1c';
const MANIFEST = `{ "name": "${SECRET}", "scripts": { "start": "node ${SECRET}.js" } }`;
const MIB = 1024 * 1024;

/** What a file of the tree is: its text, or a link. */
type Entry = string | { readonly link: string };

describe('POST /api/detect of hostile trees', () => {
  let folder: string;
  let canary: string;
  let before: readonly string[];
  let repositories: GitHttpServer;
  let server: MillraceServer;
  let worker: ServerProcess;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-detect-hostile-'));
    canary = await mkdtemp(join(tmpdir(), 'millrace-canary-'));
    await writeFile(join(canary, 'package.json'), MANIFEST);
    await writeFile(join(canary, 'Dockerfile'), `FROM node\nCMD ["node", "${SECRET}.js"]\n`);
    before = await listing();
    repositories = await GitHttpServer.start(folder);
    server = await MillraceServer.start({
      workers: 0,
      environment: { ALLOW_PRIVATE_URLS: '127.0.0.1' },
    });
  });
  afterAll(async () => {
    await server?.stop();
    await repositories?.stop();
    await removeTree(folder);
    await removeTree(canary);
  });

  const listing = async (): Promise<readonly string[]> =>
    Promise.all(
      (await readdir(canary)).map(async (name) => {
        const { mode, uid, gid } = await stat(join(canary, name));
        return [name, mode, uid, gid, await readFile(join(canary, name), 'utf8')].join(' ');
      }),
    );

  describe.each(['isomorphic-git', 'git'])('by %s', (client) => {
    beforeAll(async () => {
      worker = await server.startWorker({ GIT_CLIENT: client });
    });
    afterEach(async () => {
      expect(worker.child.exitCode).toBeNull();
      expect(await listing()).toEqual(before);
      const scratch = join(server.home, 'detections');
      await eventually(async () => (await readdir(scratch)).length === 0 || undefined);
    });
    afterAll(() => worker.end());

    const serve = (root: RawObject, objects: readonly RawObject[]): string => {
      repositories.behaviour = hostileRemote(remoteOf(root, objects));
      return repositories.url('x');
    };
    const ask = async (
      repository: string,
      path?: string,
    ): Promise<{ status: number; answer: Record<string, unknown> }> => {
      const asked = path === undefined ? { repository } : { repository, path };
      const response = await server.fetch('POST', '/api/detect', asked);
      const text = await response.text();
      for (const told of [SECRET, canary, server.home, 'root:x:']) expect(text).not.toContain(told);
      return { status: response.status, answer: JSON.parse(text) as Record<string, unknown> };
    };
    const published = (entries: Readonly<Record<string, Entry>>): string => {
      const objects: RawObject[] = [];
      const root = Object.entries(entries)
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([name, entry]): RawTreeEntry => {
          const made = blob(typeof entry === 'string' ? entry : entry.link);
          objects.push(made);
          return { mode: typeof entry === 'string' ? '100644' : '120000', name, sha: made.sha };
        });
      return serve(tree(...root), objects);
    };

    it('follows no link, be it absolute, upward, in a circle, or a folder', async () => {
      const { home } = server;
      const upward = relative(join(home, 'detections/x'), join(canary, 'package.json'));
      const url = published({
        ...{ Dockerfile: { link: join(canary, 'Dockerfile') }, 'package.json': { link: upward } },
        ...{
          'go.mod': { link: '/etc/passwd' },
          'requirements.txt': { link: '/proc/self/environ' },
        },
        ...{ 'pom.xml': { link: 'pom.xml' }, 'Gemfile.lock': { link: 'Gemfile' } },
        ...{ Gemfile: { link: 'Gemfile.lock' }, here: { link: '.' }, etc: { link: '/etc' } },
        ...{ 'Cargo.toml': { link: '/dev/zero' }, out: { link: canary } },
      });
      expect(await ask(url)).toMatchObject({ status: 200, answer: { outcome: 'unknown' } });
      for (const path of ['etc', 'out', 'here', 'here/here/out', 'etc/ssl']) {
        expect(await ask(url, path)).toMatchObject({ status: 422 });
      }
    });

    it.each([
      ['a parent', '..'],
      ['itself', '.'],
      ['a .git folder', '.git'],
      ['a path', '../../outside'],
      ['an absolute path', '/tmp/outside'],
    ])('refuses a tree that names %s', async (_what, name) => {
      const manifest = blob(MANIFEST.replaceAll(SECRET, 'shop'));
      const inner = tree({ mode: '100644', name: 'package.json', sha: manifest.sha });
      const named = (one: string): string =>
        serve(tree({ mode: '40000', name: one, sha: inner.sha }), [inner, manifest]);
      expect(await ask(named(name))).toMatchObject({
        ...{ status: 502, answer: { details: { code: 'git_failed' } } },
      });
      expect(await ask(named('apps'), 'apps')).toMatchObject({ status: 200 });
    });

    it('answers of manifests that are huge, deep, or grow when they are read', async () => {
      const deep = 200_000;
      const laughs = Array.from({ length: 12 }, (_each, level) =>
        level === 0 ? 'a0: &a0 [lol]' : `a${level}: &a${level} [${`*a${level - 1},`.repeat(12)}]`,
      );
      const url = published({
        'package.json': `{ "name": "${'x'.repeat(8 * MIB)}" }`,
        'composer.json': `${'['.repeat(deep)}${']'.repeat(deep)}`,
        'docker-compose.yml': `${laughs.join('\n')}\nservices: *a11\n`,
        'pyproject.toml': `a = ${'['.repeat(deep)}`,
        'pom.xml': `${'<project>'.repeat(50_000)}`,
        'go.mod': `module example.com/shop\n${'\n'.repeat(500_000)}go 1.24\n`,
      });
      const { status, answer } = await ask(url);
      // Read for as long as they may be, refused as too much, or the request waits no longer.
      expect([200, 422, 504]).toContain(status);
      expect(JSON.stringify(answer).length).toBeLessThan(MIB);
      // The next one is served as ever.
      const good = published({ 'go.mod': 'module example.com/shop\n\ngo 1.24\n', 'main.go': '' });
      const next = await eventually(async () => {
        const answered = await ask(good);
        return answered.status === 504 ? undefined : answered;
      });
      expect(next).toMatchObject({ status: 200, answer: { project: { type: 'go' } } });
    });
  });
});
