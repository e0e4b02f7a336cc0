import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GitFixture } from '../../../test/support/git-http-server.js';
import { GitSshServer } from '../../../test/support/git-ssh-server.js';
import { describeWith } from '../../../test/support/needed-programs.js';
import { removeTree } from '../../../test/support/remove-tree.js';
import type { SshIdentity } from './git-client.js';
import { GitProgramClient } from './git-program-client.js';

describeWith({ sshd: 'openssh-server', ssh: 'openssh-client' }, {}, 'clones by SSH', () => {
  let folder: string;
  let fixture: GitFixture;
  let server: GitSshServer;
  let head: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-ssh-'));
    fixture = await GitFixture.create();
    head = await fixture.commit('by ssh');
    await fixture.publish(folder, 'shop');
    server = await GitSshServer.start();
  });
  afterAll(async () => {
    await server?.stop();
    fixture?.remove();
    await removeTree(folder);
  });

  const client = new GitProgramClient({ allowPrivateUrls: ['127.0.0.1'] });
  const clone = async (ssh: SshIdentity, name = 'shop'): Promise<string> => {
    const parent = await mkdtemp(join(folder, 'staging-'));
    const { sha } = await client
      .clone(
        {
          url: server.url(join(folder, `${name}.git`)),
          ssh,
          submodules: true,
          directory: join(parent, 'tree'),
        },
        { signal: new AbortController().signal, progress: () => undefined },
      )
      .finally(async () => {
        // Neither after a success nor after a failure is a key left.
        expect((await readdir(parent)).filter((name) => name !== 'tree')).toEqual([]);
      });
    const config = await readFile(join(parent, 'tree/.git/config'), 'utf8');
    expect(config).not.toMatch(/sshCommand|IdentityFile/i);
    return sha;
  };

  it('use the key and the known hosts that are given', async () => {
    expect(await clone({ key: server.key('user'), knownHosts: server.knownHosts() })).toBe(head);
  });

  it('do not trust a host that has another key, or none', async () => {
    const key = server.key('user');
    for (const knownHosts of [server.knownHosts('stranger'), 'git.test ssh-ed25519 AAAA']) {
      await expect(clone({ key, knownHosts })).rejects.toMatchObject({
        code: 'unreachable',
        retryable: false,
        message: expect.stringContaining('host key'),
      });
    }
  });

  it('are refused with another key, whatever keys the user has', async () => {
    const knownHosts = server.knownHosts();
    const refused = clone({ key: server.key('stranger'), knownHosts });
    await expect(refused).rejects.toMatchObject({ code: 'authentication_failed' });
    const broken = clone({ key: 'no key', knownHosts });
    await expect(broken).rejects.toMatchObject({ code: 'authentication_failed' });
  });

  it('give the identity to submodules of the same host, and of no other', async () => {
    const outer = await GitFixture.create();
    try {
      const shop = server.url(join(folder, 'shop.git'));
      await outer.git('update-index', '--add', '--cacheinfo', `160000,${head},inner`);
      for (const [name, url] of [
        ['near', shop],
        ['far', shop.replace('127.0.0.1', 'localhost')],
      ] as const) {
        const entry = `[submodule "inner"]\n\tpath = inner\n\turl = ${url}\n`;
        await writeFile(join(outer.directory, '.gitmodules'), entry);
        await outer.git('add', '.gitmodules');
        await outer.git('commit', '-q', '--allow-empty', '-m', name);
        await outer.publish(folder, name);
      }
      const knownHosts = `${server.knownHosts()}\n${server.knownHosts().replace('127.0.0.1', 'localhost')}`;
      const ssh = { key: server.key('user'), knownHosts };
      expect(await clone(ssh, 'near')).toMatch(/^[0-9a-f]{40}$/);
      await expect(clone(ssh, 'far')).rejects.toMatchObject({ code: 'unreachable' });
    } finally {
      outer.remove();
    }
  });
});
