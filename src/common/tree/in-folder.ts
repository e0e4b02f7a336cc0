import type { TreeFolder } from './tree-folder.js';

/**
 * Does something in a folder below another one, which is opened name by name: no link is followed
 * on the way. All that is opened is closed again; `top` stays open.
 *
 * @throws as `TreeFolder.folder`, where a name is no folder; what the work throws
 */
export async function inFolder<T>(
  top: TreeFolder,
  names: readonly string[],
  work: (folder: TreeFolder) => Promise<T>,
): Promise<T> {
  const opened: TreeFolder[] = [];
  try {
    let folder = top;
    for (const name of names) {
      folder = await folder.folder(name);
      opened.push(folder);
    }
    return await work(folder);
  } finally {
    for (const folder of opened) await folder.close();
  }
}
