import { parseEnv } from 'node:util';
import { nameRecord, type NameRecord } from '../../common/values/name-record.js';
import type { Plan, RunContext } from '../../engine/plan/plan.js';
import { neededSecrets } from '../../engine/preview/needed-secrets.js';
import { noSecretText } from '../../engine/preview/secret-places.js';
import { secretNameProblem, secretValueProblem } from '../../secrets/store/secret-value.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { readSource } from '../command/read-source.js';

/**
 * The secrets of a file of `NAME=value` lines, as in `.env` files: comments, and quotes around what
 * has blanks or several lines.
 * @throws CommandError, which holds no value
 */
export async function readSecretsFile(file: string): Promise<NameRecord<string>> {
  const secrets = valuesIn(file, await readSource(file));
  for (const [name, value] of Object.entries(secrets)) {
    const problem = secretNameProblem(name) ?? secretValueProblem(name, value);
    if (problem) {
      throw new CommandError(`${file}: ${name}: ${problem.message}`, exitCodes.usage, [
        problem.suggestion,
      ]);
    }
  }
  return secrets;
}

/**
 * Variables of the trigger from a file of the same form.
 *
 * @throws CommandError
 */
export async function readVariablesFile(file: string): Promise<NameRecord<string>> {
  return valuesIn(file, await readSource(file));
}

/** Node's reader makes a plain object, which loses `__proto__`: that name has another one there. */
function valuesIn(file: string, text: string): NameRecord<string> {
  refuseOtherLines(file, text);
  let other = 'Other';
  while (text.includes(other)) other += 'x';
  const read = Object.entries(parseEnv(text.replaceAll('__proto__', other)));
  const back = (part: string): string => part.replaceAll(other, '__proto__');
  return nameRecord(read.map(([name, value = '']) => [back(name), back(value)] as const));
}

/** What Node's reader takes as a value in quotes; it drops what stands behind it in its line. */
const QUOTED = /[ \t]*(?:"[^"]*"|'[^']*'|`[^`]*`)/y;

/**
 * Node's reader passes over a line that is neither `NAME=value` nor blank nor a comment.
 *
 * @throws CommandError, which does not show the line: it may hold a secret
 */
function refuseOtherLines(file: string, text: string): void {
  for (let start = 0, end: number; start < text.length; start = end + 1) {
    end = endOfLine(text, start);
    const line = text.slice(start, end).trim();
    if (line === '' || line.startsWith('#')) continue;
    if (!/^(?:export\s+)?[^\s=][^=]*=/.test(line)) throw otherLine(file, text, start);
    QUOTED.lastIndex = text.indexOf('=', start) + 1;
    if (QUOTED.test(text)) end = endOfLine(text, QUOTED.lastIndex);
  }
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}

function otherLine(file: string, text: string, start: number): CommandError {
  const number = text.slice(0, start).split('\n').length;
  return new CommandError(`${file}:${number}: this line is no NAME=value.`, exitCodes.usage, [
    'Write # before a comment, and quotes around a value of several lines.',
  ]);
}

/**
 * Asks for no secret that only stages and steps name which this run skips whatever happens.
 *
 * @throws CommandError that names every secret which the run may need and nobody has given
 */
export function refuseMissingSecrets(
  plan: Plan,
  context: RunContext,
  given: NameRecord<string>,
): void {
  const needed = neededSecrets(plan, { ...context, mask: (text) => text });
  const missing = [...needed.keys()].filter((name) => !Object.hasOwn(given, name));
  if (missing.length === 0) return;
  throw new CommandError(`${noSecretText(missing, needed)}.`, exitCodes.usage, [
    'Write NAME=value lines into a file, and give it by --secrets-file FILE.',
  ]);
}
