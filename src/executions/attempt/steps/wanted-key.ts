import { toolCache } from '../../../engine/caches/tool-caches.js';
import type { CachePlan } from '../../../engine/plan/caches-plan.js';
import { hashOfFiles } from '../../caches/cache-files.js';

/** By which a cache is looked for. */
export interface WantedKey {
  /** Undefined: there is none, and why. */
  readonly key?: string | undefined;
  readonly restoreKeys: readonly string[];
  readonly why: string;
}

/**
 * By the content of files in a workspace, where the plan has no text.
 *
 * @throws when a file of the key cannot be read, or all are too large; the reason of the signal
 */
export async function wantedKey(
  plan: CachePlan,
  directory: string,
  signal: AbortSignal,
): Promise<WantedKey> {
  if ('tool' in plan) {
    const { keyFiles } = toolCache(plan.tool);
    const hash = await hashOfFiles(directory, keyFiles, signal);
    const prefix = `${plan.tool}-${process.platform}-${process.arch}-`;
    const why = `no file fits ${keyFiles.filter((glob) => !glob.startsWith('!')).join(', ')}`;
    return { ...(hash && { key: `${prefix}${hash}` }), restoreKeys: [prefix], why };
  }
  const { key, restoreKeys } = plan;
  if ('text' in key) return { key: key.text, restoreKeys, why: '' };
  const hash = await hashOfFiles(directory, key.files, signal);
  const prefix = key.prefix === undefined ? '' : `${key.prefix}-`;
  const why = `no file fits ${key.files.join(', ')}`;
  return { ...(hash && { key: `${prefix}${hash}` }), restoreKeys, why };
}
