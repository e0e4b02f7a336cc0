import type { Choice } from '../evidence.js';
import type { ProjectFiles } from '../project-files.js';

/** A lock file, and the package manager that writes it. */
export type LockFile = readonly [file: string, manager: string];

/** The managers whose lock files lie in the nearest folder that has such a file. */
export async function lockChoices(
  files: ProjectFiles,
  locks: readonly LockFile[],
): Promise<readonly Choice[]> {
  const managers = new Map(locks);
  const found = await files.nearestOf([...managers.keys()]);
  return found.flatMap((file): Choice[] => {
    const manager = managers.get(file.slice(file.lastIndexOf('/') + 1));
    if (manager === undefined) return [];
    return [{ value: manager, source: { rule: 'lock-file', file, line: null } }];
  });
}
