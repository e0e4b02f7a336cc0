import { MIN_MASK_BYTES } from '../../common/redaction/mask-forms.js';
import { variableNameProblem, variableValueProblem } from '../../engine/yaml/variable-rule.js';

/** Bytes of a value. */
export const MAX_SECRET_BYTES = 49_152;

/** What is wrong with a secret; never holds anything of the value. */
export interface SecretProblem {
  readonly path: 'name' | 'value';
  readonly code: string;
  readonly message: string;
  readonly suggestion: string;
}

/** What keeps a name from being one of a secret: it becomes the name of a variable. */
export function secretNameProblem(name: string): SecretProblem | undefined {
  const problem = variableNameProblem(name);
  return problem && { path: 'name', ...problem };
}

/** What keeps a value from being given to steps, or from being masked in what they print. */
export function secretValueProblem(name: string, value: string): SecretProblem | undefined {
  const problem = variableValueProblem(name, value);
  if (problem) return { path: 'value', ...problem };
  if (Buffer.byteLength(value) > MAX_SECRET_BYTES) {
    return {
      path: 'value',
      code: 'too_long',
      message: `The value has more than ${MAX_SECRET_BYTES} bytes.`,
      suggestion: 'Encrypt the file, keep it in the repository, and store its key here',
    };
  }
  // No mask crosses the end of a line.
  if (value.split(/[\r\n]+/).every((line) => Buffer.byteLength(line.trim()) < MIN_MASK_BYTES)) {
    return {
      path: 'value',
      code: 'too_short',
      message: `No line of the value has ${MIN_MASK_BYTES} bytes: it cannot be masked in logs.`,
      suggestion: `Use a longer value; what has less than ${MIN_MASK_BYTES} bytes is guessed at once`,
    };
  }
  return undefined;
}
