import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GitFixture, GitHttpServer } from '../../../test/support/git-http-server.js';
import { transpileEntry } from '../../../test/support/transpile-entry.js';
import { chooseGitClient, type GitClientSetting } from './choose-git-client.js';
import type { Cloned, GitClient } from './git-client.js';

const run = promisify(execFile);

/** A real https server of git on loopback, with a certificate of a CA that only this test knows. */
describe.each(['isomorphic-git', 'git'] as const)('a private CA: %s', (setting) => {
  const entry = transpileEntry('src/integrations/git/isomorphic-git-child.ts');
  const clients: GitClient[] = [];
  let root: string;
  let server: GitHttpServer;
  let sha: string;

  const at = (name: string): string => join(root, name);

  async function makeAuthority(name: string): Promise<void> {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const ca = ['-x509', '-days', '2', '-subj', `/CN=${name}`];
    await run('openssl', [
      'req',
      ...ca,
      ...key,
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.pem`),
    ]);
  }

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'millrace-ca-'));
    await makeAuthority('own');
    await makeAuthority('other');
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    await run('openssl', [
      'req',
      ...key,
      '-subj',
      '/CN=git',
      '-keyout',
      at('git.key'),
      '-out',
      at('git.csr'),
    ]);
    await writeFile(at('names'), 'subjectAltName=IP:127.0.0.1\n');
    const signed = ['-CA', at('own.pem'), '-CAkey', at('own.key'), '-CAcreateserial', '-days', '2'];
    await run('openssl', [
      ...['x509', '-req', '-in', at('git.csr'), '-extfile', at('names'), '-out', at('git.pem')],
      ...signed,
    ]);
    const repository = await GitFixture.create();
    await writeFile(join(repository.directory, 'a'), 'a');
    sha = await repository.commit('one');
    await repository.git('tag', '-a', '-m', 'one', 'v1');
    await repository.publish(root, 'repo');
    repository.remove();
    const tls = {
      key: await readFile(at('git.key'), 'utf8'),
      cert: await readFile(at('git.pem'), 'utf8'),
    };
    server = await GitHttpServer.start(root, { tls });
  });

  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await server.stop();
    await rm(root, { recursive: true, force: true });
    entry.remove();
  });

  async function choose(
    file: string | undefined,
    of: GitClientSetting = setting,
  ): Promise<GitClient> {
    const client = await chooseGitClient(of, ['127.0.0.0/8'], {
      ...(file !== undefined && { authorities: { file, folder: root } }),
      isomorphicGit: { childEntry: entry.path },
    });
    clients.push(client);
    return client;
  }

  async function clone(file: string | undefined): Promise<Cloned> {
    const client = await choose(file);
    const directory = await mkdtemp(at('clone-'));
    const signal = new AbortController().signal;
    return client.clone(
      { url: server.url('repo'), directory, depth: 0 },
      { signal, progress: () => undefined },
    );
  }

  it('is trusted where GIT_CA_FILE names it', async () => {
    expect(server.url('repo')).toMatch(/^https:/);
    expect(await clone(at('own.pem'))).toMatchObject({ sha, branch: 'main' });
  });

  it.each([
    ['another one', 'other.pem'],
    ['none', undefined],
  ])('is refused, with what to do, where %s is named', async (_which, file) => {
    await expect(clone(file && at(file))).rejects.toMatchObject({
      code: 'unreachable',
      retryable: false,
      message: expect.stringMatching(/certificate is not trusted.*GIT_CA_FILE/) as unknown,
    });
  });

  it('of a certificate for another host is refused all the same', async () => {
    const client = await choose(at('own.pem'));
    const directory = await mkdtemp(at('clone-'));
    const url = server.url('repo', '', 'localhost');
    const signal = new AbortController().signal;
    const cloning = client.clone({ url, directory }, { signal, progress: () => undefined });
    await expect(cloning).rejects.toMatchObject({ code: 'unreachable', retryable: false });
  });

  it('comes beside the public ones, not in their place', async () => {
    if (setting !== 'git') return;
    await choose(at('own.pem'));
    const bundle = await readFile(at('git-authorities.pem'), 'utf8');
    expect(bundle).toContain((await readFile(at('own.pem'), 'utf8')).trim());
    expect(bundle.match(/BEGIN CERTIFICATE/g)?.length).toBeGreaterThan(50);
    expect((await stat(at('git-authorities.pem'))).mode & 0o777).toBe(0o644);
  });

  it('that cannot be read is an error when the client is made, with the name of the variable', async () => {
    await writeFile(at('text.pem'), 'no certificate');
    await writeFile(
      at('broken.pem'),
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    );
    for (const [name, what] of [
      ['missing.pem', 'there is no such file'],
      ['text.pem', 'holds no certificate in PEM form'],
      ['broken.pem', 'holds a broken certificate, number 1'],
    ] as const) {
      await expect(choose(at(name))).rejects.toMatchObject({
        problems: [{ name: 'GIT_CA_FILE', message: expect.stringContaining(what) as unknown }],
      });
      await expect(choose(at(name))).rejects.toThrow(at(name));
    }
  });
});
