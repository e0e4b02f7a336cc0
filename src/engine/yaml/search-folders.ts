import { quoted } from '../../common/values/redact-urls.js';
import type { Reader } from './reader.js';
import { listOf, text } from './value-readers.js';

const MAX_FOLDERS = 50;
const MAX_CHARACTERS = 1024;

/**
 * Folders that programs are looked for in: absolute, or relative to the workspace. They hold no
 * expressions: what a trigger says must not choose the programs of a step.
 */
export const searchFolders: Reader<string[]> = listOf(
  text({
    expects: 'a folder',
    max: MAX_CHARACTERS,
    oneLine: true,
    check: (value) => {
      const wrong = folderProblem(value);
      return wrong && ['invalid_path', `"${quoted(value, 100)}" ${wrong[0]}.`, wrong[1]];
    },
  }),
  { max: MAX_FOLDERS, single: true },
);

function folderProblem(value: string): readonly [string, string] | undefined {
  if (value.includes('${{')) {
    return ['holds an expression', 'Write the folder out; an expression may stand in environment'];
  }
  if (value.startsWith('~') || value.includes('$')) {
    const inRun = 'for a folder of HOME begin run with: PATH="$HOME/.cargo/bin:$PATH"';
    return ['is never expanded', `Write it out, or relative to the workspace; ${inRun}`];
  }
  if (value.includes(':')) {
    return ['holds ":", which stands between two folders', 'Write a list, an item for each folder'];
  }
  if (!value.startsWith('/') && value.split('/').includes('..')) {
    return ['may leave the workspace', 'Write it without "..", or absolute'];
  }
  return undefined;
}
