import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isAlive, readBootId, readStartTicks } from '../../common/child-process/process-stat.js';
import { eventually } from '../../../test/support/eventually.js';
import { itWith } from '../../../test/support/needed-programs.js';
import { processesWith } from '../../../test/support/processes.js';
import {
  LOG_BYTES,
  removeSupervisorCode,
  SupervisorUnderTest,
} from '../../../test/support/services-under-test.js';
import type { ServiceSpec, ServiceStatus } from './local-services.js';
import { endPrograms, runSupervisor } from './supervisor/run-supervisor.js';

const isRoot = process.getuid?.() === 0;
const asRoot = itWith(isRoot || undefined, 'root');

/** A length of sleep of no other process on this machine. */
let seconds = 300_000_000 + (process.pid % 100_000) * 1000;
const uniqueSleep = (): string => `sleep ${(seconds += 1)}`;

afterAll(removeSupervisorCode);

describe('services of a host', () => {
  let test: SupervisorUnderTest;
  const others: ChildProcess[] = [];

  beforeEach(async () => {
    test = await SupervisorUnderTest.make();
  });
  afterEach(async () => {
    for (const other of others.splice(0)) other.kill('SIGKILL');
    await test.close();
  });

  const restart = { max: 20, window_ms: 60_000, backoff_ms: { first: 5, most: 5 } };
  const spec = (command: ServiceSpec['command'], more: Partial<ServiceSpec> = {}): ServiceSpec => ({
    ...{ id: 'web', command, cwd: '/', restart },
    ...more,
  });
  const start = (command: ServiceSpec['command'], more?: Partial<ServiceSpec>) =>
    test.services.start(spec(command, more));
  const status = async (): Promise<ServiceStatus> => {
    const found = await test.services.status('web');
    if (found === undefined) throw new Error('there is no such service');
    return found;
  };
  const printed = (line: string) =>
    eventually(async () =>
      (await test.services.log('web', { tail: 1000 })).includes(line) ? line : undefined,
    );
  const until = (matches: (now: ServiceStatus) => boolean) =>
    eventually(async () => {
      const now = await status();
      return matches(now) ? now : undefined;
    });
  const identity = (pid: number | null) => ({
    ...{ pid: pid ?? NaN, startTicks: readStartTicks(pid ?? NaN) ?? NaN },
  });
  /** A process of somebody else. */
  const stranger = async () => {
    const other = spawn('sleep', ['600'], { stdio: 'ignore' });
    others.push(other);
    await once(other, 'spawn');
    return identity(other.pid ?? null);
  };

  describe('a supervisor that is killed', () => {
    it('leaves them running; the next one takes them over, and starts again what ends', async () => {
      const first = await start(`exec ${uniqueSleep()}`);
      const before = test.supervisor();
      await test.kill();
      expect(isAlive(identity(first.pid))).toBe(true);
      expect(await status()).toMatchObject({ state: 'running', pid: first.pid, restarts: 0 });
      expect(test.supervisor().pid).not.toBe(before.pid);
      process.kill(first.pid ?? NaN, 'SIGKILL');
      const second = await until(({ state, restarts }) => state === 'running' && restarts === 1);
      expect(second.pid).not.toBe(first.pid);
      expect(second.last_exit?.kind).toBe('unknown');
    });

    it('breaks no pipe of theirs: what they print meanwhile is in the log', async () => {
      const first = await start('read() { sleep 0.01; }; while :; do echo tick; read; done');
      await printed('tick');
      await test.kill();
      const log = join(test.folder('web'), 'log');
      const { size } = statSync(log);
      await eventually(() => statSync(log).size > size + 20 || undefined);
      expect((await status()).pid).toBe(first.pid);
    });

    it('is followed by one that starts what has ended meanwhile', async () => {
      const first = await start(`exec ${uniqueSleep()}`);
      await test.kill();
      process.kill(first.pid ?? NaN, 'SIGKILL');
      await eventually(() => !isAlive(identity(first.pid)) || undefined);
      const second = await until(({ state, restarts }) => state === 'running' && restarts === 1);
      expect(second.pid).not.toBe(first.pid);
    });

    it('may have written down nothing of what it has started: that is found by its mark', async () => {
      const sleep = uniqueSleep();
      const first = await start(`exec ${sleep} >/dev/null 2>&1`);
      await test.kill();
      test.rewrite('web', { run: 'starting' });
      expect(await until(({ state }) => state === 'running')).toMatchObject({ pid: first.pid });
      expect(await processesWith(sleep.replace(' ', '\0'))).toEqual([first.pid]);
    });

    it('is followed by one that ends what was to be stopped, and removes what was to be', async () => {
      const first = await start(`exec ${uniqueSleep()}`);
      await test.services.start({ ...spec('exec sleep 600'), id: 'old' });
      await test.kill();
      test.rewrite('web', { wanted: 'stopped' });
      test.rewrite('old', { wanted: 'removed' });
      await until(({ state }) => state === 'stopped');
      expect(isAlive(identity(first.pid))).toBe(false);
      await eventually(() => !existsSync(test.folder('old')) || undefined);
    });

    it('may have made or removed no more than a folder: the next one removes that', async () => {
      await start('exec sleep 600');
      await test.kill();
      for (const id of ['half-made', 'half-removed', 'strange']) mkdirSync(test.folder(id));
      writeFileSync(join(test.folder('half-made'), 'record.json.1'), '{');
      writeFileSync(join(test.folder('strange'), 'notes'), 'of somebody');
      expect((await test.services.list()).map(({ id }) => id)).toEqual(['web']);
      expect(readdirSync(dirname(test.folder('web'))).sort()).toEqual(['strange', 'web']);
    });

    it('is asked again by who has waited for its answer', async () => {
      const stop = { signal: 'SIGTERM' as const, grace_ms: 1500 };
      const first = await start(`trap '' TERM; echo deaf; while :; do sleep 0.1; done`, { stop });
      await printed('deaf');
      const stopped = test.services.stop('web');
      await eventually(() => test.record('web').wanted === 'stopped' || undefined);
      await test.kill();
      await stopped;
      expect(isAlive(identity(first.pid))).toBe(false);
      expect((await status()).state).toBe('stopped');
    });
  });

  describe('programs that are ended for now, as with their container', () => {
    it('have the time that they have, and begin again at once; that is no restart', async () => {
      const first = await start(
        `trap 'echo told; exit 0' TERM; echo ready; while :; do sleep 0.05; done`,
      );
      await test.services.start({ ...spec('exec sleep 600'), id: 'stopped' });
      await test.services.stop('stopped');
      await printed('ready');
      await test.process.stop();
      const options = { home: test.home, env: process.env, stepUsers: [] };
      await endPrograms({ ...options, say: () => undefined });
      expect(isAlive(identity(first.pid))).toBe(false);
      expect(test.record('web')).toMatchObject({ wanted: 'running', run: null });
      await printed('told');
      const second = await until(({ state }) => state === 'running');
      expect(second).toMatchObject({ restarts: 0 });
      expect(second.pid).not.toBe(first.pid);
      expect(await test.services.status('stopped')).toMatchObject({ state: 'stopped' });
    });
  });

  describe('a command beside a program', () => {
    it('has its folder, its variables, its user and its limits', async () => {
      await start(`exec ${uniqueSleep()}`, {
        ...{ cwd: '/usr', environment: [['COLOR', 'red']], limits: { open_files: 77 } },
      });
      const user = async () =>
        readFileSync(`/proc/${(await status()).pid}/status`, 'utf8').match(/^Uid:\t(\d+)/m)?.[1];
      const command = 'echo "$PWD $COLOR $(ulimit -n) $(id -u)"; exit 4';
      expect(await test.services.exec('web', { command, limit_ms: 10_000 })).toEqual({
        ...{ kind: 'exited', code: 4, said: `/usr red 77 ${await user()}` },
      });
    });

    it('is killed at its limit with all that it has begun, also daemons; the program is not', async () => {
      const { pid } = await start(`exec ${uniqueSleep()}`);
      const [one, two] = [uniqueSleep(), uniqueSleep()];
      const command = `setsid ${one} >/dev/null 2>&1 & echo begun; ${two}`;
      const end = await test.services.exec('web', { command, limit_ms: 300 });
      expect(end).toEqual({ kind: 'late', isEnded: true, said: 'begun' });
      for (const sleep of [one, two]) {
        expect(await processesWith(sleep.replace(' ', '\0'))).toEqual([]);
      }
      expect(await status()).toMatchObject({ state: 'running', pid, restarts: 0 });
    });

    it('leaves nothing running when it ends by itself', async () => {
      await start(`exec ${uniqueSleep()}`);
      const left = uniqueSleep();
      const command = `${left} & exit 0`;
      expect(await test.services.exec('web', { command, limit_ms: 10_000 })).toMatchObject({
        ...{ kind: 'exited', code: 0 },
      });
      expect(await processesWith(left.replace(' ', '\0'))).toEqual([]);
    });

    it('that is not there, or says too much, is told', async () => {
      await start(`exec ${uniqueSleep()}`);
      const none = await test.services.exec('web', { command: ['./none'], limit_ms: 10_000 });
      expect(none).toMatchObject({ kind: 'exited', code: 127 });
      const command = 'seq 1 100000';
      const { said } = (await test.services.exec('web', { command, limit_ms: 10_000 })) as {
        said: string;
      };
      expect(said.length).toBeLessThanOrEqual(4096);
      expect(said.endsWith('100000')).toBe(true);
    });
  });

  it.each([
    ['that has its pid now', async () => ({ start_ticks: 1 })],
    ['of an earlier boot', async () => ({ boot_id: 'of yesterday' })],
  ])('a process %s is never touched', async (_title, change) => {
    const first = await start(`exec ${uniqueSleep()}`);
    await test.kill();
    process.kill(first.pid ?? NaN, 'SIGKILL');
    const other = await stranger();
    const { boot_id: boot = readBootId(), start_ticks: ticks = other.startTicks } =
      (await change()) as { boot_id?: string; start_ticks?: number };
    const run = { pid: other.pid, start_ticks: ticks, started_at: new Date().toISOString() };
    test.rewrite('web', { run, boot_id: boot });
    const second = await until(({ state, pid }) => state === 'running' && pid !== other.pid);
    expect(second.pid).not.toBe(first.pid);
    await test.services.stop('web');
    await test.services.remove('web');
    expect(isAlive(other)).toBe(true);
  });

  it('begin again when the host was started again, but for those that were stopped', async () => {
    const failing = { ...spec('exit 3'), restart: { ...restart, max: 0 } };
    await start(`exec ${uniqueSleep()}`);
    await test.services.start({ ...failing, id: 'failed' });
    await test.services.start({ ...spec('exec sleep 600'), id: 'stopped' });
    await test.services.stop('stopped');
    await eventually(async () => (await test.services.status('failed'))?.reason ?? undefined);
    await test.services.stop('web');
    await test.kill();
    const boot = { boot_id: 'of yesterday' };
    test.rewrite('web', { ...boot, wanted: 'running', run: null });
    for (const id of ['failed', 'stopped']) test.rewrite(id, boot);
    expect(await until(({ state }) => state === 'running')).toMatchObject({ restarts: 0 });
    const { at } = (await test.services.status('failed'))?.last_exit ?? {};
    await eventually(async () => {
      const now = await test.services.status('failed');
      return (now?.state === 'failed' && now.last_exit?.at !== undefined) || undefined;
    });
    expect(at).not.toBe(test.record('stopped').last_exit?.at);
    expect((await test.services.status('stopped'))?.state).toBe('stopped');
    expect(test.record('failed').boot_id).toBe(readBootId());
  });

  describe('what is ended with one', () => {
    it.each([
      [
        'a daemon that keeps its environment',
        (sleep: string) => `setsid ${sleep} >/dev/null 2>&1 &`,
      ],
      ['a daemon that keeps its output', (sleep: string) => `setsid env -i ${sleep} &`],
      [
        'a child of its session without environment and output',
        (sleep: string) => `env -i ${sleep} >/dev/null 2>&1 &`,
      ],
    ])('is %s', async (_title, daemon) => {
      const [sleep, main] = [uniqueSleep(), uniqueSleep()];
      const found = async () => (await processesWith(sleep.replace(' ', '\0'))).length;
      // Its parent ends at once: it is a child of init by then.
      await start(`(${daemon(sleep)}); exec ${main}`);
      await eventually(async () => ((await found()) === 1 ? true : undefined));
      await test.services.stop('web');
      expect(await found()).toBe(0);
    });

    it('is what it has left running when it ended by itself', async () => {
      const sleep = uniqueSleep();
      await start(`setsid ${sleep} & exit 0`, { restart: { ...restart, max: 0 } });
      const failed = await until(({ state }) => state === 'failed');
      expect(failed.reason).toContain('stays in the foreground');
      expect(await processesWith(sleep.replace(' ', '\0'))).toEqual([]);
    });

    it('is what does not hear the signal, after the grace', async () => {
      const stop = { signal: 'SIGINT' as const, grace_ms: 50 };
      const { pid } = await start(`trap '' INT; echo deaf; while :; do sleep 0.1; done`, { stop });
      await printed('deaf');
      await test.services.stop('web');
      expect(isAlive(identity(pid))).toBe(false);
      expect((await status()).last_exit).toMatchObject({ kind: 'signalled', signal: 'SIGKILL' });
    });

    it('has time to end by itself', async () => {
      await start(`trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done`);
      await printed('ready');
      await test.services.stop('web');
      expect((await status()).last_exit).toMatchObject({ kind: 'exited', code: 7 });
      await printed('bye');
    });
  });

  it('keeps no more of a log than two files of a size, and the last lines', async () => {
    const line = 'x'.repeat(1000);
    await start(
      `i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo ${line}; sleep 0.005; done; echo last; exec sleep 600`,
    );
    await printed('last');
    const sizes = async () => {
      const names = (await readdir(test.folder('web'))).filter((name) => name.startsWith('log'));
      return names.map((name) => statSync(join(test.folder('web'), name)).size);
    };
    // A look is due every half second.
    const kept = await eventually(async () => {
      const all = await sizes();
      return all.length === 2 && all.every((size) => size <= LOG_BYTES) ? all : undefined;
    });
    expect(kept.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(LOG_BYTES / 2);
    expect((await test.services.log('web', { tail: 2 })).at(-1)).toBe('last');
  });

  it('gives a program what its spec says and nothing of its own', async () => {
    await test.close();
    test = await SupervisorUnderTest.make(['MILLRACE_TOKEN=secret', 'MONGODB_URI=mongodb://x']);
    const environment = [['COLOR', 'dark red'] as const, ['LANG', 'de_DE.UTF-8'] as const];
    await start(['/usr/bin/env'], { environment, restart: { ...restart, max: 0 } });
    await until(({ state }) => state === 'failed');
    const lines = await test.services.log('web', { tail: 100 });
    const mark = test.record('web').mark;
    expect([...lines].sort()).toEqual([
      'COLOR=dark red',
      `HOME=${join(test.folder('web'), 'home')}`,
      'LANG=de_DE.UTF-8',
      `MILLRACE_SERVICE=${mark}`,
      'PATH=/usr/local/bin:/usr/bin:/bin',
    ]);
  });

  it('hands nothing of who starts the supervisor to it but what it needs', async () => {
    await test.services.list();
    const environ = readFileSync(`/proc/${test.supervisor().pid}/environ`, 'utf8');
    const names = environ.split('\0').map((each) => each.split('=')[0] ?? '');
    const known = ['', '_', 'LANG', 'MILLRACE_HOME', 'PATH', 'STEP_USER', 'TMPDIR'];
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('tells where the processes of one listen', async () => {
    const program = `const s = require('node:net').createServer().listen(0, '127.0.0.1',
      () => console.log('port', s.address().port))`;
    await start([process.execPath, '-e', program]);
    const port = await eventually(async () => {
      const [line] = await test.services.log('web', { tail: 1 });
      return /^port (\d+)$/.exec(line ?? '')?.[1];
    });
    const expected = [{ address: '127.0.0.1', port: Number(port) }];
    expect(await test.services.listening('web')).toEqual(expected);
  });

  it('limits what a process may open, and its data', async () => {
    const limits = { open_files: 77, memory_bytes: 64 * 1024 * 1024 };
    await start('ulimit -n; ulimit -d; echo done; exec sleep 600', { limits });
    await printed('done');
    expect(await test.services.log('web', { tail: 3 })).toEqual(['77', '65536', 'done']);
  });

  it.each([
    ['a folder', { cwd: '/nowhere' }, 'exit code 126', 'the folder /nowhere cannot be entered'],
    ['a program', { command: ['no-such-program'] }, 'exit code 127', 'no-such-program'],
  ])('tells of %s that is not there', async (_title, more, reason, line) => {
    await start('true', { restart: { ...restart, max: 0 }, ...more });
    expect((await until(({ state }) => state === 'failed')).reason).toContain(reason);
    expect((await test.services.log('web', { tail: 5 })).join('\n')).toContain(line);
  });

  it('has files that nobody else can read, and a socket that nobody else can use', async () => {
    await start('exec sleep 600');
    const mode = (name: string): number => statSync(join(test.home, 'services', name)).mode & 0o777;
    expect(mode('control.sock')).toBe(0o600);
    for (const name of ['record.json', 'log']) expect(mode(`instances/web/${name}`)).toBe(0o600);
    expect(mode('instances/web/home')).toBe(0o700);
    for (const name of ['lock', 'start.lock', 'supervisor.log', 'supervisor.json', 'start.log']) {
      expect(mode(name)).toBe(0o600);
    }
  });

  describe('the supervisor', () => {
    it('is one, for all who ask at once', async () => {
      await Promise.all([test.process, test.another(), test.another()].map((all) => all.ensure()));
      const { pid } = test.supervisor();
      await test.another().ensure();
      expect(test.supervisor().pid).toBe(pid);
    });

    it('is the only one of a home', async () => {
      await test.process.ensure();
      const second = runSupervisor({
        ensureProxy: async () => undefined,
        ...{ home: test.home, env: process.env, stepUsers: [], say: () => undefined },
        signal: new AbortController().signal,
      });
      await expect(second).rejects.toMatchObject({ code: 'home_in_use' });
    });

    it('is in a session of its own, so that no end of its starter is its own', async () => {
      await test.process.ensure();
      const { pid } = test.supervisor();
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      expect([Number(stat[2]), Number(stat[3])]).toEqual([pid, pid]);
    });

    it('ends alone when it is told to', async () => {
      const first = await start('exec sleep 600');
      await test.process.stop();
      expect(() => test.supervisor()).toThrow('there is no supervisor');
      expect((await status()).pid).toBe(first.pid);
    });

    it('ends while it waits for the end of one: the next continues with that', async () => {
      const stop = { signal: 'SIGTERM' as const, grace_ms: 6000 };
      const first = await start(`trap '' TERM; echo deaf; while :; do sleep 0.1; done`, { stop });
      await printed('deaf');
      const stopped = test.services.stop('web');
      await eventually(() => test.record('web').wanted === 'stopped' || undefined);
      const before = test.supervisor();
      process.kill(before.pid, 'SIGTERM');
      await eventually(() => !isAlive(before) || undefined);
      expect(isAlive(identity(first.pid))).toBe(true);
      await stopped;
      expect(isAlive(identity(first.pid))).toBe(false);
    });

    it('is replaced when its socket is gone, since nobody could tell it anything', async () => {
      const first = await start('exec sleep 600');
      const before = test.supervisor();
      // A young one is waited for.
      await rm(join(test.home, 'services/control.sock'));
      expect((await status()).pid).toBe(first.pid);
      expect(isAlive(before)).toBe(false);
    });

    it('leaves a record alone that it cannot read, and supervises the others', async () => {
      const first = await start('exec sleep 600');
      await test.services.start({ ...spec('exec sleep 600'), id: 'other' });
      await test.kill();
      const { run } = test.record('web');
      test.rewrite('web', { format: 2 as 1 });
      expect((await test.services.list()).map(({ id }) => id)).toEqual(['other']);
      expect(isAlive(identity(first.pid))).toBe(true);
      await test.kill();
      test.rewrite('web', { format: 1 });
      expect((await status()).pid).toBe(run === 'starting' ? undefined : run?.pid);
    });
  });

  describe('as root', () => {
    asRoot('they are a user that is neither root nor that of the steps', async () => {
      await start(
        'id -un; id -u; echo mine > $HOME/file && echo again >> /dev/stderr; exec sleep 9',
      );
      await printed('again');
      const [name, uid] = await test.services.log('web', { tail: 3 });
      expect(name).toBe('millrace-service');
      expect(uid).not.toBe('0');
      expect(test.record('web').user?.uid).toBe(Number(uid));
    });

    asRoot.each(['root', 'millrace-step', 'no-such-user-here'])('none is %s', async (user) => {
      await expect(start('true', { user })).rejects.toMatchObject({ code: 'bad_spec' });
      expect(await test.services.list()).toEqual([]);
    });

    asRoot('a home is emptied by its own user, and leads nowhere else', async () => {
      await start('ln -s /etc $HOME/link; mkdir $HOME/a; touch $HOME/a/b; echo done; exec sleep 9');
      await printed('done');
      await test.services.remove('web');
      expect(existsSync(test.folder('web'))).toBe(false);
      expect(existsSync('/etc/passwd')).toBe(true);
    });
  });

  // CI is root; whoever is not sees this too.
  if (!isRoot) {
    it('they are the caller where that is an ordinary user', async () => {
      await start('id -u; exec sleep 600');
      await printed(String(process.getuid?.()));
      await expect(start('true', { id: 'b', user: 'daemon' })).rejects.toMatchObject({
        code: 'bad_spec',
      });
    });
  }
});
