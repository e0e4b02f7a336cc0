import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { transpileEntry } from '../../../test/support/transpile-entry.js';
import { LauncherProcessRunner } from './client/launcher-process-runner.js';
import { FakeProcessRunner, type FakeScript } from './fake-process-runner.js';
import type { ProcessRunner, ProcessSpec } from './process-runner.js';

const never = new Promise<never>(() => undefined);
const MEGABYTE = 'x'.repeat(1024 * 1024);

/** What a process does, as a program for the real runner and as a script for the fake. */
interface Behaviour {
  readonly command: string;
  readonly args: readonly string[];
  readonly script: FakeScript;
}

const shell = (line: string): Pick<Behaviour, 'command' | 'args'> => ({
  command: 'sh',
  args: ['-c', line],
});

const behaviours = {
  speaksAndFails: {
    ...shell('echo out; echo err >&2; exit 3'),
    script: { stdout: ['out\n'], stderr: ['err\n'], exit: { kind: 'exited', exitCode: 3 } },
  },
  endsByOwnSignal: {
    ...shell('kill -9 $$'),
    script: { exit: { kind: 'signalled', signal: 'SIGKILL' } },
  },
  doesNotExist: {
    command: 'no-such-program-anywhere',
    args: [],
    script: { exit: { kind: 'not_started', code: 'ENOENT', message: 'no such file' } },
  },
  entersDirectory: {
    ...shell('/bin/pwd'),
    script: { stdout: ['/usr/bin\n'], exit: { kind: 'exited', exitCode: 0 } },
  },
  cannotEnter: {
    ...shell('echo never'),
    script: {
      exit: { kind: 'not_started', code: 'ENOENT', message: 'no such folder', directory: 'gone' },
    },
  },
  waits: { ...shell('echo up; exec sleep 600'), script: { stdout: ['up\n'], exit: never } },
  ignoresTerm: {
    ...shell('trap "" TERM; echo up; while :; do sleep 1; done'),
    script: { stdout: ['up\n'], exit: never, ignoresTerm: true },
  },
  leavesChild: {
    ...shell('sleep 600 & echo up'),
    script: { stdout: ['up\n'], exit: { kind: 'exited', exitCode: 0 }, leavesChild: true },
  },
  writesFourMegabytes: {
    ...shell('for i in 1 2 3 4; do head -c 1048576 /dev/zero; done'),
    script: {
      stdout: [MEGABYTE, MEGABYTE, MEGABYTE, MEGABYTE],
      exit: { kind: 'exited', exitCode: 0 },
    },
  },
} satisfies Record<string, Behaviour>;

type BehaviourName = keyof typeof behaviours;

const launcher = transpileEntry('src/launcher.ts');
afterAll(() => launcher.remove());

const adapters = {
  launcher: (folder: string): Promise<ProcessRunner> =>
    Promise.resolve(
      new LauncherProcessRunner({
        launcherEntry: launcher.path,
        stateFolder: join(folder, 'launchers'),
      }),
    ),
  fake: (): Promise<ProcessRunner> =>
    Promise.resolve(
      new FakeProcessRunner((spec) => behaviours[spec.id.split('-')[0] as BehaviourName].script),
    ),
};

describe.each(['launcher', 'fake'] as const)('ProcessRunner: %s', (adapter) => {
  let folder: string;
  let runner: ProcessRunner;
  let ids = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'process-runner-'));
    runner = await adapters[adapter](folder);
  });

  afterAll(async () => {
    await runner.close();
    await rm(folder, { recursive: true });
  });

  function spec(name: BehaviourName, group = `group-${adapter}-${ids}`): ProcessSpec {
    ids += 1;
    const { command, args } = behaviours[name];
    const environment = { PATH: '/usr/bin:/bin' };
    return { id: `${name}-${ids}`, group, command, args, environment, cwd: folder };
  }

  it('tells the exit code, and each stream apart', async () => {
    const running = await runner.start(spec('speaksAndFails'));
    expect(await running.exit).toEqual({ kind: 'exited', exitCode: 3 });
    expect(await text(running.stdout)).toBe('out\n');
    expect(await text(running.stderr)).toBe('err\n');
  });

  it('tells the signal that ended the process', async () => {
    const running = await runner.start(spec('endsByOwnSignal'));
    expect(await running.exit).toEqual({ kind: 'signalled', signal: 'SIGKILL' });
  });

  it('resolves not_started with the code of the system, and ends both streams', async () => {
    const running = await runner.start(spec('doesNotExist'));
    expect(await running.exit).toMatchObject({ kind: 'not_started', code: 'ENOENT' });
    expect(await text(running.stdout)).toBe('');
    expect(await text(running.stderr)).toBe('');
    await running.kill(0);
  });

  it('works in the directory', async () => {
    const running = await runner.start({ ...spec('entersDirectory'), directory: '/usr/bin' });
    expect(await running.exit).toEqual({ kind: 'exited', exitCode: 0 });
    expect(await text(running.stdout)).toBe('/usr/bin\n');
  });

  it('resolves not_started for a directory that cannot be entered, and ends both streams', async () => {
    const running = await runner.start({ ...spec('cannotEnter'), directory: 'gone' });
    const exit = { kind: 'not_started', code: 'ENOENT', directory: 'gone' };
    expect(await running.exit).toMatchObject(exit);
    expect(await text(running.stdout)).toBe('');
    expect(await text(running.stderr)).toBe('');
    await running.kill(0);
  });

  it('kills by TERM, and twice is as good as once', async () => {
    const running = await runner.start(spec('waits'));
    await Promise.all([running.kill(5000), running.kill(5000)]);
    expect(await running.exit).toEqual({ kind: 'signalled', signal: 'SIGTERM' });
    expect(await text(running.stdout)).toMatch(/^(up\n)?$/);
    await running.kill(0);
  });

  it('kills by KILL after the grace what ignores TERM', async () => {
    const running = await runner.start(spec('ignoresTerm'));
    await new Promise((resolve) => running.stdout.once('data', resolve));
    const begin = performance.now();
    await running.kill(100);
    expect(performance.now() - begin).toBeGreaterThan(90);
    expect(await running.exit).toEqual({ kind: 'signalled', signal: 'SIGKILL' });
  });

  it('resolves exit while a background child holds the streams; closeOutputs ends them', async () => {
    const running = await runner.start(spec('leavesChild'));
    expect(await running.exit).toEqual({ kind: 'exited', exitCode: 0 });
    const stdout = text(running.stdout);
    const stderr = text(running.stderr);
    const early = await Promise.race([stderr, new Promise((done) => setTimeout(done, 50, 'open'))]);
    expect(early).toBe('open');
    running.closeOutputs();
    running.closeOutputs();
    expect(await stdout).toBe('up\n');
    expect(await stderr).toBe('');
    await running.kill(0);
  });

  it('sweeps what is left of a group, once, and nothing of another', async () => {
    const left = await runner.start(spec('leavesChild', 'swept'));
    await left.exit;
    const other = await runner.start(spec('waits', 'other'));
    expect(await runner.sweep('swept')).toBe(1);
    expect(await runner.sweep('swept')).toBe(0);
    expect(await text(left.stdout)).toBe('up\n');
    expect(await text(left.stderr)).toBe('');
    expect(await runner.sweep('other')).toBe(1);
    expect(await other.exit).toMatchObject({ kind: 'signalled' });
  });

  it('stops a process that nobody reads, and loses nothing of it', async () => {
    const running = await runner.start(spec('writesFourMegabytes'));
    const early = await Promise.race([
      running.exit,
      new Promise((done) => setTimeout(done, 100, 'stopped')),
    ]);
    expect(early).toBe('stopped');
    let length = 0;
    for await (const chunk of running.stdout) length += (chunk as Buffer).length;
    expect(length).toBe(4 * 1024 * 1024);
    expect(await running.exit).toEqual({ kind: 'exited', exitCode: 0 });
  });

  it('starts an id once', async () => {
    const once = spec('speaksAndFails');
    const running = await runner.start(once);
    await expect(runner.start(once)).rejects.toMatchObject({ code: 'duplicate_process_id' });
    await running.exit;
  });

  it('closes twice, tells what ran as lost, and starts nothing after', async () => {
    const closing = await adapters[adapter](folder);
    const running = await closing.start(spec('waits'));
    await Promise.all([closing.close(), closing.close()]);
    expect(await running.exit).toMatchObject({ kind: 'lost' });
    await expect(closing.start(spec('waits'))).rejects.toMatchObject({
      code: 'process_runner_closed',
    });
  });
});
