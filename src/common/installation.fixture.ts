import type { Installation } from './installation.js';

/** One whose id is known. */
export function installationOf(id: string): Installation {
  return { id: () => Promise.resolve(id) };
}
