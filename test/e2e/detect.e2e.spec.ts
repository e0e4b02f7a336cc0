import { readdir, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { madeTar, type MadeEntry } from '../../src/common/archive/archive.fixture.js';
import { CommandLine } from '../support/command-line.js';
import { ConnectedRepository } from '../support/connected-repository.js';
import { eventually } from '../support/eventually.js';
import { MillraceServer } from '../support/millrace-server.js';

const files = {
  'go.mod': 'module example.com/shop\n\ngo 1.24\n',
  'main.go': 'package main\n',
  'apps/web/package.json':
    '{ "dependencies": { "express": "5" }, "scripts": { "start": "node ." } }',
  'apps/web/yarn.lock': '',
};
const entries: readonly MadeEntry[] = Object.entries(files).map(([name, content]) => ({
  name,
  content,
}));

interface Refusal {
  readonly error: string;
  readonly message: string;
  readonly details: { readonly code?: string };
  readonly suggestions: readonly string[];
}

describe('POST /api/detect', () => {
  let server: MillraceServer;
  let repository: ConnectedRepository;

  beforeAll(async () => {
    repository = await ConnectedRepository.start(files);
    server = await MillraceServer.start();
  });

  afterAll(async () => {
    await server.stop();
    await repository.stop();
  });

  beforeEach(() => {
    repository.remote.behaviour = { kind: 'serve' };
  });

  const scratch = (): Promise<string[]> => readdir(join(server.home, 'detections'));
  const nothingLeft = (): Promise<unknown> =>
    eventually(async () => (await scratch()).length === 0 || undefined);

  const ask = async (body: object): Promise<{ status: number; answer: unknown; text: string }> => {
    const response = await server.fetch('POST', '/api/detect', body);
    const text = await response.text();
    return { status: response.status, answer: JSON.parse(text), text };
  };
  const refusal = (error: string, code: string): object => ({
    error,
    details: expect.objectContaining({ code }),
    suggestions: expect.arrayContaining([expect.any(String)]),
  });

  const upload = async (
    archive: Buffer,
    fields: Readonly<Record<string, string>> = {},
    field = 'archive',
  ): Promise<{ status: number; answer: Refusal }> => {
    const form = new FormData();
    form.set(field, new Blob([new Uint8Array(archive)]), 'project.tar.gz');
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    const response = await fetch(`${server.baseUrl}/api/detect/upload`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.token}` },
      body: form,
    });
    return { status: response.status, answer: (await response.json()) as Refusal };
  };

  it('answers of a repository what the command line says of its folder', async () => {
    const here = await new CommandLine(server.home).run([
      ...['detect', repository.work.directory, '--json'],
    ]);
    const { status, answer } = await ask({ repository: repository.cloneUrl });
    expect([status, answer]).toEqual([200, JSON.parse(here.stdout)]);
    expect(answer).toMatchObject({ outcome: 'detected', project: { type: 'go' } });
    await nothingLeft();
  });

  it('answers of a folder, a branch, and what a person says', async () => {
    const asked = { repository: repository.cloneUrl, branch: 'main' };
    const web = await ask({ ...asked, path: 'apps/web' });
    expect(web.answer).toMatchObject({
      ...{ folder: 'apps/web', outcome: 'detected' },
      project: { type: 'node', facts: { package_manager: { value: 'yarn' } } },
    });
    const chosen = await ask({ ...asked, commit: repository.head, type: 'python' });
    expect(chosen.answer).toMatchObject({ outcome: 'unknown', project: null });
  });

  it('is asked by the command line, which shows it as that of a folder', async () => {
    const cli = new CommandLine(server.home, {
      MILLRACE_URL: server.baseUrl,
      MILLRACE_TOKEN: server.token,
    });
    const asked = ['detect', '--repository', repository.cloneUrl];
    const here = await cli.run(['detect', repository.work.directory]);
    expect(await cli.run(asked)).toEqual({ code: 0, stdout: here.stdout, stderr: '' });
    const web = await cli.run([...asked, '--path', 'apps/web', '--json']);
    expect(JSON.parse(web.stdout)).toMatchObject({ folder: 'apps/web', outcome: 'detected' });
    const none = await cli.run([...asked, '--branch', 'none']);
    expect([none.code, none.stdout]).toEqual([expect.any(Number), '']);
    expect(none.code).not.toBe(0);
  });

  it('says what cannot be cloned, and shows no credentials', async () => {
    const { cloneUrl } = repository;
    expect(await ask({ repository: `${cloneUrl}-not` })).toMatchObject({
      ...{ status: 422, answer: refusal('UnprocessableError', 'git_repository_not_found') },
    });
    expect(await ask({ repository: cloneUrl, branch: 'none' })).toMatchObject({
      ...{ status: 422, answer: refusal('UnprocessableError', 'git_ref_not_found') },
    });
    expect(await ask({ repository: cloneUrl, path: 'apps/none' })).toMatchObject({
      ...{ status: 422, answer: refusal('UnprocessableError', 'no_such_folder') },
    });
    expect(await ask({ repository: 'http://10.0.0.1/a.git' })).toMatchObject({
      ...{ status: 422, answer: refusal('UnprocessableError', 'git_address_refused') },
    });
    const withToken = cloneUrl.replace('//', '//someone:hunter2-and-more@');
    const refused = await ask({ repository: withToken });
    expect(refused).toMatchObject({ status: 400 });
    expect(refused.text).not.toContain('hunter2');
    for (const path of ['../x', '/etc', 'a//b', 'a/..']) {
      expect(await ask({ repository: cloneUrl, path })).toMatchObject({ status: 400 });
    }
    await nothingLeft();
  });

  it('clones what is private with the token of its connection, and with no other', async () => {
    repository.remote.behaviour = {
      kind: 'answer',
      answer: ({ headers }, response) => {
        if (headers.authorization !== undefined) return false;
        response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
        return true;
      },
    };
    const asked = { repository: repository.cloneUrl };
    expect(await ask(asked)).toMatchObject({
      ...{ status: 422, answer: refusal('UnprocessableError', 'git_authentication_failed') },
    });
    const { id } = await server.call<{ id: string }>(
      'POST',
      '/api/repositories',
      repository.connection,
    );
    for (const body of [asked, { repository_id: id }]) {
      expect(await ask(body)).toMatchObject({ status: 200, answer: { outcome: 'detected' } });
    }
    const used = repository.remote.seen.map(({ authorization = '' }) =>
      Buffer.from(authorization.replace('Basic ', ''), 'base64').toString(),
    );
    expect(used).toContain(`x-access-token:${repository.forge.token}`);
    await server.fetch('DELETE', `/api/repositories/${id}`);
  });

  it('answers 504 while a clone takes longer, and ends it when the worker stops', async () => {
    repository.remote.behaviour = { kind: 'stall', afterBytes: 0 };
    await writeFile(join(repository.work.directory, 'more.txt'), 'more');
    await repository.work.commit('more');
    await repository.push('main');
    expect(await ask({ repository: repository.cloneUrl })).toMatchObject({
      ...{ status: 504, answer: refusal('TimeoutError', 'still_cloning') },
    });
    expect(await scratch()).toHaveLength(1);
    await Promise.all(server.workers.splice(0).map((worker) => worker.end()));
    await nothingLeft();
    expect(await ask({ repository: repository.cloneUrl })).toMatchObject({
      ...{ status: 503, answer: refusal('ServiceUnavailableError', 'no_worker') },
    });
    await server.startWorker();
  });

  it('answers of an archive, compressed or not', async () => {
    const tar = await madeTar(entries);
    for (const archive of [tar, gzipSync(tar)]) {
      expect(await upload(archive)).toMatchObject({
        ...{ status: 200, answer: { outcome: 'detected', project: { type: 'go' } } },
      });
    }
    expect(await upload(tar, { path: 'apps/web', type: 'node' }, 'file')).toMatchObject({
      ...{ status: 200, answer: { folder: 'apps/web', project: { type: 'node' } } },
    });
    await nothingLeft();
  });

  it.each<[string, readonly MadeEntry[], number, string]>([
    ['a path outside', [{ name: '../out', content: '' }], 422, 'unsafe_name'],
    ['an absolute path', [{ name: '/etc/out', content: '' }], 422, 'unsafe_name'],
    ['a link outside', [{ name: 'a', type: 'symlink', linkname: '../..' }], 422, 'outward_link'],
    [
      'a file through a link',
      [
        { name: 'a', type: 'symlink', linkname: 'b' },
        { name: 'a/x', content: '' },
      ],
      422,
      'through_link',
    ],
    ['a device', [{ name: 'a', type: 'character-device' }], 422, 'unsupported_entry'],
    ['too many files', many(50_001), 413, 'too_many_entries'],
    ['a bomb', bomb(201), 413, 'too_large'],
  ])('refuses %s', async (_what, hostile, status, code) => {
    const archive = gzipSync(await madeTar([...entries, ...hostile]));
    expect(archive.length).toBeLessThan(4 * 1024 * 1024);
    const answered = await upload(archive);
    expect(answered).toMatchObject({ status, answer: { details: { code } } });
    expect(answered.answer.suggestions.length).toBeGreaterThan(0);
    expect(JSON.stringify(answered)).not.toContain(server.home);
    await nothingLeft();
  });

  it('refuses what is no archive, cut, too large, nothing, or in another field', async () => {
    const archive = gzipSync(await madeTar(entries));
    const zeros = Buffer.alloc(8 * 1024 * 1024);
    for (const broken of [Buffer.from('hello'), archive.subarray(0, 100), zeros, Buffer.alloc(0)]) {
      expect(await upload(broken)).toMatchObject({
        ...{ status: 422, answer: refusal('UnprocessableError', 'damaged') },
      });
    }
    const large = await upload(Buffer.alloc(11 * 1024 * 1024));
    expect(large).toMatchObject({ status: 413, answer: { error: 'PayloadTooLargeError' } });
    expect(await upload(archive, {}, 'pipeline')).toMatchObject({ status: 400 });
    expect(await upload(archive, { path: '..' })).toMatchObject({ status: 400 });
    expect(await upload(archive, { path: 'none' })).toMatchObject({ status: 422 });
    expect(await upload(archive, { type: 'cobol' })).toMatchObject({ status: 400 });
    await nothingLeft();
  });

  it('leaves nothing of an upload that ends before it is whole', async () => {
    const socket = await halfUpload();
    await eventually(async () => (await scratch()).length === 1 || undefined);
    socket.destroy();
    await nothingLeft();
  });

  it('removes at its start what a killed server has left', async () => {
    const socket = await halfUpload();
    await eventually(async () => (await scratch()).length === 1 || undefined);
    await server.api?.end('SIGKILL');
    socket.destroy();
    expect(await scratch()).toHaveLength(1);
    await server.startApi();
    await nothingLeft();
  });

  /** The begin of an archive, and nothing behind it. */
  async function halfUpload(): Promise<Socket> {
    const socket = connect(Number(new URL(server.baseUrl).port), '127.0.0.1');
    socket.on('error', () => undefined);
    const part =
      '--b\r\nContent-Disposition: form-data; name="archive"; filename="p.tar"\r\nContent-Type: application/x-tar\r\n\r\n';
    const head = [
      'POST /api/detect/upload HTTP/1.1',
      'Host: 127.0.0.1',
      `Authorization: Bearer ${server.token}`,
      'Content-Type: multipart/form-data; boundary=b',
      'Content-Length: 100000',
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${part}`);
    socket.write((await madeTar(entries)).subarray(0, 1024));
    return socket;
  }
});

function many(count: number): MadeEntry[] {
  return Array.from({ length: count }, () => ({ name: 'd', type: 'directory' as const }));
}

/** Files of so many MiB together. */
function bomb(mebibytes: number): MadeEntry[] {
  const content = '\0'.repeat(1024 * 1024);
  return Array.from({ length: mebibytes }, (_each, index) => ({ name: `b${index}`, content }));
}
