import { validationError } from '../../common/errors/millrace.error.js';
import { nameRecord, type NameRecord } from '../../common/values/name-record.js';
import { MAX_YAML_BYTES } from '../../engine/yaml/source-text.js';
import {
  MAX_VARIABLES,
  shownName,
  variableNameProblem,
  variableValueProblem,
} from '../../engine/yaml/variable-rule.js';

interface Problem {
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

/**
 * Variables that a trigger brings, by the rules and limits that those of the YAML have; all of them
 * together are no larger than a whole YAML may be.
 * @throws ValidationError with all problems
 */
export function triggerEnvironment(given: NameRecord<unknown>): NameRecord<string> {
  const entries = Object.entries(given);
  const problems = entries.flatMap(([name, value]) => problemsOf(name, value));
  if (entries.length > MAX_VARIABLES) {
    const message = `environment must have at most ${MAX_VARIABLES} variables`;
    problems.push({ path: 'environment', code: 'too_many', message });
  }
  const variables = nameRecord(entries.map(([name, value]) => [name, String(value)] as const));
  if (bytesOf(variables) > MAX_YAML_BYTES) {
    const message = `environment must have at most ${MAX_YAML_BYTES} bytes (1 MiB) in all`;
    problems.push({ path: 'environment', code: 'too_large', message });
  }
  if (problems.length === 0) return variables;
  throw validationError('The environment of the trigger is not valid.', {
    details: problems,
    suggestions: ['Use names like GREETING and texts as values; CI_ names belong to the platform.'],
  });
}

function problemsOf(name: string, value: unknown): Problem[] {
  const unfit = variableNameProblem(name);
  if (unfit) {
    const path = `environment.${shownName(name)}`;
    return [{ path, code: unfit.code, message: unfit.message }];
  }
  const path = `environment.${name}`;
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    return [{ path, code: 'type', message: `${name} must be a text, a number or a boolean` }];
  }
  const problem = variableValueProblem(name, String(value));
  return problem ? [{ path, code: problem.code, message: problem.message }] : [];
}

function bytesOf(variables: NameRecord<string>): number {
  return Object.entries(variables).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value) + 2,
    0,
  );
}
