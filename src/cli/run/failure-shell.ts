import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MaskSet } from '../../common/redaction/mask-set.js';
import { type NameRecord, nameRecord } from '../../common/values/name-record.js';
import { posixWord } from '../../common/values/posix-words.js';
import { readEnvironment } from '../../config/environment.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { isOfClient, type StepShell } from './failed-steps.js';

/** Beside the workspace; no step finds its name. */
const SCRIPT = 'open-shell';
/** A terminal sends these to us too; they are meant for what runs in the shell. */
const OF_THE_SHELL = ['SIGINT', 'SIGQUIT', 'SIGHUP'] as const;

/** @throws CommandError where no shell could be used */
export function mustHaveTerminal(input: { readonly isTTY?: boolean } = process.stdin): void {
  if (input.isTTY === true) return;
  throw new CommandError('--shell-on-failure needs a terminal.', exitCodes.usage, [
    'Run it at one, or with --keep, which prints how to open the shell later.',
  ]);
}

/** Opens the shell at this terminal, until whoever uses it leaves it. */
export async function openShell(shell: StepShell, terminal: Terminal): Promise<void> {
  terminal.say(`Shell where ${cleanText(shell.place)} failed; exit leaves it.`);
  const ignore = (): void => undefined;
  for (const signal of OF_THE_SHELL) process.on(signal, ignore);
  try {
    const child = spawn(shell.command, shell.args(shell.environment), {
      cwd: shell.directory,
      env: environmentAt(shell),
      stdio: 'inherit',
    });
    const end = (): void => void child.kill('SIGHUP');
    process.on('SIGTERM', end);
    await once(child, 'exit').finally(() => process.off('SIGTERM', end));
  } catch (error) {
    terminal.say(`millrace: the shell cannot be opened: ${(error as Error).message}`);
  } finally {
    for (const signal of OF_THE_SHELL) process.off(signal, ignore);
  }
}

/** A client of the engine is found and works as the caller's; the rest is as in the step. */
function environmentAt({ environment, command }: StepShell): NameRecord<string | undefined> {
  const own = readEnvironment();
  if (command !== 'docker') return { ...environment, TERM: own['TERM'] ?? 'dumb' };
  return nameRecord([
    ...Object.entries(environment).filter(([name]) => !isOfClient(name)),
    ...Object.entries(own).filter(([name]) => isOfClient(name)),
  ]);
}

/**
 * Writes a script that opens the shell, and prints its line. No variable is in it whose value is
 * masked, or a part of it: the script stays where it is.
 */
export async function offerShell(
  shell: StepShell,
  folder: string,
  masks: Pick<MaskSet, 'maskText'>,
  terminal: Terminal,
): Promise<void> {
  const path = join(folder, SCRIPT);
  await writeFile(path, scriptOf(shell, masks), { mode: 0o700, flag: 'wx' });
  terminal.say(`Shell where ${cleanText(shell.place)} failed: ${path}`);
}

export function scriptOf(shell: StepShell, masks: Pick<MaskSet, 'maskText'>): string {
  const { command, args, directory } = shell;
  const isClient = command === 'docker';
  const kept = Object.entries(shell.environment).filter(
    ([, value]) => masks.maskText(value) === value,
  );
  const assigned = kept.filter(([name]) => !(isClient && isOfClient(name)));
  const assignments = assigned.map(([name, value]) => posixWord(`${name}=${value}`));
  const words = [command, ...args(nameRecord(kept))].map(posixWord).join(' ');
  return `#!/bin/sh
# Opens a shell where the step ${shell.place.replaceAll(/[^\w/. -]/g, '?')} stood, with its variables but not its secrets.
cd -- ${posixWord(directory)} || exit
exec ${[isClient ? 'env' : 'env -i', ...assignments].join(' ')} \${TERM:+"TERM=$TERM"} ${words}
`;
}
