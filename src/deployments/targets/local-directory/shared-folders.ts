import { symlink } from 'node:fs/promises';
import { inFolder } from '../../../common/tree/in-folder.js';
import type { TreeFolder } from '../../../common/tree/tree-folder.js';
import { DeployRefusedError } from '../deploy-target.js';
import { lstatOf, makeFolder } from './deploy-folders.js';

/** Folder of a service, in which is what its releases have in common. */
export const SHARED = 'shared';

/**
 * `public/uploads` of a release becomes a link to `shared/public/uploads`, which is made when it is
 * missing.
 *
 * @param top of the service @param folder of the release
 * @throws DeployRefusedError `path_unusable`: a link would lead elsewhere
 */
export async function linkShared(
  top: TreeFolder,
  folder: TreeFolder,
  shared: string,
): Promise<void> {
  const names = shared.split('/');
  const above = names.slice(0, -1);
  const last = names.at(-1) ?? '';
  try {
    await makeFolders(top, [SHARED, ...names]);
    await inFolder(top, [SHARED, ...above], (parent) => mustBeFolder(parent, last, shared));
    await makeFolders(folder, above);
    const up = '../'.repeat(above.length + 2);
    await inFolder(folder, above, (parent) =>
      symlink(`${up}${SHARED}/${shared}`, parent.pathOf(last)),
    );
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'ENOTDIR' || code === 'ELOOP' ? unusable(shared) : error;
  }
}

/** Whoever writes in `shared` may have put something else there. It need not be readable. */
async function mustBeFolder(parent: TreeFolder, name: string, shared: string): Promise<void> {
  const made = await lstatOf(parent, name);
  if (made?.isDirectory() !== true) throw unusable(shared);
}

async function makeFolders(top: TreeFolder, names: readonly string[]): Promise<void> {
  for (let count = 1; count <= names.length; count += 1) {
    await inFolder(top, names.slice(0, count - 1), (parent) =>
      makeFolder(parent, names[count - 1] ?? ''),
    );
  }
}

function unusable(shared: string): DeployRefusedError {
  return new DeployRefusedError({
    code: 'path_unusable',
    message: `the shared folder ${shared}, or one above it, is a link or no folder`,
    data: { shared },
  });
}
