import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ShellAction } from '../../../engine/steps/shell/shell-action.js';
import { scriptOf, shellCommand } from './shell-command.js';

const actionOf = (shell: ShellAction['shell'], ...commands: string[]): ShellAction =>
  ({ kind: 'shell', shell, commands }) as unknown as ShellAction;

describe.each(['sh', 'bash'] as const)('shellCommand of %s', (shell) => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'mr-command-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const run = (commands: readonly string[], file?: string): { status: unknown; stdout: string } => {
    const action = actionOf(shell, ...commands);
    if (file !== undefined) writeFileSync(join(folder, file), scriptOf(action));
    const { command, args } = shellCommand(action, scriptOf(action), file);
    const { status, stdout } = spawnSync(command, args, {
      cwd: folder,
      env: { PATH: '/usr/bin:/bin' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'], // With a socket as its input bash would read ~/.bashrc.
    });
    return { status, stdout };
  };

  it.each(['-x', '--help', '-c', '-n', '--'])('takes no command for an option: %s', (word) => {
    const commands = [`${word} 2>/dev/null || echo ran`, 'echo "$0" "$#"'];
    expect(run(commands)).toEqual({ status: 0, stdout: expect.stringMatching(/^ran\n\S+ 0\n$/) });
  });

  it('takes no name of a file for an option', () => {
    expect(run(['echo ran'], '-n')).toEqual({ status: 0, stdout: 'ran\n' });
  });

  it.each([undefined, 'script'])('ends with the first command that fails (file: %s)', (file) => {
    expect(run(['echo one', 'false', 'echo two'], file)).toEqual({ status: 1, stdout: 'one\n' });
  });
});

it('bash fails with any part of a pipe', () => {
  const action = actionOf('bash', 'false | true');
  const { command, args } = shellCommand(action, scriptOf(action), undefined);
  expect(spawnSync(command, args, { stdio: 'ignore' }).status).toBe(1);
});
