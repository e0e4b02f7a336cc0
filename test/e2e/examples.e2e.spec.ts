import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/config/paths.js';
import { CommandLine } from '../support/command-line.js';
import { GitFixture, GitHttpServer } from '../support/git-http-server.js';
import { GitSshServer } from '../support/git-ssh-server.js';
import { MillraceServer } from '../support/millrace-server.js';
import { removeTree } from '../support/remove-tree.js';
import { stopAll } from '../support/stop-all.js';

/** Who may clone by name and password, and by a token, which forges take beside any name. */
const CLONER = { username: 'lovelace', password: 'of-the-repository' };
const TOKEN_HOLDER = { username: 'x-access-token', password: 'token-of-the-repository' };

/**
 * What needs a container engine: `containers.yaml` runs in first-user.e2e.spec.ts, `deploy.yaml` in
 * deploy-example.e2e.spec.ts.
 */
const NEEDS_ENGINE: ReadonlySet<string> = new Set(['containers.yaml', 'deploy.yaml']);
/** What needs a repository, or a server. */
const NEEDS_MORE: ReadonlySet<string> = new Set([
  ...['handed-on.yaml', 'repository.yaml', 'repository-at-tag.yaml', 'repository-by-ssh.yaml'],
]);

const folder = join(packageRoot(), 'examples');
const names = readdirSync(folder);

describe('examples', () => {
  let home: string;
  let millrace: CommandLine;
  let secrets: string;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'millrace-examples-'));
    millrace = new CommandLine(home, { GIT_CLIENT: 'git' });
    secrets = join(home, 'secrets');
    await writeFile(secrets, 'API_TOKEN=of-the-example\nCHECK_TOKEN=of-the-check\n');
  });
  afterAll(() => removeTree(home));

  const text = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
  /** Runs it to its success; what it printed. */
  const printed = async (file: string, secretsFile: string): Promise<string> => {
    const { code, stdout, stderr } = await millrace.run([
      ...['run', file, '--approve', '--secrets-file', secretsFile],
    ]);
    expect({ code, told: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, told: '' });
    return stdout;
  };

  it.each(names.filter((name) => !NEEDS_MORE.has(name) && !NEEDS_ENGINE.has(name)))(
    '%s runs',
    async (name) => {
      await printed(join(folder, name), secrets);
    },
  );

  describe('of a repository', () => {
    let ssh: GitSshServer;
    let servers: readonly GitHttpServer[];
    let tagged: string;
    let credentials: string;

    beforeAll(async () => {
      const shop = await GitFixture.create('main');
      for (const name of ['one', 'two', 'three']) {
        await writeFile(join(shop.directory, name), '');
        const commit = await shop.commit(`commit ${name}`);
        if (name !== 'two') continue;
        tagged = commit;
        await shop.git('tag', 'v1.0');
      }
      await shop.publish(join(home, 'acme'), 'shop');
      shop.remove();
      ssh = await GitSshServer.start();
      servers = await Promise.all(
        [CLONER, TOKEN_HOLDER].map((auth) => GitHttpServer.start(home, { auth })),
      );
      credentials = join(home, 'credentials');
      const values = {
        GIT_USER: CLONER.username,
        GIT_PASSWORD: CLONER.password,
        GIT_TOKEN: TOKEN_HOLDER.password,
        DEPLOY_KEY: `"${ssh.key('user')}"`,
        GIT_HOST: ssh.knownHosts(),
      };
      const lines = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
      await writeFile(credentials, lines.join(''));
    });
    afterAll(() =>
      stopAll(
        () => ssh.stop(),
        () => Promise.all(servers.map((server) => server.stop())),
      ),
    );

    /** With the server of the spec in the place of that of the example. */
    const copyOf = async (name: string, from: string, to: string): Promise<string> => {
      const example = await text(name);
      expect(example).toContain(from);
      const copy = join(home, name);
      // The tag of the example leads to a commit of its own.
      await writeFile(copy, example.replace(from, to).replace('5f3759df', tagged.slice(0, 8)));
      return copy;
    };
    const base = (server?: GitHttpServer): string => `http://127.0.0.1:${server?.port}`;

    it('repository.yaml runs', async () => {
      const copy = await copyOf('repository.yaml', 'https://git.example.com', base(servers[0]));
      const log = await printed(copy, credentials);
      expect(log).toMatch(/commit three\n.* commit two\n.* commit one\n/);
    });

    it('repository-at-tag.yaml runs, and no other commit of that tag', async () => {
      const from = 'https://git.example.com';
      const copy = await copyOf('repository-at-tag.yaml', from, base(servers[1]));
      const files = await printed(copy, credentials);
      expect(files).toMatch(/\| one\n.*\| two\n/);
      expect(files).not.toContain('three');
      await writeFile(copy, (await text('repository-at-tag.yaml')).replace(from, base(servers[1])));
      const moved = await millrace.run(['run', copy, '--secrets-file', credentials]);
      expect([moved.code, moved.stderr]).toEqual([1, expect.stringContaining('5f3759df')]);
    });

    it('repository-by-ssh.yaml runs', async () => {
      const from = 'ssh://git@git.example.com/acme/shop.git';
      const to = ssh.url(join(home, 'acme/shop.git'));
      const copy = await copyOf('repository-by-ssh.yaml', from, to);
      expect(await printed(copy, credentials)).toContain('three\n');
    });
  });

  it('handed-on.yaml runs, with what files.yaml has kept', async () => {
    const server = await MillraceServer.start();
    try {
      const files = await server.createPipeline(await text('files.yaml'));
      const handedOn = await server.createPipeline(await text('handed-on.yaml'));
      const early = await server.finished(await server.trigger(handedOn));
      expect(early.status).toBe('failed');
      const kept = await server.finished(await server.trigger(files, { branch: 'main' }));
      expect(kept.status).toBe('success');
      const id = await server.trigger(handedOn);
      expect((await server.finished(id)).status).toBe('success');
      expect(await server.logText(id)).toContain('index.html');
    } finally {
      await server.stop();
    }
  }, 120_000);

  it.each(names)('%s is planned', async (name) => {
    const { code, stderr } = await millrace.run(['plan', join(folder, name)]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
