import { normalize } from 'node:path/posix';

/**
 * A folder that a step names, as a path below the workspace; '' = all of it. Undefined: it is
 * outside. Links are not looked at.
 */
export function folderBelow(named: string): string | undefined {
  const folder = normalize(named).replace(/^\.?\/|^\.$|\/$/g, '');
  return folder.split('/').includes('..') ? undefined : folder;
}
