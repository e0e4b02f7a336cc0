import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entryFile } from '../../src/config/paths.js';
import { isAlive, readProcess } from '../../src/common/child-process/process-stat.js';
import { readCommandLine } from '../../src/embedded/system/end-process.js';
import { removeTree } from '../support/remove-tree.js';
import { eventually } from '../support/eventually.js';

interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<number | null>;
  output(): string;
}

interface Identity {
  readonly pid: number;
  readonly startTicks: number;
  readonly commandLine: string;
}

const START_MS = 60_000;

/**
 * `dist/cli.js start` as a person at a terminal runs it, with embedded stores; a process group of
 * its own gets Ctrl-C.
 */
describe('millrace start', () => {
  let folder: string;
  let home: string;
  const running: Started[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace start-'));
    // Started by root, the stores run as another user, who must get there.
    await chmod(folder, 0o755);
    home = join(folder, 'data folder');
  });

  afterAll(async () => {
    for (const { child } of running) child.kill('SIGKILL');
    await Promise.all(running.map(({ ended }) => ended));
    await removeTree(folder);
  });

  function start(environment: Record<string, string> = {}): Started {
    const env = {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      MILLRACE_HOME: home,
      PORT: '0',
      WORKERS: '1',
      ...environment,
    };
    const child = spawn(process.execPath, [entryFile('cli'), 'start'], {
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const chunks: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => chunks.push(text));
    }
    const ended = once(child, 'close').then(([code]) => code as number | null);
    const started = { child, pid: child.pid ?? 0, ended, output: () => chunks.join('') };
    running.push(started);
    return started;
  }

  async function said(started: Started, what: RegExp): Promise<string> {
    try {
      return await eventually(() => {
        const found = what.exec(started.output());
        if (found) return found[1] ?? found[0];
        if (started.child.exitCode !== null) throw new Error('it ended');
        return undefined;
      }, START_MS);
    } catch (error) {
      throw new Error(`no ${what.source} in:\n${started.output()}`, { cause: error });
    }
  }

  it('runs an example at the first start, whose line can be repeated; Ctrl-C ends everything', async () => {
    const first = start();
    await said(first, /Ctrl-C stops everything/);
    expect(first.output()).toMatch(/\| 1 \+ 2 \+ 3 \+ 4 = 10\n {2}success in \d+ ms/);

    expect(first.output()).toMatch(/\n {2}\.\/millrace status [0-9a-f-]{36}( --server \S+)?\n/);
    const [, again = ''] = /\n {2}\.\/millrace (trigger \S+.*)\n/.exec(first.output()) ?? [];
    const { status } = spawnSync(process.execPath, [entryFile('cli'), ...again.split(' ')], {
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], MILLRACE_HOME: home },
    });
    expect(status).toBe(0);

    const [, file = '', url = ''] = /\$\(cat '(.+)'\)" (\S+)/.exec(first.output()) ?? [];
    const headers = { authorization: `Bearer ${(await readFile(file, 'utf8')).trim()}` };
    const answer = await fetch(url, { method: 'POST', headers });
    expect(answer.status).toBe(202);

    const all = await descendants(first.pid);
    expect(commandsOf(all)).toEqual(
      expect.arrayContaining(['main.js', 'worker.js', 'launcher.js']),
    );
    process.kill(-first.pid, 'SIGINT');
    expect(await first.ended).toBe(0);
    expect(stillRunning(all)).toEqual([]);
  });

  it('finds its data again, restarts what dies, and leaves nothing when it is killed', async () => {
    const second = start();
    await said(second, /Ctrl-C stops everything/);
    expect(second.output()).not.toContain('Running a first pipeline');

    const url = await said(second, /Millrace runs: (\S+)/);
    const token = (await readFile(join(home, 'token'), 'utf8')).trim();
    const headers = { authorization: `Bearer ${token}` };
    const pipelines = (await (await fetch(`${url}/api/ci/pipelines`, { headers })).json()) as {
      name: string;
    }[];
    expect(pipelines.map(({ name }) => name)).toEqual(['hello']);

    const before = await descendants(second.pid);
    for (const entry of ['main.js', 'worker.js']) {
      process.kill(before.find((each) => each.commandLine.includes(entry))?.pid ?? 0, 'SIGKILL');
    }
    await said(second, /worker 1 died \(SIGKILL\)[^]*worker 1 is back after/);
    await said(second, /api died \(SIGKILL\)[^]*api is back after/);
    // On the same port, though any was asked for.
    await eventually(async () => (await fetch(`${url}/api/health/ready`)).ok || undefined);

    const all = await descendants(second.pid);
    second.child.kill('SIGKILL');
    await eventually(async () => (stillRunning(all).length === 0 ? true : undefined), 10_000);
  });

  it('replaces what stands still', async () => {
    const started = start();
    const url = await said(started, /Millrace runs: (\S+)/);
    await said(started, /Ctrl-C stops everything/);
    const before = await descendants(started.pid);
    const [api = 0, worker = 0, launcher = 0] = ['main.js', 'worker.js', 'launcher.js'].map(
      (entry) => before.find((each) => each.commandLine.includes(entry))?.pid,
    );
    for (const pid of [launcher, worker, api]) process.kill(pid, 'SIGSTOP');
    await said(started, /worker 1 died \(it stood still for 20 s\)[^]*worker 1 is back after/);
    await said(started, /api died \(it stood still for 20 s\)[^]*api is back after/);
    await eventually(async () => (await fetch(`${url}/api/health/ready`)).ok || undefined);
    expect([api, worker, launcher].filter((pid) => readProcess(pid) !== undefined)).toEqual([]);

    const all = await descendants(started.pid);
    process.kill(-started.pid, 'SIGINT');
    expect(await started.ended).toBe(0);
    expect(stillRunning(all)).toEqual([]);
  });

  it('Ctrl-C while it starts ends what is there already', async () => {
    const started = start();
    const all = await eventually(async () => {
      const found = await descendants(started.pid);
      return found.length > 0 ? found : undefined;
    });
    process.kill(-started.pid, 'SIGINT');
    expect(await started.ended).toBe(130);
    expect(stillRunning([...all, ...(await descendants(started.pid))])).toEqual([]);
  });

  it('names a port that is in use, before it starts anything', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const started = start({ PORT: String(port) });
    expect(await started.ended).toBe(1);
    expect(started.output()).toBe(
      `millrace: Port ${port} of 127.0.0.1 is in use by a program. Stop that, or choose another port by --port (or PORT); 0 takes any free one.\n`,
    );
    other.close();
  });

  it('names a home that cannot be used, and every bad variable at once', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const started = start({ MILLRACE_HOME: join(file, 'home') });
    expect(await started.ended).toBe(2);
    expect(started.output()).toMatch(
      /^ {2}MILLRACE_HOME must lead to a folder .*: a part of the path is a file$/m,
    );

    const bad = start({ PORT: 'http', WORKERS: 'many', AUTH_MODE: 'ldap' });
    expect(await bad.ended).toBe(2);
    for (const name of ['PORT', 'WORKERS', 'AUTH_MODE']) {
      expect(bad.output()).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    }
  });

  it('ends when a server process does not start, with its words', async () => {
    await writeFile(join(home, 'token'), 'short');
    const started = start();
    expect(await started.ended).toBe(2);
    expect(started.output()).toContain('holds no token: delete it and start again');
    expect(started.output()).toContain('millrace: api did not start (exit code 2).');
  });
});

/** Everything that a process started, at any depth. */
async function descendants(root: number): Promise<Identity[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')),
  );
  const parents = new Map(
    stats.flatMap((stat): [number, number][] => {
      const match = /^(\d+) \(.*\) \S (\d+) /s.exec(stat);
      return match ? [[Number(match[1]), Number(match[2])]] : [];
    }),
  );
  const found = new Set([root]);
  for (let size = 0; size !== found.size;) {
    size = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  found.delete(root);
  const read = await Promise.all(
    [...found].map(async (pid) => {
      const identity = readProcess(pid);
      const commandLine = await readCommandLine(pid);
      return identity && commandLine !== undefined ? [{ ...identity, commandLine }] : [];
    }),
  );
  return read.flat();
}

function commandsOf(processes: readonly Identity[]): (string | undefined)[] {
  return processes.map(({ commandLine }) => /\w+\.js/.exec(commandLine)?.[0]);
}

function stillRunning(processes: readonly Identity[]): string[] {
  return processes.filter(isAlive).map(({ commandLine }) => commandLine);
}
