import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { openTmpdir } from '../../../../test/support/open-tmpdir.js';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { transpileEntry } from '../../../../test/support/transpile-entry.js';
import { nameRecord } from '../../../common/values/name-record.js';
import type { ProcessExit, RunningProcess } from '../process-runner.js';
import { isStopped, readProcess } from '../../../common/child-process/process-stat.js';
import { readProcessTable } from '../trees/process-table.js';
import { sendSignal } from '../trees/tree-ender.js';
import {
  LauncherProcessRunner,
  type LauncherRunnerOptions,
  type RunnerReport,
} from './launcher-process-runner.js';
import { resolveStepUser } from './step-user.js';

const PATH = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';
const asRoot = process.getuid?.() === 0 ? it : it.skip;

/** Resolves when the condition holds; the test's own time limit is the limit. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/**
 * Pids of processes of which an argument is `argument`: a number of seconds that only one test
 * sleeps.
 */
function pidsWithArgument(argument: string): number[] {
  return readProcessTable().flatMap(({ pid }) => {
    try {
      const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return args.includes(argument) ? pid : [];
    } catch {
      return [];
    }
  });
}

let seconds = 100_000 + (process.pid % 10_000) * 100;
/** A sleeping time that no other process on this machine has. */
function uniqueSleep(): string {
  seconds += 1;
  return `${seconds}`;
}

/**
 * Detached by two forks and a session of its own, with no environment, no descriptor, in another
 * folder, and deaf to TERM.
 */
function escapee(sleep: string): string {
  return `setsid env -i /bin/sh -c 'cd /; exec </dev/null >/dev/null 2>&1; (trap "" TERM; /bin/sleep ${sleep}) & exit 0' &`;
}

interface StartOptions {
  readonly group?: string;
  readonly environment?: Record<string, string>;
  readonly by?: LauncherProcessRunner;
  readonly cwd?: string;
  readonly directory?: string;
  readonly mergeOutput?: boolean;
  readonly asServer?: true;
  /** Parameters of `shell`: `$0` and so on. */
  readonly args?: readonly string[];
}

const launcher = transpileEntry('src/launcher.ts');
const workerCode = transpileEntry('src/integrations/process/client/launcher-process-runner.ts');

afterAll(() => {
  launcher.remove();
  workerCode.remove();
});

describe('LauncherProcessRunner', () => {
  let folder: string;
  let runner: LauncherProcessRunner;
  const reports: RunnerReport[] = [];
  let ids = 0;

  const makeRunner = (options: Partial<LauncherRunnerOptions> = {}) =>
    new LauncherProcessRunner({
      launcherEntry: launcher.path,
      stateFolder: join(folder, 'launchers'),
      report: (event) => reports.push(event),
      ...options,
    });

  beforeAll(async () => {
    folder = await mkdtemp(join(openTmpdir(), 'launcher-runner-'));
    await chmod(folder, 0o755);
    runner = makeRunner();
  });

  afterAll(async () => {
    await runner.close();
    expect(await readdir(join(folder, 'launchers'))).toEqual([]);
    await rm(folder, { recursive: true });
  });

  function start(
    command: string,
    args: readonly string[],
    {
      group = 'group',
      environment = { PATH },
      by = runner,
      cwd = folder,
      directory,
      mergeOutput,
      asServer,
    }: StartOptions = {},
  ): Promise<RunningProcess> {
    ids += 1;
    return by.start({
      id: `${ids}`,
      group,
      command,
      args,
      environment,
      cwd,
      directory,
      mergeOutput,
      asServer,
    });
  }

  const shell = (line: string, options: StartOptions = {}) =>
    start('/bin/sh', ['-c', line, ...(options.args ?? [])], options);

  async function outcome(running: RunningProcess): Promise<[ProcessExit, string, string]> {
    return Promise.all([running.exit, text(running.stdout), text(running.stderr)]);
  }

  describe('what a step sees', () => {
    it('has exactly the environment given, and the marker', async () => {
      const running = await start('/usr/bin/env', [], {
        environment: nameRecord([
          ['B', '2'],
          ['odd name', 'x=y'],
          ['__proto__', 'p'],
          ['constructor', 'c'],
        ]),
      });
      const [, stdout] = await outcome(running);
      expect(stdout.trim().split('\n').sort()).toEqual([
        'B=2',
        // In a step of another Millrace (this may be a build of it) the outer group stands before
        // it.
        expect.stringMatching(/^MILLRACE_GROUP=(.*\/)?group$/),
        '__proto__=p',
        'constructor=c',
        'odd name=x=y',
      ]);
    });

    it('has descriptors 0, 1 and 2 only, and an empty standard input', async () => {
      const [, stdout] = await outcome(await shell('cat; ls /proc/$$/fd'));
      expect(stdout).toBe('0\n1\n2\n');
    });

    it('can open /dev/stdout and /dev/stderr', async () => {
      const running = await shell('echo one > /dev/stdout; echo two > /dev/stderr; echo 3 >&2');
      expect(await outcome(running)).toEqual([
        { kind: 'exited', exitCode: 0 },
        'one\n',
        'two\n3\n',
      ]);
    });

    asRoot('can be read by no step, wherever it finds the pipe', async () => {
      const { uid, gid } = await resolveStepUser('nobody');
      const other = makeRunner({ stepUser: { name: 'nobody', uid, gid } });
      const line = '(: < /proc/self/fd/1) 2>/dev/null && echo opened || echo refused';
      const [, stdout] = await outcome(await shell(line, { by: other }));
      expect(stdout).toBe('refused\n');
      await other.close();
    });

    it('may be one channel, in the order of writing', async () => {
      const line =
        'for i in 1 2 3 4; do echo o$i; echo e$i >&2; done; echo x > /dev/stderr; echo y';
      const running = await start('/bin/sh', ['-c', line], { mergeOutput: true });
      expect(await outcome(running)).toEqual([
        { kind: 'exited', exitCode: 0 },
        'o1\ne1\no2\ne2\no3\ne3\no4\ne4\nx\ny\n',
        '',
      ]);
    });

    it('is of this process only: no other gets a pipe that it had in hand', async () => {
      const seen = new Set<string>();
      for (let count = 0; count < 100; count += 1) {
        const [, stdout] = await outcome(await shell('readlink /proc/self/fd/1 /proc/self/fd/2'));
        for (const path of stdout.trim().split('\n')) seen.add(path);
      }
      expect(seen.size).toBe(200);
      await until(() => [...seen].every((path) => !existsSync(path)));
    });

    it('has default signal handling: a broken pipe ends a writer silently', async () => {
      const [exit, stdout, stderr] = await outcome(await shell('yes | head -n 1'));
      expect([exit, stdout, stderr]).toEqual([{ kind: 'exited', exitCode: 0 }, 'y\n', '']);
    });

    it('leads a session of its own', async () => {
      const [, stdout] = await outcome(await shell('cut -d" " -f1,5,6 /proc/$$/stat'));
      expect(new Set(stdout.trim().split(' ')).size).toBe(1);
    });

    asRoot('runs as the step user, in no other group, with working streams', async () => {
      const { uid, gid } = await resolveStepUser('nobody');
      const other = makeRunner({ stepUser: { name: 'nobody', uid, gid } });
      const line = 'id -u; id -G; echo e > /dev/stderr; echo o > /dev/stdout';
      const found = await outcome(await shell(line, { by: other }));
      expect(found).toEqual([{ kind: 'exited', exitCode: 0 }, `${uid}\n${gid}\no\n`, 'e\n']);
      const sleep = uniqueSleep();
      const escaping = await shell(`${escapee(sleep)} sleep 0.2`, { by: other });
      await escaping.exit;
      await other.sweep('group');
      expect(pidsWithArgument(sleep)).toEqual([]);
      await other.close();
    });
  });

  asRoot('runs a program as the user of the server where it is told to, and ends it', async () => {
    const { uid, gid } = await resolveStepUser('nobody');
    const other = makeRunner({ stepUser: { name: 'nobody', uid, gid } });
    const sleep = uniqueSleep();
    const line = `id -u; trap '' TERM; sleep ${sleep} & echo up; wait; wait`;
    const running = await shell(line, { by: other, asServer: true });
    await until(() => pidsWithArgument(sleep).length > 0);
    await running.kill(50);
    expect(pidsWithArgument(sleep)).toEqual([]);
    expect(await outcome(running)).toEqual([
      { kind: 'signalled', signal: 'SIGKILL' },
      '0\nup\n',
      '',
    ]);
    await other.close();
  });

  describe('a directory of the step', () => {
    const enter = (directory: string, line: string, options: StartOptions = {}) =>
      shell(line, { ...options, directory });

    it('is entered relative to cwd, and leaves no trace in environment and descriptors', async () => {
      await mkdir(join(folder, '-'));
      const running = await start('/usr/bin/env', [], {
        environment: { B: '2', CDPATH: '/' },
        directory: '-',
      });
      const [, stdout] = await outcome(running);
      expect(stdout.trim().split('\n').sort()).toEqual([
        'B=2',
        'CDPATH=/',
        expect.stringMatching(/^MILLRACE_GROUP=(.*\/)?group$/),
      ]);
      const inside = await enter('-', '/bin/pwd; ls /proc/$$/fd; echo "$1" >&2', {
        args: ['sh', 'a b'],
      });
      expect(await outcome(inside)).toEqual([
        { kind: 'exited', exitCode: 0 },
        `${join(folder, '-')}\n0\n1\n2\n`,
        'a b\n',
      ]);
    });

    it.each([
      ['missing', '/no/such/folder', 'ENOENT'],
      ['a file', '/etc/passwd', 'ENOTDIR'],
    ])('that is %s is told', async (_, directory, code) => {
      const found = await outcome(await enter(directory, 'echo in'));
      expect(found).toEqual([
        expect.objectContaining({ kind: 'not_started', code, directory }),
        '',
        '',
      ]);
    });

    it('has no part in a program that is missing, and none in exit code 126', async () => {
      const missing = await start('/no/such/program', [], { directory: '/' });
      expect(await outcome(missing)).toEqual([
        {
          kind: 'not_started',
          code: 'ENOENT',
          message: expect.stringContaining('/no/such/program'),
        },
        '',
        '',
      ]);
      const exit = await (await enter('/', 'exit 126')).exit;
      expect(exit).toEqual({ kind: 'exited', exitCode: 126 });
    });

    asRoot('does not let the step user in where only root may go', async () => {
      const closed = join(folder, 'closed');
      await mkdir(join(closed, 'inner'), { recursive: true });
      await chmod(closed, 0o700);
      await symlink(closed, join(folder, 'link'));
      await symlink(join(closed, 'inner'), join(folder, 'deep'));
      const { uid, gid } = await resolveStepUser('nobody');
      const by = makeRunner({ stepUser: { name: 'nobody', uid, gid } });
      try {
        for (const [directory, code] of [
          ['link', 'EACCES'],
          ['deep', 'ENOENT'],
          [closed, 'EACCES'],
        ] as const) {
          const found = await outcome(await enter(directory, 'echo in', { by }));
          expect(found).toEqual([expect.objectContaining({ kind: 'not_started' }), '', '']);
          expect(found[0]).toMatchObject({ directory, code });
        }
      } finally {
        await by.close();
      }
    });
  });

  describe('how a process ends', () => {
    it.each([0, 1, 127, 255])('tells exit code %i', async (code) => {
      expect(await (await shell(`exit ${code}`)).exit).toEqual({ kind: 'exited', exitCode: code });
    });

    it.each(['SIGTERM', 'SIGSEGV', 'SIGKILL'])('tells %s', async (signal) => {
      const running = await shell(`kill -${signal.slice(3)} $$`);
      expect(await running.exit).toEqual({ kind: 'signalled', signal });
    });

    it.each([
      ['of a shell', 'kill -40 $$; echo after', undefined],
      [
        'of a program that took its place',
        `exec python3 -c 'import os; os.kill(os.getpid(), 40)'`,
        undefined,
      ],
      ['of a shell in a directory', 'kill -40 $$; echo after', '/'],
    ])('tells a death by a real-time signal %s', async (_, line, directory) => {
      const running = await shell(line, { directory });
      const signalled = { kind: 'signalled', signal: 'SIGRTMIN+6' };
      expect(await outcome(running)).toEqual([signalled, '', '']);
    });

    it('tells exit codes above 128 as exit codes', async () => {
      for (const code of [137, 143, 168]) {
        const running = await shell(`exit ${code}`);
        expect(await running.exit).toEqual({ kind: 'exited', exitCode: code });
      }
    });

    it.each([
      ['a missing program', '/no/such/program', 'ENOENT', undefined],
      ['a file that may not be run', '/etc/passwd', 'EACCES', undefined],
      ['a missing folder', '/bin/true', 'ENOENT', '/no/such/folder'],
      ['an argument with a NUL', '/bin/true', 'ERR_INVALID_ARG_VALUE', undefined],
    ])('does not start %s', async (what, command, code, cwd) => {
      const args = what.includes('NUL') ? ['a\0b'] : [];
      const running = await start(command, args, cwd === undefined ? {} : { cwd });
      expect(await outcome(running)).toEqual([
        expect.objectContaining({ kind: 'not_started', code }),
        '',
        '',
      ]);
    });

    it('finds the program on the PATH that was given', async () => {
      const tool = join(folder, 'only-here');
      await writeFile(tool, '#!/bin/sh\necho found\n', { mode: 0o755 });
      const [, stdout] = await outcome(
        await start('only-here', [], { environment: { PATH: `${folder}:${PATH}` } }),
      );
      expect(stdout).toBe('found\n');
    });
  });

  describe('output', () => {
    it('is complete to the last byte of 20 MB', async () => {
      const running = await shell('head -c 20000000 /dev/zero; printf end');
      let length = 0;
      let tail = '';
      for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
        length += chunk.length;
        tail = chunk.subarray(-3).toString();
      }
      expect([length, tail]).toEqual([20_000_003, 'end']);
    });

    it('of a flood that nobody reads stays within two chunks in memory', async () => {
      const running = await shell('yes & yes >&2');
      running.stdout.read(0);
      running.stderr.read(0);
      await until(() => running.stdout.readableLength > 0 && running.stderr.readableLength > 0);
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(running.stdout.readableLength).toBeLessThanOrEqual(128 * 1024);
      expect(running.stderr.readableLength).toBeLessThanOrEqual(128 * 1024);
      await running.kill(0);
      running.stdout.destroy();
      running.stderr.destroy();
    });

    it('that waits in the pipe is delivered after closeOutputs', async () => {
      const running = await shell('head -c 60000 /dev/zero; sleep 60 & exit 0');
      await running.exit;
      running.closeOutputs();
      expect((await text(running.stdout)).length).toBe(60_000);
      await running.kill(0);
    });

    it('of 200 processes at once is never mixed up', async () => {
      const outputs = await Promise.all(
        Array.from({ length: 200 }, async (_, n) => {
          const [exit, stdout] = await outcome(await start('/bin/echo', [`number ${n}`]));
          expect(exit).toEqual({ kind: 'exited', exitCode: 0 });
          return stdout;
        }),
      );
      expect(outputs).toEqual(Array.from({ length: 200 }, (_, n) => `number ${n}\n`));
    });
  });

  describe('the end of a tree', () => {
    it.each([
      ['children that ignore TERM', (s: string) => `trap "" TERM; sleep ${s} & sleep ${s}; wait`],
      ['a child in another session', (s: string) => `setsid sleep ${s} & sleep ${s}`],
      ['an orphan without environment', (s: string) => `${escapee(s)} sleep ${s}`],
      [
        'an orphan of an orphan without environment',
        (s: string) => `${escapee(`${s} & setsid -f /bin/sleep ${s}`)} sleep ${s}`,
      ],
      ['a stopped child', (s: string) => `sleep ${s} & sleep 0.05; kill -STOP $!; sleep ${s}`],
    ])('reaches %s', async (_, line) => {
      const sleep = uniqueSleep();
      const running = await shell(line(sleep));
      await until(() => pidsWithArgument(sleep).length >= 2);
      await running.kill(100);
      expect(pidsWithArgument(sleep)).toEqual([]);
      expect(await running.exit).toMatchObject({ kind: 'signalled' });
    });

    it('spares the orphans of a tree that ran before, and of one that runs beside', async () => {
      const [before, beside, victim] = [uniqueSleep(), uniqueSleep(), uniqueSleep()];
      const group = 'shared';
      await (
        await shell(`${escapee(before)} exit 0`, { group })
      ).exit;
      await until(() => pidsWithArgument(before).length > 0);
      // The process table counts in hundredths of a second.
      await new Promise((resolve) => setTimeout(resolve, 20));
      const neighbour = await shell(`${escapee(beside)} sleep ${beside}`, { group });
      const running = await shell(`${escapee(victim)} sleep ${victim}`, { group });
      await until(
        () => pidsWithArgument(beside).length >= 2 && pidsWithArgument(victim).length >= 2,
      );
      await running.kill(100);
      expect(pidsWithArgument(victim)).toEqual([]);
      expect(pidsWithArgument(beside).length).toBeGreaterThanOrEqual(2);
      expect(pidsWithArgument(before).length).toBeGreaterThanOrEqual(1);

      expect(await runner.sweep(group)).toBeGreaterThanOrEqual(3);
      expect(pidsWithArgument(before)).toEqual([]);
      expect(pidsWithArgument(beside)).toEqual([]);
      expect(await neighbour.exit).toEqual({ kind: 'signalled', signal: 'SIGKILL' });
    });

    it('is told, though a process that is not of the tree traces it and never collects it', async () => {
      const sleep = uniqueSleep();
      const running = await shell(`exec sleep ${sleep}`);
      await until(() => pidsWithArgument(sleep).length > 0);
      const [pid] = pidsWithArgument(sleep);
      const seize = 0x4206;
      const script = `const trace = require('koffi').load(null).func('long ptrace(long, long, long, long)');
        console.log(trace(${seize}, ${pid}, 0, 0)); setInterval(() => undefined, 1000);`;
      const tracer = spawn(process.execPath, ['-e', script], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      try {
        const answer = await new Promise((resolve) => tracer.stdout.once('data', resolve));
        expect(String(answer).trim()).toBe('0');
        await running.kill(100);
        expect(await running.exit).toEqual({ kind: 'signalled', signal: 'SIGKILL' });
      } finally {
        tracer.kill('SIGKILL');
      }
    });

    it('may take as long as its grace when the tree cleans up on TERM', async () => {
      const sleep = uniqueSleep();
      const running = await shell(
        `trap "sleep 0.2; echo clean; exit 7" TERM; sleep ${sleep} & wait`,
      );
      // Before its exec the shell's child would swallow the TERM.
      await until(() => pidsWithArgument(sleep).length > 0);
      const rest = text(running.stdout);
      await running.kill(5000);
      expect(await running.exit).toEqual({ kind: 'exited', exitCode: 7 });
      expect(await rest).toBe('clean\n');
    });

    it('is found in a fast forking tree', async () => {
      const sleep = uniqueSleep();
      const running = await shell(`while :; do setsid sh -c 'sleep ${sleep} &' & sleep 0.02; done`);
      await until(() => pidsWithArgument(sleep).length > 10);
      await running.kill(0);
      expect(pidsWithArgument(sleep)).toEqual([]);
    });
  });

  describe('when the launcher is gone', () => {
    it('by a kill, it ends everything it held as lost, and starts a new one', async () => {
      const other = makeRunner();
      const sleep = uniqueSleep();
      const running = await shell(`${escapee(sleep)} sleep ${sleep}`, { by: other, group: 'lost' });
      await until(() => pidsWithArgument(sleep).length >= 2);
      const pid = await other.launcherPid();
      process.kill(pid as number, 'SIGKILL');
      expect(await running.exit).toMatchObject({ kind: 'lost' });
      expect(await text(running.stdout)).toBe('');
      await running.kill(1000);
      const [exit] = await outcome(await shell('exit 5', { by: other }));
      expect(exit).toEqual({ kind: 'exited', exitCode: 5 });
      expect(pidsWithArgument(sleep)).toEqual([]);
      expect(await other.launcherPid()).not.toBe(pid);
      expect(reports).toContainEqual(
        expect.objectContaining({
          kind: 'launcher_lost',
          message: 'the launcher ended by SIGKILL',
        }),
      );
      await other.close();
    });

    it('by a stop that nobody ends, it is as good as gone', async () => {
      const other = makeRunner({ heartbeatMs: 50, launcherSilenceLimitMs: 400 });
      const sleep = uniqueSleep();
      const running = await shell(`sleep ${sleep}`, { by: other });
      process.kill((await other.launcherPid()) as number, 'SIGSTOP');
      await running.kill(0);
      expect(await running.exit).toMatchObject({ kind: 'lost' });
      const [exit] = await outcome(await shell('exit 6', { by: other }));
      expect(exit).toEqual({ kind: 'exited', exitCode: 6 });
      expect(pidsWithArgument(sleep)).toEqual([]);
      await other.close();
    });

    it('says why a launcher does not start', async () => {
      const broken = makeRunner({ launcherEntry: join(folder, 'no-launcher.js') });
      await expect(shell('true', { by: broken })).rejects.toMatchObject({
        code: 'launcher_start_failed',
        message: expect.stringContaining('no-launcher.js'),
      });
      await broken.close();
    });
  });

  describe('when the worker is', () => {
    let worker: ChildProcess;
    let lines: string[];
    let launcherPid: number;
    let sleep: string;

    /** A worker that holds one tree with an escaped orphan and prints what becomes of it. */
    beforeEach(async () => {
      sleep = uniqueSleep();
      const program = join(folder, `worker-${sleep}.mjs`);
      const options: LauncherRunnerOptions = {
        launcherEntry: launcher.path,
        stateFolder: join(folder, 'launchers'),
        heartbeatMs: 50,
        silenceLimitMs: 1_500,
        graceMs: 100,
      };
      const line = `trap "" TERM; ${escapee(sleep)} ls /proc/$$/fd; while :; do sleep ${sleep}; done`;
      const args = JSON.stringify(['-c', line]);
      const common = `group: 'stale', command: '/bin/sh', environment: { PATH: '${PATH}' }, cwd: '/'`;
      await writeFile(
        program,
        `import { LauncherProcessRunner } from '${workerCode.path}';
        const runner = new LauncherProcessRunner(${JSON.stringify(options)});
        const running = await runner.start({ id: '1', args: ${args}, ${common} });
        running.stdout.once('data', (data) => console.log('fds ' + String(data).split('\\n').join(' ')));
        console.log('launcher ' + (await runner.launcherPid()));
        console.log(JSON.stringify(await running.exit));
        const next = await runner.start({ id: '2', args: ['-c', 'exit 9'], ${common} });
        console.log(JSON.stringify(await next.exit));
        await runner.close();`,
      );
      // A descriptor that the worker inherits open must not reach a step.
      worker = spawn(process.execPath, [program], {
        stdio: ['ignore', 'pipe', 'inherit', 'pipe', 'pipe'],
      });
      lines = [];
      worker.stdout?.on('data', (data: Buffer) =>
        lines.push(...data.toString().trim().split('\n')),
      );
      await until(() => lines.length >= 2 && pidsWithArgument(sleep).length >= 2);
      launcherPid = Number(lines.find((told) => told.startsWith('launcher'))?.split(' ')[1]);
    });

    afterEach(async () => {
      worker.kill('SIGKILL');
      // One that a failed test has left stopped would never hear of it.
      sendSignal(launcherPid, 'SIGCONT');
      await until(() => readProcess(launcherPid) === undefined);
      // Only a failed test leaves any.
      for (const pid of pidsWithArgument(sleep)) process.kill(pid, 'SIGKILL');
    });

    it('killed, the launcher ends all it held and goes', async () => {
      expect(lines).toContain('fds 0 1 2');
      worker.kill('SIGKILL');
      await until(
        () => pidsWithArgument(sleep).length === 0 && readProcess(launcherPid) === undefined,
      );
      const names = await readdir(join(folder, 'launchers'));
      expect(names.filter((name) => name.includes(`-${launcherPid}-`))).toEqual([]);
    });

    it('stopped, nothing runs on; continued, it hears lost and can work again', async () => {
      worker.kill('SIGSTOP');
      await until(() => pidsWithArgument(sleep).length === 0);
      expect(readProcess(launcherPid)).toBeDefined();
      worker.kill('SIGCONT');
      await new Promise((resolve) => worker.once('exit', resolve));
      expect(
        lines.filter((told) => told.startsWith('{')).map((told) => JSON.parse(told) as ProcessExit),
      ).toEqual([
        { kind: 'lost', message: 'the worker was silent for 1500 ms' },
        { kind: 'exited', exitCode: 9 },
      ]);
    });

    it('killed with its launcher, the next worker of the host sweeps; a living one keeps its trees', async () => {
      const kept = uniqueSleep();
      const living = await shell(`${escapee(kept)} sleep ${kept}`, { group: 'stale-too' });
      await until(() => pidsWithArgument(kept).length >= 2);
      process.kill(launcherPid, 'SIGSTOP');
      worker.kill('SIGKILL');
      process.kill(launcherPid, 'SIGKILL');
      await until(() => readProcess(launcherPid) === undefined);
      expect(pidsWithArgument(sleep).length).toBeGreaterThanOrEqual(2);
      const next = makeRunner();
      expect(await next.sweepStale('stale')).toBeGreaterThanOrEqual(2);
      expect(pidsWithArgument(sleep)).toEqual([]);
      expect(pidsWithArgument(kept).length).toBeGreaterThanOrEqual(2);
      await living.kill(0);
      await next.close();
    });

    it('killed while its launcher is stopped, the next worker ends that too, and what it held', async () => {
      process.kill(launcherPid, 'SIGSTOP');
      // On a busy machine it takes its turn first to be stopped.
      await until(() => isStopped(launcherPid));
      const next = makeRunner();
      // Its worker lives: it may be continued.
      expect(await next.sweepStale('nobody')).toBe(0);
      expect(readProcess(launcherPid)).toBeDefined();
      worker.kill('SIGKILL');
      await new Promise((resolve) => worker.once('exit', resolve));
      expect(await next.sweepStale('nobody')).toBeGreaterThanOrEqual(2);
      expect(readProcess(launcherPid)).toBeUndefined();
      expect(pidsWithArgument(sleep)).toEqual([]);
      await next.close();
    });

    it('stopped by Ctrl-C or TERM of its group, the launcher stays for the drain', async () => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
        process.kill(launcherPid, signal);
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(pidsWithArgument(sleep).length).toBeGreaterThanOrEqual(2);
      expect(readProcess(launcherPid)?.session).toBe(launcherPid);
    });
  });

  it('gives the launcher no environment', async () => {
    await (
      await shell('true')
    ).exit;
    const pid = (await runner.launcherPid()) as number;
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toBe('');
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
  });
});
