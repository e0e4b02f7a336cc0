import { join } from 'node:path';
import { findBundle } from './bundle.js';
import { mapStacks } from './bundle-lines.js';
import { packageRoot } from './paths.js';

/**
 * Loads a program of ours: its bundle (ADR 54), or where there is none of just these modules, the
 * modules one by one, which is the same and takes longer. Whatever is wrong with the files of a
 * bundle costs time only.
 *
 * @param modules imports the module that the bundle is made of; `bundle.mjs` finds its path here
 */
export async function loadProgram<T extends object>(
  name: string,
  modules: () => Promise<T>,
): Promise<T> {
  const bundle = findBundle(join(packageRoot(), 'dist'), name);
  if (bundle === undefined) return modules();
  mapStacks(bundle.file);
  return bundle.run() as T;
}
