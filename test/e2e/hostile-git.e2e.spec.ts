import { mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from '../support/remove-tree.js';
import { eventually } from '../support/eventually.js';
import { GitHttpServer } from '../support/git-http-server.js';
import {
  blob,
  hostileRemote,
  type HostileRemote,
  remoteOf,
  tree,
} from '../support/hostile-remote.js';
import {
  type ExecutionBody,
  MillraceServer,
  type ServerProcess,
} from '../support/millrace-server.js';

const READ = `
name: read
stages:
  - name: main
    steps:
      - name: inside
        run: cat good
      - name: through-link
        run: touch made-by-a-step
        working_directory: out
`;

const good = blob('good\n');

describe('hostile repositories and servers', () => {
  let folder: string;
  let canary: string;
  let before: readonly string[];
  let repositories: GitHttpServer;
  let forbidden: GitHttpServer;
  let server: MillraceServer;
  let pipeline: string;
  let worker: ServerProcess;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-hostile-e2e-'));
    canary = await mkdtemp(join(tmpdir(), 'millrace-canary-'));
    await writeFile(join(canary, 'file'), 'unharmed');
    before = await listing(canary);
    repositories = await GitHttpServer.start(folder);
    forbidden = await GitHttpServer.start(folder, { address: '127.0.0.2' });
    server = await MillraceServer.start({
      workers: 0,
      environment: { ALLOW_PRIVATE_URLS: '127.0.0.1' },
    });
    pipeline = await server.createPipeline(READ);
  });
  afterAll(async () => {
    await server?.stop();
    await repositories?.stop();
    await forbidden?.stop();
    await removeTree(folder);
    await removeTree(canary);
  });

  describe.each(['isomorphic-git', 'git'])('by %s', (client) => {
    beforeAll(async () => {
      worker = await server.startWorker({ GIT_CLIENT: client });
    });
    afterEach(async () => {
      // The worker lives, nothing beside its own folders was touched, and no workspace is left.
      expect(worker.child.exitCode).toBeNull();
      expect(await listing(canary)).toEqual(before);
      expect(forbidden.seen).toEqual([]);
      const workspaces = join(server.home, 'w');
      await eventually(async () => (await readdir(workspaces)).length === 0 || undefined);
    });
    afterAll(() => worker.end());

    const run = async (repository: string): Promise<ExecutionBody> =>
      server.finished(await server.trigger(pipeline, { repository }), 60_000);
    const serve = (remote: HostileRemote): string => {
      repositories.behaviour = hostileRemote(remote);
      return repositories.url('x');
    };

    it('refuses a private address, once, and says what the operator may set', async () => {
      const execution = await run(forbidden.url('x', 'user:sesame-open', '127.0.0.2'));
      expect(execution).toMatchObject({
        status: 'failed',
        reason: { code: 'checkout_failed' },
        checkout: { status: 'failed', reason: { code: 'git_address_refused' } },
      });
      expect(execution.checkout?.attempts.length).toBe(1);
      expect(execution.checkout?.reason?.message).toContain('ALLOW_PRIVATE_URLS=127.0.0.2');
      expect(JSON.stringify(execution)).not.toContain('sesame');
    });

    it('refuses a redirect to one', async () => {
      repositories.behaviour = { kind: 'redirect', to: `http://127.0.0.2:${forbidden.port}` };
      const execution = await run(repositories.url('x'));
      expect(execution.checkout?.reason?.code).toBe('git_address_refused');
    });

    it('refuses a tree with a .git folder of its own', async () => {
      const hook = tree({ mode: '100755', name: 'post-checkout', sha: good.sha });
      const hooks = tree({ mode: '40000', name: 'hooks', sha: hook.sha });
      const root = tree({ mode: '40000', name: '.GIT', sha: hooks.sha });
      const execution = await run(serve(remoteOf(root, [hooks, hook, good])));
      expect(execution.checkout).toMatchObject({
        status: 'failed',
        reason: { code: 'git_failed' },
      });
    });

    it('lets no step work where a link of the tree leads out, and continues with the next', async () => {
      const link = blob(canary);
      const root = tree(
        { mode: '100644', name: 'good', sha: good.sha },
        { mode: '120000', name: 'out', sha: link.sha },
      );
      const execution = await run(serve(remoteOf(root, [link, good])));
      const steps = execution.stages.flatMap((stage) => stage.steps);
      expect(steps.map(({ name, status, reason }) => [name, status, reason?.code])).toEqual([
        ['inside', 'success', 'started'],
        ['through-link', 'failed', 'working_directory_outside'],
      ]);
    });
  });
});

/**
 * With modes and owners: what is handed over to the user of the steps is not what a link leads to.
 */
async function listing(folder: string): Promise<readonly string[]> {
  const names = ['.', ...(await readdir(folder))];
  return Promise.all(
    names.map(async (name) => {
      const { mode, uid, gid } = await stat(join(folder, name));
      const content = name === '.' ? '' : await readFile(join(folder, name), 'utf8');
      return [name, mode, uid, gid, content].join(' ');
    }),
  );
}
