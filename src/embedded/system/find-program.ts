import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Environment } from '../../config/environment.js';

/** The first of `names` that is executable in a folder of `PATH`, as an absolute path. */
export async function findProgram(
  names: readonly string[],
  env: Environment,
): Promise<string | undefined> {
  const folders = (env['PATH'] ?? '').split(':').filter(isAbsolute);
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      if (await executable(path)) return path;
    }
  }
  return undefined;
}

async function executable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
