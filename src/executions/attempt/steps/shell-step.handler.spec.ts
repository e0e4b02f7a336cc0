import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { openTmpdir } from '../../../../test/support/open-tmpdir.js';
import { join } from 'node:path';
import { findProgram, itWith } from '../../../../test/support/needed-programs.js';
import { transpileEntry } from '../../../../test/support/transpile-entry.js';
import { fixedVariables } from '../../../engine/runtime/base-environment.js';
import type { ShellAction } from '../../../engine/steps/shell/shell-action.js';
import type { StepOutcome } from '../../../engine/runtime/step-handler.js';
import { LauncherProcessRunner } from '../../../integrations/process/client/launcher-process-runner.js';
import {
  ProcessRunner,
  type ProcessSpec,
  type RunningProcess,
} from '../../../integrations/process/process-runner.js';
import { StepUserScripts } from '../../../workspaces/step-user-scripts.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import { WorkspaceStore } from '../../../workspaces/workspace-store.js';
import { ShellStepHandler } from './shell-step.handler.js';
import { StepHost } from './step-environment.js';
import type { StepOutput } from './step-output.js';

const owner = process.getuid?.() === 0 ? { name: 'step', uid: 54321, gid: 54321 } : undefined;
const asRoot = owner ? it : it.skip;
/** Where the PATH of a step leads. */
const onJava = itWith(findProgram('java'), 'java: apt-get install default-jre-headless');
const LONG = `# ${'x'.repeat(100_000)}\n`;

jest.setTimeout(30_000);

const launcher = transpileEntry('src/launcher.ts');
afterAll(() => launcher.remove());

/** Does something of a hostile step's just before a step starts, when all checks are done. */
class InterruptedRunner extends ProcessRunner {
  beforeStep: () => void = () => undefined;

  constructor(private readonly inner: ProcessRunner) {
    super();
  }

  start(spec: ProcessSpec): Promise<RunningProcess> {
    if (spec.environment['CI_WORKSPACE'] !== undefined) this.beforeStep();
    return this.inner.start(spec);
  }

  sweep(group: string): Promise<number> {
    return this.inner.sweep(group);
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

interface RunOptions {
  readonly workingDirectory?: string;
  /** Instead of what the host says. */
  readonly environment?: Readonly<Record<string, string>>;
}

describe('ShellStepHandler', () => {
  let base: string;
  let closed: string;
  let runner: InterruptedRunner;
  let store: WorkspaceStore;
  let workspace: Workspace;
  let handler: ShellStepHandler;
  let handlerOn: (where: StepHost) => ShellStepHandler;
  let host: StepHost;
  let printed: string;
  let attempts = 0;

  beforeAll(() => {
    base = mkdtempSync(join(openTmpdir(), 'mr-shell-'));
    chmodSync(base, 0o711);
    closed = join(base, 'closed');
    mkdirSync(join(closed, 'inner'), { recursive: true, mode: 0o700 });
    writeFileSync(join(closed, 'secret'), 'of root');
    runner = new InterruptedRunner(
      new LauncherProcessRunner({
        launcherEntry: launcher.path,
        stateFolder: join(base, 'launchers'),
        ...(owner && { stepUser: owner }),
      }),
    );
    store = new WorkspaceStore(join(base, 'w'), owner, new StepUserScripts(runner, 'spec-'));
  });
  afterAll(async () => {
    await runner.close();
    rmSync(base, { recursive: true });
  });
  beforeEach(async () => {
    attempts += 1;
    printed = '';
    runner.beforeStep = () => undefined;
    workspace = await store.create('0190a0b0-0000-7000-8000-000000000002', attempts);
    host = new StepHost(workspace);
    const output: StepOutput = {
      open: () => ({
        write: (bytes) => {
          printed += bytes.toString();
          return true;
        },
        end: () => undefined,
      }),
      systemLine: () => undefined,
    };
    handlerOn = (where) =>
      new ShellStepHandler(runner, workspace, `spec.${attempts}`, output, where);
    handler = handlerOn(host);
  });
  afterEach(() => store.remove(workspace));

  function run(
    command: string,
    { workingDirectory, environment: given = {} }: RunOptions = {},
  ): Promise<StepOutcome> {
    const action: ShellAction = {
      kind: 'shell',
      shell: 'sh',
      commands: [command],
      workingDirectory,
    };
    const address = { stage: 's', step: 'x', attempt: 1 };
    const environment = { ...fixedVariables(action), ...host.variables(address), ...given };
    return handler.run(
      { address, action, environment, outputs: ['a'] },
      new AbortController().signal,
    );
  }

  const reasonOf = (outcome: StepOutcome) => 'reason' in outcome && outcome.reason;

  it("tells with 127 that the caller's PATH was searched, where it has that", async () => {
    const path = '/nowhere:/usr/bin';
    handler = handlerOn(new StepHost(workspace, path));
    const own = await run('no-such-program', { environment: { PATH: `/front:${path}` } });
    expect(reasonOf(own)).toMatchObject({
      message: expect.stringMatching(/usr.bin; that is your own PATH \(--inherit-path\)$/),
    });
  });

  it('tells with 127 where was searched, and as whom', async () => {
    const path = '/nowhere:/usr/bin';
    const outcome = await run('no-such-program', { environment: { PATH: path } });
    expect(outcome).toMatchObject({ kind: 'failed', exitCode: 127, reason: { data: { path } } });
    const said = JSON.stringify(reasonOf(outcome));
    expect(said).toContain('searched: /nowhere:/usr/bin');
    expect(said).toContain(owner ? 'run as the user step,' : 'do not see the PATH of whoever');
    expect(said).toContain('; path: adds folders');
    expect(await run('exit 126')).not.toHaveProperty('reason');
  });

  it('starts in the workspace, or in a folder below it, through links that stay inside', async () => {
    await run('mkdir -p "a/-b c" && ln -s a way && pwd');
    await run('pwd', { workingDirectory: 'a/-b c' });
    await run('pwd -P', { workingDirectory: './way/-b c/' });
    const { directory } = workspace;
    expect(printed).toBe(`${directory}\n${directory}/a/-b c\n${directory}/a/-b c\n`);
  });

  it('names a working_directory that is missing, or leads out', async () => {
    await run(`touch file && ln -s ${base} out && ln -s / root`);
    for (const [folder, code] of [
      ['no/such', 'working_directory_missing'],
      ['file', 'working_directory_missing'],
      ['out', 'working_directory_outside'],
      ['root', 'working_directory_outside'],
      ['../tmp', 'working_directory_outside'],
      ['/tmp', 'working_directory_outside'],
    ] as const) {
      expect(reasonOf(await run('echo never', { workingDirectory: folder }))).toMatchObject({
        code,
        message: expect.stringContaining(folder) as string,
      });
    }
    expect(printed).toBe('');
  });

  asRoot(
    'goes nowhere that only root may enter, also when the way changes after the look',
    async () => {
      await run(`mkdir way && ln -s ${closed} closed`);
      expect(reasonOf(await run('ls', { workingDirectory: 'closed' }))).toMatchObject({
        code: 'working_directory_outside',
      });
      runner.beforeStep = () => {
        renameSync(join(workspace.directory, 'way'), join(workspace.directory, 'old'));
        symlinkSync(closed, join(workspace.directory, 'way'));
      };
      expect(await run('pwd; ls; cat secret', { workingDirectory: 'way' })).toMatchObject({
        kind: 'failed',
      });
      expect(printed).not.toContain('secret\n');
      expect(printed).not.toContain('of root');
    },
  );

  onJava(
    'gives Java the home of the execution, and leaves what a pipeline says to it',
    async () => {
      const ask = (environment: Record<string, string>): Promise<StepOutcome> =>
        run(`java -XshowSettings:properties -version 2>&1 | sed -n 's/^ *user.home = //p'`, {
          environment,
        });
      expect(await ask({})).toMatchObject({ kind: 'success' });
      expect(printed).toBe(`${workspace.home}\n`);
      printed = '';
      await ask({ JAVA_TOOL_OPTIONS: '-Duser.home=/of/the/pipeline' });
      expect(printed).toBe('/of/the/pipeline\n');
    },
  );

  onJava('gives Java a home with blanks and quotes whole', async () => {
    const home = `${workspace.home}/a b"c'd`;
    const { JAVA_TOOL_OPTIONS = '' } = new StepHost({ ...workspace, home }).variables(undefined);
    await run(`java -XshowSettings:properties -version 2>&1 | sed -n 's/^ *user.home = //p'`, {
      environment: { JAVA_TOOL_OPTIONS },
    });
    expect(printed).toBe(`${home}\n`);
  });

  it('runs a script that is too long for a command line, and leaves no file of it', async () => {
    expect(await run(`${LONG}echo "$0"; cat "$0" | wc -c; echo a=1 > "$CI_OUTPUT"`)).toMatchObject({
      kind: 'success',
      outputs: { a: '1' },
    });
    expect(printed).toMatch(/\/script-1\n10\d{4}\n$/);
    expect(readdirSync(workspace.root).sort()).toEqual(['home', 'tmp', 'work']);
  });

  it('writes no file of ours where a step may have put something', async () => {
    const target = join(base, 'target');
    writeFileSync(target, 'kept');
    const places = '"$TMPDIR" "$HOME" "$CI_WORKSPACE" "$TMPDIR/.."';
    await run(
      `for d in ${places}; do for n in 1 2 3; do for f in .script script outputs; do { ln -s ${target} "$d/$f-$n"; mkfifo "$d/$f-$n.x"; } 2>/dev/null || :; done; done; done; :`,
    );
    if (!owner) {
      // The same user may do so in the root, too: nothing is written or waited for all the same.
      expect(reasonOf(await run(`${LONG}echo ran`))).toMatchObject({ code: 'workspace_unusable' });
    } else {
      expect(await run(`${LONG}echo ran`)).toMatchObject({ kind: 'success' });
    }
    expect(readFileSync(target, 'utf8')).toBe('kept');
  });

  it('keeps what a step had set whole before it failed or was stopped', async () => {
    expect(await run('printf "a=1\\na=cut" > "$CI_OUTPUT"; exit 3')).toEqual({
      kind: 'failed',
      exitCode: 3,
      outputs: { a: '1' },
    });
  });
});
