import { quoted } from '../../common/values/redact-urls.js';
import { characterProblem } from '../../common/values/text-rule.js';

/** Of one `environment`, in the YAML as in a trigger. */
export const MAX_VARIABLES = 500;
/** Linux gives a process no longer `NAME=value`, with the NUL at its end (MAX_ARG_STRLEN). */
export const MAX_VARIABLE_BYTES = 131_072;

/** What `variableNameProblem` takes, as a part of a pattern; it takes `__proto__` too. */
export const FREE_VARIABLE = '(?!__proto__$|CI$|CI=|CI_)[A-Za-z_][A-Za-z0-9_]{0,254}';

export interface VariableProblem {
  readonly code: 'name' | 'reserved' | 'character' | 'too_long';
  readonly message: string;
  readonly suggestion: string;
}

/** What keeps a name from being one of a variable. */
export function variableNameProblem(name: string): VariableProblem | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || name.length > 255) {
    const suggestion = 'Use letters, digits and _, and no digit first';
    return { code: 'name', message: `"${shownName(name)}" is no name of a variable.`, suggestion };
  }
  if (name === 'CI' || name.startsWith('CI_')) {
    const message = `"${name}" is reserved: Millrace sets CI and CI_*.`;
    return {
      code: 'reserved',
      message,
      suggestion: `Choose another name, for example APP_${name}`,
    };
  }
  return undefined;
}

/** What keeps a value from being given to a process as it is. */
export function variableValueProblem(name: string, value: string): VariableProblem | undefined {
  const character = characterProblem(value);
  if (character !== undefined) {
    const message = `The value of ${name} holds ${character.what}, which no text may hold.`;
    const suggestion = 'Remove it, or encode the value, for example as base64';
    return { code: 'character', message, suggestion };
  }
  if (Buffer.byteLength(name) + Buffer.byteLength(value) + 2 <= MAX_VARIABLE_BYTES)
    return undefined;
  const message = `${name} has more than ${MAX_VARIABLE_BYTES} bytes with its name.`;
  return { code: 'too_long', message, suggestion: 'Put it into a file' };
}

/** A name that may be anything, for a message. */
export function shownName(name: string): string {
  return characterProblem(name) === undefined ? quoted(name, 100) : '***';
}
