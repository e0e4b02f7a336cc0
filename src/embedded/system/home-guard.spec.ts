import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guardHome, parseList, type HomeGuard } from './home-guard.js';
import { readProcess } from '../../common/child-process/process-stat.js';

describe('guardHome', () => {
  let folder: string;
  const lost: unknown[] = [];
  const guards: HomeGuard[] = [];
  const children: { kill: (signal: 'SIGKILL') => boolean }[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'guard-spec-'));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    for (const guard of guards.splice(0)) await guard.release();
    await rm(folder, { recursive: true, force: true });
  });

  async function take(temporary: readonly string[] = []): Promise<HomeGuard> {
    const guard = await guardHome({
      lockPath: join(folder, 'lock'),
      listPath: join(folder, 'processes'),
      temporary,
      env: process.env,
      onLost: (error) => lost.push(error),
    });
    guards.push(guard);
    return guard;
  }

  async function sleeper(): Promise<{ pid: number; startTicks: number; exit: Promise<unknown[]> }> {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' });
    children.push(child);
    const exit = once(child, 'exit');
    const found = readProcess(child.pid ?? 0);
    return { pid: child.pid ?? 0, startTicks: found?.startTicks ?? 0, exit };
  }

  it('refuses a second holder and lets go at release', async () => {
    const first = await take();
    await expect(take()).rejects.toMatchObject({ code: 'home_in_use' });
    await first.release();
    const second = await take();
    await second.release();
  });

  it('says so when the folder cannot be written', async () => {
    const options = {
      ...{ listPath: join(folder, 'l'), temporary: [], env: process.env },
      onLost: () => undefined,
    };
    const guard = guardHome({ ...options, lockPath: join(folder, 'absent/lock') });
    await expect(guard).rejects.toMatchObject({ code: 'lock_unavailable' });
  });

  it('is replaced when it is killed', async () => {
    const guard = await take();
    const lock = join(folder, 'lock');
    const before = await holders(lock);
    for (const pid of before) process.kill(pid, 'SIGKILL');
    await until(async () => !(await holders(lock)).some((pid) => before.includes(pid)));
    // A process that is killed may show no descriptors any more and still have the lock for a
    // moment.
    await until(async () => (await holders(lock)).length > 0 && (await isHeld(lock)));
    await expect(take()).rejects.toMatchObject({ code: 'home_in_use' });
    await guard.release();
    expect(lost).toEqual([]);
    await (await take()).release();
  });

  it('removes the temporary folders at release and leaves processes alone', async () => {
    const temporary = join(folder, 'with blank');
    await mkdir(temporary);
    const child = await sleeper();
    const guard = await take([temporary]);
    await guard.watch([{ ...child, signal: 'SIGTERM' }]);
    await guard.release();
    expect(await readdir(folder)).not.toContain('with blank');
    expect(readProcess(child.pid)).toBeDefined();
  });

  it('ends what a killed predecessor left, and only that', async () => {
    const left = await sleeper();
    const other = await sleeper();
    const line = (child: { pid: number }, start: number): string =>
      `INT ${String(child.pid)} ${start}\n`;
    await writeFile(join(folder, 'processes'), line(left, left.startTicks) + line(other, 1));
    const guard = await take();
    expect(await left.exit).toEqual([null, 'SIGINT']);
    expect(readProcess(other.pid)).toBeDefined();
    await guard.release();
  });
});

/** True while somebody has the lock; takes it for a moment when not. */
async function isHeld(path: string): Promise<boolean> {
  const child = spawn('flock', ['-n', path, 'true'], { stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number];
  return code !== 0;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition did not come true within 20 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Running processes that have the file open. */
async function holders(path: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const target = await readlink(`/proc/${pid}/fd/9`).catch(() => '');
    if (target === path) found.push(Number(pid));
  }
  return found;
}

describe('parseList', () => {
  it('leaves out lines that are not whole', () => {
    expect(parseList('TERM 12 345\nINT 7\nKILL 9 1\nHUP 1 1\nTERM 3')).toEqual([
      { signal: 'SIGTERM', pid: 12, startTicks: 345 },
      { signal: 'SIGKILL', pid: 9, startTicks: 1 },
    ]);
  });
});
