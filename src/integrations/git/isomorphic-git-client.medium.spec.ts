import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GitFixture, GitHttpServer } from '../../../test/support/git-http-server.js';
import { transpileEntry } from '../../../test/support/transpile-entry.js';
import { chooseGitClient } from './choose-git-client.js';
import { GitProgramClient } from './git-program-client.js';
import { detectGitProgram } from './git-program.js';
import { IsomorphicGitClient, type IsomorphicGitClientOptions } from './isomorphic-git-client.js';

const entry = transpileEntry('src/integrations/git/isomorphic-git-child.ts');
const none = { signal: new AbortController().signal, progress: () => undefined };
const allowPrivateUrls = ['127.0.0.0/8'];
let folder: string;
let server: GitHttpServer;
let client: IsomorphicGitClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-iso-'));
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
  entry.remove();
});
beforeEach(() => {
  server.behaviour = { kind: 'serve' };
});
afterEach(() => client?.close());

function make(options: IsomorphicGitClientOptions = {}): IsomorphicGitClient {
  client = new IsomorphicGitClient({ childEntry: entry.path, allowPrivateUrls, ...options });
  return client;
}

let count = 0;
const directory = (): string => join(folder, `clone-${++count}`);
const request = () => ({ url: server.url('repo'), directory: directory() });

describe('limits of the child of isomorphic-git', () => {
  it('kills it over the limit of resident memory', async () => {
    server.behaviour = { kind: 'stall', afterBytes: 0 };
    const asked = request();
    await expect(make({ maxRssBytes: 1024 }).clone(asked, none)).rejects.toMatchObject({
      code: 'too_large',
      retryable: false,
    });
    await expect(readdir(asked.directory)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.each([
    ['isomorphic-git', () => make({ timeoutMs: 700 })],
    ['git', () => new GitProgramClient({ allowPrivateUrls, timeoutMs: 700 })],
  ])('ends %s at the deadline', async (_name, makeClient) => {
    server.behaviour = { kind: 'stall', afterBytes: 0 };
    const asked = request();
    await expect(makeClient().clone(asked, none)).rejects.toMatchObject({
      code: 'timeout',
      retryable: true,
    });
    await expect(readdir(asked.directory)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('tells an end without an answer', async () => {
    const broken = join(folder, 'broken.js');
    await writeFile(broken, 'process.exit(3)');
    await expect(make({ childEntry: broken }).clone(request(), none)).rejects.toMatchObject({
      code: 'failed',
    });
  });

  it('says that memory was the reason when V8 gives up', async () => {
    const greedy = join(folder, 'greedy.js');
    await writeFile(greedy, 'const a = []; for (;;) a.push(new Array(1e5).fill(1.5));');
    await expect(
      make({ childEntry: greedy, maxHeapMib: 16 }).clone(request(), none),
    ).rejects.toMatchObject({ code: 'too_large' });
  });
});

describe('the warm child', () => {
  it('serves the next clone, is not kept after a failure, and ends with the client', async () => {
    const warm = make();
    const before = await childPids();
    await warm.clone(request(), none);
    const kept = await childPids();
    await warm.clone(request(), none);
    expect(await childPids()).toEqual(kept);
    expect(kept.length).toBe(before.length + 1);
    await expect(warm.clone({ ...request(), branch: 'none' }, none)).rejects.toBeDefined();
    expect(await childPids()).toEqual(before);
    await warm.clone(request(), none);
    await warm.close();
    expect(await childPids()).toEqual(before);
  });

  it('gets neither our environment nor credentials by arguments', async () => {
    const warm = make();
    server.behaviour = { kind: 'stall', afterBytes: 0 };
    const abort = new AbortController();
    const url = server.url('repo', 'user:sesame-open');
    const asked = server.seen.length;
    const running = warm.clone({ url, directory: directory() }, { ...none, signal: abort.signal });
    running.catch(() => undefined);
    await until(() => server.seen.length > asked);
    const [pid] = await childPids();
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1');
    const names = environment.split('\0').map((pair) => pair.split('=')[0]);
    expect(names.filter((name) => !/^(?:NODE_CHANNEL_.*|)$/.test(name ?? ''))).toEqual([]);
    expect(await readFile(`/proc/${pid}/cmdline`, 'latin1')).not.toContain('sesame');
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
  });

  it('ends when the process that started it is killed', async () => {
    const parent = spawn(
      process.execPath,
      [
        '-e',
        `const c = require('node:child_process').spawn(process.execPath, [${JSON.stringify(entry.path)}],
           { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
         console.log(c.pid);`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [output] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(output.toString());
    parent.kill('SIGKILL');
    await until(() => !isRunning(pid));
  });
});

describe('messages of the child', () => {
  /** A child that fails late, in the clone before the one that it answers. */
  const lateChild = `
    process.on('message', ({ id }) => {
      const say = (answer) => process.send({ id: answer.of ?? id, ...answer });
      if (id === 2) say({ of: 1, type: 'failed', code: 'failed', message: 'late', retryable: false });
      say({ type: 'done', commit: { sha: String(id), message: '', author: '' } });
    });
    process.on('disconnect', () => process.exit(0));`;

  it('are taken for the clone that they name only', async () => {
    const late = join(folder, 'late.js');
    await writeFile(late, lateChild);
    const warm = make({ childEntry: late });
    expect((await warm.clone(request(), none)).sha).toBe('1');
    expect((await warm.clone(request(), none)).sha).toBe('2');
  });
});

describe('clones at one time', () => {
  it('wait for their turn over the limit, and can be stopped meanwhile', async () => {
    server.behaviour = { kind: 'stall', afterBytes: 0 };
    const limited = make({ maxChildren: 2, timeoutMs: 60_000 });
    const abort = new AbortController();
    const lines: string[] = [];
    const running = [1, 2].map(() =>
      limited
        .clone(request(), { signal: abort.signal, progress: () => undefined })
        .catch((error: { code: string }) => error.code),
    );
    const leave = new AbortController();
    const left = limited.clone(request(), { signal: leave.signal, progress: () => undefined });
    const waiting = limited.clone(request(), { ...none, progress: (line) => lines.push(line) });
    await until(() => lines.length > 0);
    expect(lines).toEqual(['Waiting: as many clones as may run at one time are running']);
    leave.abort();
    await expect(left).rejects.toMatchObject({ code: 'aborted' });
    expect(await childPids()).toHaveLength(2);
    server.behaviour = { kind: 'serve' };
    abort.abort();
    expect(await Promise.all(running)).toEqual(['aborted', 'aborted']);
    expect((await waiting).sha).toMatch(/^[0-9a-f]{40}$/);
  });
});

describe('a kept connection', () => {
  it('that the server closes when it is used again costs a new one, not the clone', async () => {
    let connections = 0;
    const sockets = new Map<object, number>();
    server.behaviour = {
      kind: 'answer',
      answer: ({ socket, method }) => {
        const count = (sockets.get(socket) ?? 0) + 1;
        sockets.set(socket, count);
        if (count === 1) connections += 1;
        // The request for the pack comes over the connection of the list of refs.
        if (method !== 'POST' || count === 1) return false;
        socket.destroy();
        return true;
      },
    };
    await make().clone(request(), none);
    expect(connections).toBe(2);
  });

  it('is not tried again on a new connection for ever', async () => {
    server.behaviour = {
      kind: 'answer',
      answer: ({ socket, method }) => {
        if (method === 'POST') socket.destroy();
        return method === 'POST';
      },
    };
    const asked = server.seen.length;
    await expect(make().clone(request(), none)).rejects.toMatchObject({ code: 'unreachable' });
    expect(server.seen.slice(asked).filter(({ method }) => method === 'POST')).toHaveLength(2);
  });
});

describe('chooseGitClient', () => {
  it('takes git where it is installed, unless isomorphic-git is named', async () => {
    expect((await chooseGitClient('auto', [])).name).toBe('git');
    const without = await chooseGitClient('auto', [], { git: { program: '/nonexistent/git' } });
    expect(without.name).toBe('isomorphic-git');
    expect((await chooseGitClient('isomorphic-git', [])).name).toBe('isomorphic-git');
    expect((await chooseGitClient('git', [])).name).toBe('git');
  });

  it('says what to do when git is named and not there', async () => {
    expect(await detectGitProgram('/nonexistent/git')).toBeUndefined();
    const chosen = chooseGitClient('git', [], { git: { program: '/nonexistent/git' } });
    await expect(chosen).rejects.toThrow(/apt-get install git/);
    const missing = new GitProgramClient({ program: '/nonexistent/git' });
    await expect(missing.clone(request(), none)).rejects.toThrow(/apt-get install git/);
  });
});

async function childPids(): Promise<readonly string[]> {
  const text = await readFile(`/proc/${process.pid}/task/${process.pid}/children`, 'latin1');
  const pids = text.split(' ').filter((pid) => pid !== '');
  const commands = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')),
  );
  return pids.filter((_pid, index) => commands[index]?.includes(entry.path));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('the condition did not come true in 10 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
