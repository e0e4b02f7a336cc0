import type { Problem } from '../../engine/yaml/problem.js';
import type { StoredDecisionReason } from '../deliveries/delivery.schema.js';

/** Of a file; they are stored with its execution. */
const MAX_PROBLEMS_TOLD = 20;

/** Why a file of a repository starts nothing: its errors, each with its place. */
export function definitionInvalid(
  path: string,
  problems: readonly Problem[],
): StoredDecisionReason {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  const where = first ? ` Line ${first.line}, column ${first.column}: ${first.message}` : '';
  const more = errors.length - MAX_PROBLEMS_TOLD;
  return {
    code: 'definition_invalid',
    message: `The file ${path} does not compile.${where}`,
    data: { path, problems: errors.slice(0, MAX_PROBLEMS_TOLD), ...(more > 0 && { more }) },
  };
}
