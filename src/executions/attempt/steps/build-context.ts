import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ArchiveError } from '../../../common/archive/archive-error.js';
import { packTree } from '../../../common/archive/pack-tree.js';
import { unpackTree } from '../../../common/archive/unpack-tree.js';
import type { LeftOutList } from '../../../common/tree/left-out.js';
import { openBeneath } from '../../../common/tree/open-beneath.js';
import { Globs } from '../../../common/values/globs/globs.js';
import { MAX_TREE_ENTRIES } from '../../../common/tree/tree-limits.js';
import type { Reason } from '../../../engine/plan/run-state.js';
import type { BuildAction } from '../../../engine/steps/build/build-action.js';
import type { BuildFolder } from './build-folder.js';

/** Of a context: files of so many bytes together. */
export const MAX_CONTEXT_BYTES = 16 * 1024 ** 3;
const LIMITS = {
  maxBytes: MAX_CONTEXT_BYTES,
  maxEntries: MAX_TREE_ENTRIES,
  maxWalked: MAX_TREE_ENTRIES,
};
const DEFAULT_DOCKERFILE = 'Dockerfile';
/** All of it; of the history, which globs pass over, as well. */
const EVERYTHING = new Globs(['**', '**/.git']);

export type CopiedContext =
  | {
      readonly kind: 'copied';
      /** Inside of the context. */
      readonly dockerfile: string;
      readonly leftOut: LeftOutList;
    }
  | { readonly kind: 'refused'; readonly reason: Reason };

/**
 * Copies the context out of the workspace, so that the builder, which has the rights of root, never
 * reads what a step can change under it. Nothing is read through a link that leads out.
 *
 * @throws the reason of the signal, or an error of the disk
 */
export async function copyContext(
  workspace: string,
  { context, dockerfile = DEFAULT_DOCKERFILE }: Pick<BuildAction, 'context' | 'dockerfile'>,
  folder: BuildFolder,
  signal: AbortSignal,
): Promise<CopiedContext> {
  const found = await openBeneath(workspace, context);
  if (found.kind === 'outside') {
    return refused('context_outside', `the context ${context} leads out of the workspace`);
  }
  if (found.kind === 'missing') {
    return refused('context_missing', `the context ${context} is not there, or is no folder`);
  }
  try {
    const { scratch } = folder;
    const source = { globs: EVERYTHING, limits: LIMITS, scratch, signal };
    const packed = packTree(found.folder.pathOf('.'), source);
    const target = { limits: LIMITS, missingTargets: 'keep', signal } as const;
    await unpackTree(packed.stream, folder.context, target);
    const { leftOut } = packed.result();
    const reason = await dockerfileProblem(folder.context, dockerfile, leftOut);
    return reason ? { kind: 'refused', reason } : { kind: 'copied', dockerfile, leftOut };
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    return refused('context_too_large', `the context ${context} cannot be taken: ${error.message}`);
  } finally {
    await found.folder.close();
  }
}

/** Asked of the copy, which nobody changes any more. */
async function dockerfileProblem(
  context: string,
  dockerfile: string,
  leftOut: LeftOutList,
): Promise<Reason | undefined> {
  const path = dockerfile.split('/').filter((name) => name !== '' && name !== '.');
  const isOutward = leftOut.listed.some(
    (one) => one.reason === 'outward_link' && one.path === path.join('/'),
  );
  if (dockerfile.startsWith('/') || path.includes('..') || isOutward) {
    return reasonOf('dockerfile_outside', `${dockerfile} leads out of the context`);
  }
  const file = await realpath(join(context, ...path)).catch(() => undefined);
  const isFile = file !== undefined && (await stat(file)).isFile();
  if (isFile && file.startsWith(`${await realpath(context)}/`)) return undefined;
  return reasonOf('dockerfile_missing', `there is no file ${dockerfile} in the context`);
}

function refused(code: string, message: string): CopiedContext {
  return { kind: 'refused', reason: reasonOf(code, message) };
}

function reasonOf(code: string, message: string): Reason {
  return { code, message };
}
