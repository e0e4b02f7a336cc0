import { quoted } from '../../common/values/redact-urls.js';
import { GlobError } from '../../common/values/globs/glob-error.js';
import { Globs } from '../../common/values/globs/globs.js';
import { plainPath } from './plain-path.js';
import type { Reader } from './reader.js';
import { listOf, text } from './value-readers.js';

const glob: Reader<string> = text({
  expects: 'a glob of paths in the workspace',
  max: 500,
  oneLine: true,
  check: (value) => {
    const shown = quoted(value, 100);
    const hint = 'Write it relative to the workspace: dist/**/*.js';
    if (/^!?~/.test(value)) {
      return ['invalid_path', `"${shown}" is not relative to the workspace.`, hint];
    }
    if (value.includes('${{')) {
      return ['invalid_path', `"${shown}" is fixed: a glob holds no expression.`];
    }
    const problem = globProblem([value.replace(/^!/, '')]);
    if (problem === undefined) return undefined;
    return ['invalid_path', `"${shown}" is no glob: ${problem}`, hint];
  },
});

const list = listOf(plainPath(glob), { min: 1, max: 100, single: true });

/**
 * One glob or a list of them (`common/values/globs`), of which at least one says what is taken.
 * Whatever it gives, `Globs` takes.
 */
export const globs: Reader<string[]> = {
  expects: list.expects,
  schema: list.schema,
  read: (node, path, context) => {
    const read = list.read(node, path, context);
    // Where one could not be read that is told already.
    const asked = node.kind === 'list' ? node.items.length : 1;
    if (read?.length !== asked) return undefined;
    const problem = globProblem(read);
    if (problem === undefined) return read;
    context.error('invalid_path', problem, { path, offset: node.start }, 'Add what is taken: **');
    return undefined;
  },
};

function globProblem(texts: readonly string[]): string | undefined {
  try {
    new Globs(texts);
    return undefined;
  } catch (error) {
    if (error instanceof GlobError) return error.message;
    throw error;
  }
}
