import { once } from 'node:events';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from '../support/remove-tree.js';
import { CommandLine, type RunningCommand } from '../support/command-line.js';
import { eventually } from '../support/eventually.js';
import { processesWith } from '../support/processes.js';

/** Shorter than from TERM to KILL of a step that is cancelled. */
const AT_ONCE_MS = 7_500;

/** Signals to `millrace run`, as real processes get them. */
describe('run and signals', () => {
  let folder: string;
  let marks = 0;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-signals-'));
  });
  afterEach(() => removeTree(folder));

  interface Run extends RunningCommand {
    /** Stands in the command lines of everything that the step starts. */
    readonly mark: string;
  }

  /**
   * A run whose step has begun: a child, one in a session of its own, and the shell, all of which
   * may ignore TERM.
   */
  async function begin(trap: string): Promise<Run> {
    const mark = `41${++marks}.${process.pid}`;
    const file = join(folder, 'pipeline.yaml');
    const script = [
      trap,
      'touch "$TMPDIR/mine"; mkdir locked; touch locked/x; chmod 0 locked',
      `setsid sleep ${mark} &`,
      `sleep ${mark} &`,
      'echo begun',
      'while :; do wait || sleep 0.1; done',
    ];
    await writeFile(
      file,
      `name: p
stages:
  - name: s
    steps:
      - run: |
${script.map((line) => `          ${line}`).join('\n')}
always:
  - run: echo ran >${join(folder, 'hook')}
`,
    );
    const command = new CommandLine(folder, { TMPDIR: folder }).start(['run', file]);
    await eventually(() => command.stdout().includes('begun') || undefined);
    return { ...command, mark };
  }

  async function expectNothingLeft({ mark }: Run): Promise<void> {
    expect(await processesWith(`sleep\0${mark}`)).toEqual([]);
    expect((await readdir(folder)).filter((name) => name.startsWith('mr-'))).toEqual([]);
  }

  const hook = (): Promise<string> =>
    readFile(join(folder, 'hook'), 'utf8').catch(() => 'did not run');

  it.each([
    ['SIGINT', 130],
    ['SIGHUP', 129],
    ['SIGTERM', 143],
  ] as const)(
    '%s cancels: hooks run, nothing is left, exit code %d',
    async (signal, code) => {
      const run = await begin('');
      run.signal(signal);
      expect(await run.ended).toMatchObject({ code });
      expect(run.stderr()).toMatch(/^cancelled Result/m);
      expect(await hook()).toBe('ran\n');
      await expectNothingLeft(run);
    },
    30_000,
  );

  it.each([
    ['SIGINT', 'SIGINT', 130],
    ['SIGHUP', 'SIGHUP', 129],
    ['SIGTERM', 'SIGINT', 143],
  ] as const)(
    '%s and then %s end at once what ignores TERM: no hooks, nothing is left, exit code %d',
    async (first, second, code) => {
      const run = await begin("trap '' TERM INT HUP");
      run.signal(first);
      await eventually(() => run.stderr().includes('Cancelling; again') || undefined);
      const begun = performance.now();
      run.signal(second);
      // Whoever loses patience does no harm.
      for (let more = 0; more < 5; more++) run.signal(second);
      expect(await run.ended).toMatchObject({ code });
      expect(performance.now() - begun).toBeLessThan(AT_ONCE_MS);
      expect(await hook()).toBe('did not run');
      expect(run.stderr()).toContain('Stopping at once, without hooks.');
      expect(run.stderr()).not.toMatch(/defect|the launcher|process runner/);
      await expectNothingLeft(run);
    },
    30_000,
  );

  it('cleans up when the terminal is gone, to which nothing can be said', async () => {
    const run = await begin('');
    run.child.stdout?.destroy();
    run.child.stderr?.destroy();
    const exited = once(run.child, 'exit');
    run.signal('SIGHUP');
    expect(await exited).toEqual([129, null]);
    expect(await hook()).toBe('ran\n');
    await expectNothingLeft(run);
  });
});
