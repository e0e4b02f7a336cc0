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
  const secrets = valuesIn(await readSource(file));
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
  return valuesIn(await readSource(file));
}

/** Node's reader makes a plain object, which loses `__proto__`: that name has another one there. */
function valuesIn(text: string): NameRecord<string> {
  let other = 'Other';
  while (text.includes(other)) other += 'x';
  const read = Object.entries(parseEnv(text.replaceAll('__proto__', other)));
  const back = (part: string): string => part.replaceAll(other, '__proto__');
  return nameRecord(read.map(([name, value = '']) => [back(name), back(value)] as const));
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
