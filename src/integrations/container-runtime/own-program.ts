import { basename, dirname } from 'node:path';
import type { Mount } from './container-runtime.js';

/** Where a container finds Node. */
const NODE = '/program/node';

/** Node as it runs here, for a container whose image has no files. */
export interface OwnProgram {
  /** Node and the folders of its libraries; nothing of them can be written. */
  readonly mounts: readonly Mount[];
  /** What starts it. */
  readonly command: readonly string[];
}

/**
 * @param maps text of /proc/self/maps, see proc(5): what this process has loaded
 * @param node path of its program
 */
export function ownProgram(maps: string, node: string): OwnProgram {
  const loaded = new Set(maps.split('\n').flatMap(libraryOf));
  const folders = [...new Set([...loaded].map((path) => dirname(path)))].sort();
  const loader = [...loaded].find((path) => /^ld-/.test(basename(path)));
  return {
    mounts: [
      { source: node, target: NODE, readOnly: true },
      ...folders.map((folder) => ({ source: folder, target: folder, readOnly: true })),
    ],
    // The loader is not where the program says: that may be by a link, of which there is none.
    command: loader === undefined ? [NODE] : [loader, '--library-path', folders.join(':'), NODE],
  };
}

/** A library, or the loader, whose code a line maps. */
function libraryOf(line: string): readonly string[] {
  const [, rights = '', path = ''] = /^\S+ (\S+) \S+ \S+ \S+ +(\/.*)$/.exec(line) ?? [];
  return rights.includes('x') && /\.so(\.[0-9.]+)?$/.test(path) ? [path] : [];
}
