import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MaskSet } from '../../common/redaction/mask-set.js';
import type { RunState } from '../../engine/plan/run-state.js';
import { type StepAttempt, StepHandler } from '../../engine/runtime/step-handler.js';
import { standIn } from '../../../test/support/stand-in.js';
import type { Workspace } from '../../workspaces/workspace.js';
import { FailedSteps } from './failed-steps.js';
import { mustHaveTerminal, scriptOf } from './failure-shell.js';

class FailingHandler extends StepHandler {
  constructor(readonly kind: string) {
    super();
  }

  run() {
    return Promise.resolve({ kind: 'failed' as const, exitCode: 1 });
  }
}

describe('the shell of a step that failed', () => {
  let directory: string;

  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "mr-it's a shell "))));
  afterEach(() => rmSync(directory, { recursive: true }));

  async function failed(action: StepAttempt['action'], environment: StepAttempt['environment']) {
    const failures = new FailedSteps();
    const place = { workspace: standIn<Workspace>({ directory }) };
    const address = { stage: 's', step: 'x', attempt: 1 };
    await failures
      .watched(new FailingHandler(action.kind), place)
      .run({ address, action, environment, outputs: [] }, new AbortController().signal, {
        begin: () => undefined,
        tell: () => undefined,
      });
    const state = standIn<RunState>({ failure: { stage: 's', step: 'x' } as never });
    const shell = failures.shellAt(state, 'unix:///engine.sock');
    if (shell === undefined) throw new Error('there is none');
    return shell;
  }

  it('stands where the step stood, with its variables but not its secrets', async () => {
    const environment = {
      A: `it's\n$HOME`,
      TOKEN: 's3cret',
      MILLRACE_EXPR_1: 's3cret',
      DATABASE_URL: 'postgres://app:s3cret@db',
      PATH: '/usr/bin:/bin',
      CI_WORKSPACE: directory,
    };
    const action = { kind: 'shell', shell: 'sh', commands: ['false'], path: ['bin'] };
    const script = scriptOf(await failed(action, environment), MaskSet.from(['s3cret']));
    expect(script).not.toContain('s3cret');
    const input = 'pwd; printf "%s|%s|%s" "$A" "$TOKEN" "$PATH"\n';
    const { stdout } = spawnSync('/bin/sh', ['-c', script], { input, env: { LEAKED: 'x' } });
    expect(stdout.toString()).toBe(
      `${directory}\n${environment.A}||${directory}/bin:/usr/bin:/bin`,
    );
  });

  it('is another container of the image for a step in one', async () => {
    const action = {
      kind: 'container',
      image: 'app:1',
      shell: 'sh',
      commands: ['x'],
      workingDirectory: 'a',
    };
    const shell = await failed(action, { A: 'a', URL: 'https://x:s3cret@y' });
    expect([shell.command, ...shell.args({ A: 'a' })].join(' ')).toBe(
      `docker --host unix:///engine.sock run --rm --interactive --tty --volume ${directory}:/workspace --workdir /workspace/a --env A --entrypoint /bin/sh app:1`,
    );
    const script = scriptOf(shell, MaskSet.from(['s3cret']));
    expect(script).toContain("exec env 'A=a' ");
    expect(script).not.toMatch(/URL|s3cret/);
  });

  it('has a client of the engine that takes nothing of the step, which has its folders', async () => {
    const action = {
      kind: 'container',
      image: 'i',
      shell: 'sh',
      commands: ['x'],
      path: ['/a', "b'c"],
    };
    const ofStep = { DOCKER_HOST: 'tcp://else', HOME: '/h', LD_PRELOAD: '/x.so', DOCKER_TLS: '1' };
    const shell = await failed(action, { ...ofStep, DOCKER_PASSWORD: 'p' });
    const words = shell.args(shell.environment);
    for (const [name, value] of Object.entries(ofStep)) expect(words).toContain(`${name}=${value}`);
    expect(words).toContain('DOCKER_PASSWORD');
    const script = scriptOf(shell, MaskSet.from([]));
    expect(script).toContain("exec env 'DOCKER_PASSWORD=p' ");
    const [flag, line = ''] = words.slice(-2);
    const shown = spawnSync('/bin/sh', [flag ?? '', line.replace(/exec .*/, 'echo "$PATH"')], {
      env: { PATH: '/of/the/image' },
    });
    expect(shown.stdout.toString()).toBe("/a:/workspace/b'c:/of/the/image\n");
  });

  it('needs a terminal', () => {
    expect(() => mustHaveTerminal({})).toThrow('needs a terminal');
    expect(() => mustHaveTerminal({ isTTY: true })).not.toThrow();
  });
});
