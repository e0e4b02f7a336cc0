import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openTmpdir } from '../../../test/support/open-tmpdir.js';
import { RunnerHost } from '../../../test/support/runner-host.js';
import { transpileEntry } from '../../../test/support/transpile-entry.js';
import {
  readAuditSession,
  readOomScoreAdjustment,
  readProcessTable,
} from './trees/process-table.js';

/**
 * Attacks by processes of steps that mean to survive or to let others be killed, as root with a
 * user for the steps; once with all rights, and once as in a container: without CAP_AUDIT_CONTROL,
 * so that only marks and the other rules remain.
 */
const isRoot = process.getuid?.() === 0;
const STEP_UID = 61_234;
const NEIGHBOUR_UID = 61_235;
const WITHOUT_AUDIT = ['setpriv', '--bounding-set', '-audit_control'];

jest.setTimeout(30_000);

const launcher = transpileEntry('src/launcher.ts');
const runnerCode = transpileEntry('src/integrations/process/client/launcher-process-runner.ts');
for (const { path } of [launcher, runnerCode]) {
  // The step user runs them in one test; mkdtemp made them closed.
  for (let at = dirname(path); at !== openTmpdir(); at = dirname(at)) chmodSync(at, 0o755);
}

afterAll(() => {
  launcher.remove();
  runnerCode.remove();
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

let seconds = 200_000_000 + (process.pid % 100_000) * 1000;
function uniqueSleep(): string {
  return `${(seconds += 1)}`;
}

/** Pids of the processes that sleep so long. */
function sleepers(sleep: string): number[] {
  return readProcessTable().flatMap(({ pid }) => {
    try {
      const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return args.includes(sleep) && /sleep$/.test(args[0] ?? '') ? pid : [];
    } catch {
      // It ended meanwhile.
      return [];
    }
  });
}

interface Disguise {
  readonly group?: string;
  readonly mark?: number;
  readonly program?: string;
  readonly keepsEnvironment?: boolean;
}

/** Detached in every way, in another folder, and with what `as` sets before its exec. */
function escapee(sleep: string, as: Disguise = {}) {
  const { group, mark, program = '/bin/sleep', keepsEnvironment } = as;
  const variable = group === undefined ? '' : `MILLRACE_GROUP=${group}`;
  const raise = mark === undefined ? '' : `echo ${mark} >/proc/self/oom_score_adj;`;
  return `setsid env ${keepsEnvironment ? '' : '-i'} ${variable} /bin/sh -c 'cd /; exec </dev/null >/dev/null 2>&1; (${raise} exec ${program} ${sleep}) & exit 0'; `;
}

(isRoot ? describe : describe.skip).each([
  { mode: 'audit sessions', before: [], hasSessions: true },
  { mode: 'no audit sessions', before: WITHOUT_AUDIT, hasSessions: false },
])('who is ended with a step, with $mode', ({ before, hasSessions }) => {
  let folder: string;
  let host: RunnerHost;
  let work: string;
  const others: ChildProcess[] = [];
  const sleeps: string[] = [];

  const options = (): object => ({
    launcherEntry: launcher.path,
    stateFolder: join(folder, 'launchers'),
    stepUser: { name: 'step', uid: STEP_UID, gid: STEP_UID },
    heartbeatMs: 50,
    silenceLimitMs: 60_000,
    graceMs: 100,
  });
  const newSleep = (): string => {
    const sleep = uniqueSleep();
    sleeps.push(sleep);
    return sleep;
  };
  const startHost = (name: string): RunnerHost => {
    const own = join(folder, name);
    mkdirSync(own);
    return RunnerHost.start(own, runnerCode.path, options(), before);
  };
  /** Starts a step and waits for as many sleepers of `sleep`. */
  async function step(group: string, line: string, sleep: string, count = 1): Promise<number> {
    await host.ask({ op: 'start', group, line, cwd: work });
    await until(() => sleepers(sleep).length >= count);
    return sleepers(sleep)[0] as number;
  }
  /** A process of somebody else. */
  async function neighbour(
    uid: number,
    env: Record<string, string>,
    mark: number,
  ): Promise<string> {
    const sleep = newSleep();
    const line = `echo ${mark} >/proc/self/oom_score_adj; exec /bin/sleep ${sleep}`;
    const spawned = spawn('/bin/sh', ['-c', line], {
      uid,
      gid: uid,
      env,
      cwd: work,
      stdio: 'ignore',
    });
    others.push(spawned);
    await until(() => sleepers(sleep).length > 0);
    return sleep;
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(openTmpdir(), 'millrace-ended-'));
    await chmod(folder, 0o755);
    work = join(folder, 'work');
    mkdirSync(work, { mode: 0o777 });
    host = startHost('host');
  });

  afterEach(async () => {
    await host.close();
    for (const other of others.splice(0)) other.kill('SIGKILL');
    // Only a failed test leaves any.
    for (const pid of sleeps.splice(0).flatMap(sleepers)) process.kill(pid, 'SIGKILL');
    await rm(folder, { recursive: true });
  });

  it('really has what this run is about', async () => {
    const sleep = newSleep();
    const pid = await step('a', `exec sleep ${sleep}`, sleep);
    const launcherPid = await host.ask({ op: 'launcher' });
    expect(readAuditSession(pid) !== readAuditSession(launcherPid)).toBe(hasSessions);
    expect(readOomScoreAdjustment(pid)).toBeGreaterThan(300);
  });

  it('a process that names another group dies with its own', async () => {
    const sleep = newSleep();
    await step('a', `${escapee(sleep, { group: 'other' })} sleep 0.1`, sleep);
    expect(await host.ask({ op: 'sweep', group: 'a' })).toBeGreaterThanOrEqual(1);
    expect(sleepers(sleep)).toEqual([]);
  });

  it('what forks and ends all the time does not outrun the search', async () => {
    const trail = join(work, 'trail');
    writeFileSync(trail, '');
    chmodSync(trail, 0o666);
    const hop = `open T, ">>", "${trail}"; $SIG{CHLD} = "IGNORE";
      for (my $n = 0; $n < 10000; $n++) { syswrite T, "."; fork and POSIX::_exit(0) }`;
    const line = `setsid env -i perl -MPOSIX -e '${hop}' </dev/null >/dev/null 2>&1; sleep 0.1`;
    for (let round = 0; round < 3; round += 1) {
      const before = statSync(trail).size;
      await host.ask({ op: 'start', group: 'a', line, cwd: work });
      await until(() => statSync(trail).size > before + 20);
      await host.ask({ op: 'sweep', group: 'a' });
      const { size } = statSync(trail);
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(statSync(trail).size).toBe(size);
    }
  });

  it('nobody else dies: not by the mark, the variable, the folder, as root or as another user', async () => {
    const sleep = newSleep();
    const pid = await step('a', `exec sleep ${sleep}`, sleep);
    const mark = readOomScoreAdjustment(pid) ?? 0;
    const kept = await Promise.all(
      [0, NEIGHBOUR_UID].map((uid) => neighbour(uid, { MILLRACE_GROUP: 'a' }, mark)),
    );
    await host.ask({ op: 'sweep', group: 'a' });
    expect(sleepers(sleep)).toEqual([]);
    expect(kept.flatMap(sleepers)).toHaveLength(2);
    expect(await host.ask({ op: 'sweepStale', prefix: 'a' })).toBe(0);
    expect(kept.flatMap(sleepers)).toHaveLength(2);
  });

  it('a process that takes on all that another execution has draws nobody of that one along', async () => {
    const [victim, liar] = [newSleep(), newSleep()];
    const pid = await step('b', `${escapee(victim, { group: 'b' })} sleep ${victim}`, victim, 2);
    const mark = readOomScoreAdjustment(pid) ?? 0;
    await step('a', `${escapee(liar, { group: 'b' })} sleep 0.1`, liar);
    await host.ask({ op: 'sweep', group: 'a' });
    expect(sleepers(victim)).toHaveLength(2);
    expect(sleepers(liar)).toEqual([]);
    // A mark can be raised, never lowered: what is lower in `a` was tried above.
    await step('a', `${escapee(liar, { group: 'b', mark: Math.max(mark, 999) })} sleep 0.1`, liar);
    await host.ask({ op: 'sweep', group: 'a' });
    expect(sleepers(victim)).toHaveLength(2);
    await host.ask({ op: 'sweep', group: 'b' });
    expect([...sleepers(victim), ...sleepers(liar)]).toEqual([]);
  });

  it('a setuid program that keeps the step user as its real user dies with the step', async () => {
    const program = join(folder, 'sleep');
    copyFileSync('/bin/sleep', program);
    chmodSync(program, 0o4755);
    const sleep = newSleep();
    const pid = await step('a', `${escapee(sleep, { program })} sleep 0.1`, sleep);
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toContain(`Uid:\t${STEP_UID}\t0\t0`);
    await host.ask({ op: 'sweep', group: 'a' });
    expect(sleepers(sleep)).toEqual([]);
  });

  it('another launcher’s step is spared by what a dead one left, and that dies', async () => {
    const second = startHost('second');
    try {
      const [kept, left] = [newSleep(), newSleep()];
      await step('a', `${escapee(kept)} sleep ${kept}`, kept, 2);
      const disguise = { group: 'a', ...(hasSessions ? { mark: 1000 } : {}) };
      const line = `${escapee(left, disguise)} sleep ${left}`;
      await second.ask({ op: 'start', group: 'b', line, cwd: work });
      await until(() => sleepers(left).length >= 2);
      const pid = await second.ask({ op: 'launcher' });
      process.kill(pid, 'SIGSTOP');
      second.child.kill('SIGKILL');
      process.kill(pid, 'SIGKILL');
      await until(() => !readProcessTable().some((entry) => entry.pid === pid));
      expect(await host.ask({ op: 'sweepStale', prefix: 'none' })).toBeGreaterThanOrEqual(2);
      expect(sleepers(left)).toEqual([]);
      expect(sleepers(kept)).toHaveLength(2);
    } finally {
      second.child.kill('SIGKILL');
    }
  });

  /** A Millrace in a step of `outer`, as the step user, with one tree of its own. */
  async function startInner(sleep: string): Promise<void> {
    // Without sessions, one that dropped all that tells of the outer step would be lost with its
    // launcher.
    const hidden = hasSessions ? { group: 'inner' } : { keepsEnvironment: true };
    const inner = join(work, 'inner');
    mkdirSync(inner, { mode: 0o777 });
    chmodSync(inner, 0o777);
    const runnerOptions = { ...options(), stateFolder: join(inner, 'state'), stepUser: undefined };
    writeFileSync(
      join(inner, 'inner.mjs'),
      `import { LauncherProcessRunner } from ${JSON.stringify(runnerCode.path)};
      const runner = new LauncherProcessRunner(${JSON.stringify(runnerOptions)});
      const args = ['-c', ${JSON.stringify(`${escapee(sleep, hidden)} sleep ${sleep}`)}];
      const environment = { PATH: process.env.PATH };
      await runner.sweepStale('');
      await runner.start({ id: '1', group: 'inner', command: '/bin/sh', args, environment, cwd: '/' });
      await runner.start({ id: '2', group: 'swept', command: '/bin/sh', args: ['-c', 'sleep 0.1'], environment, cwd: '/' });
      await runner.sweep('swept');
      setInterval(() => undefined, 1000);`,
    );
    const line = `${process.execPath} ${join(inner, 'inner.mjs')}`;
    await step('outer', line, sleep, 2);
  }

  it('what a Millrace in a step runs dies with the step, and it ends nothing of others', async () => {
    const [beside, sleep] = [newSleep(), newSleep()];
    await step('beside', `${escapee(beside)} sleep ${beside}`, beside, 2);
    await startInner(sleep);
    expect(sleepers(beside)).toHaveLength(2);
    await host.ask({ op: 'sweep', group: 'outer' });
    expect(sleepers(sleep)).toEqual([]);
    expect(sleepers(beside)).toHaveLength(2);
  });

  if (!hasSessions) return;

  it('raising its own mark saves nobody', async () => {
    const sleep = newSleep();
    await step('a', `${escapee(sleep, { group: 'other', mark: 1000 })} sleep 0.1`, sleep);
    await host.ask({ op: 'sweep', group: 'a' });
    expect(sleepers(sleep)).toEqual([]);
  });

  it('a user namespace, and another login uid, save nobody', async () => {
    const sleep = newSleep();
    const out = `unshare --user --map-root-user /bin/sh -c 'echo 0 >/proc/self/loginuid; ${escapee(sleep, { mark: 1000 }).replaceAll("'", `'\\''`)}'`;
    await step('a', `${out}; sleep 0.1`, sleep);
    await host.ask({ op: 'sweep', group: 'a' });
    expect(sleepers(sleep)).toEqual([]);
  });

  it('becoming root by a setuid program saves nobody', async () => {
    const program = join(folder, 'setpriv');
    copyFileSync('/usr/bin/setpriv', program);
    chmodSync(program, 0o4755);
    const sleep = newSleep();
    const become = `${program} --reuid 0 --regid 0 --clear-groups /bin/sleep`;
    const pid = await step('a', `${escapee(sleep, { program: become })} sleep 0.1`, sleep);
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toContain('Uid:\t0\t0\t0');
    await host.ask({ op: 'sweep', group: 'a' });
    expect(sleepers(sleep)).toEqual([]);
  });
});
