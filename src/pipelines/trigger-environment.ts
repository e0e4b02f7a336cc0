import { validationError } from '../common/errors/millrace.error.js';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const MAX_VARIABLES = 200;
const MAX_VALUE_BYTES = 32 * 1024;

interface Problem {
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

/**
 * Variables that a trigger brings: names as the shell takes them, `CI_*` is the platform's own.
 * @throws ValidationError with all problems
 */
export function triggerEnvironment(
  given: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const entries = Object.entries(given);
  const problems = entries.flatMap(([name, value]) => problemsOf(name, value));
  if (entries.length > MAX_VARIABLES) {
    problems.push({
      path: 'environment',
      code: 'too_many',
      message: `environment must have at most ${MAX_VARIABLES} variables`,
    });
  }
  if (problems.length > 0) {
    throw validationError('The environment of the trigger is not valid.', {
      details: problems,
      suggestions: [
        'Use names like GREETING and texts as values; CI_ names belong to the platform.',
      ],
    });
  }
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

function problemsOf(name: string, value: unknown): Problem[] {
  const path = `environment.${name}`;
  if (!NAME.test(name)) {
    return [{ path, code: 'name', message: `${name} is not a name for a variable` }];
  }
  if (name.startsWith('CI_') || name === 'CI') {
    return [{ path, code: 'reserved', message: `${name} is reserved for the platform` }];
  }
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    return [{ path, code: 'type', message: `${name} must be a text, a number or a boolean` }];
  }
  const text = String(value);
  if (text.includes('\0')) {
    return [{ path, code: 'nul', message: `${name} must not contain a NUL character` }];
  }
  if (Buffer.byteLength(text) > MAX_VALUE_BYTES) {
    return [{ path, code: 'too_long', message: `${name} must have at most 32 KiB` }];
  }
  return [];
}
