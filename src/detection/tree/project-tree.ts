export type TreeNameKind = 'file' | 'folder';

export interface TreeName {
  readonly name: string;
  readonly kind: TreeNameKind;
}

/** Bytes of a file that is read; of a larger one no manifest consists. */
export const MAX_FILE_BYTES = 1_048_576;
/** Names of one folder; no folder of sources has so many. */
export const MAX_NAMES = 100_000;

/** A folder of the project has more than `MAX_NAMES` names. */
export class TooManyNamesError extends Error {
  constructor(folder: string) {
    super(`The folder "${folder}" has more than ${MAX_NAMES} files and folders.`);
  }
}

/**
 * Port: a project's files, to be read only. Paths are relative to the top, with `/` between names;
 * `''` is the top. Links are never followed, so that none leads out or goes round: what they name
 * is not there. Two adapters: a folder of the disk, and memory.
 */
export abstract class ProjectTree {
  /**
   * Files and folders of a folder, by name; undefined: there is no such folder.
   * @throws TooManyNamesError
   */
  abstract list(folder: string): Promise<readonly TreeName[] | undefined>;

  /**
   * The text of a file without a byte order mark; undefined: there is no such file, it has more
   * than `MAX_FILE_BYTES`, or it is no UTF-8.
   */
  abstract read(path: string): Promise<string | undefined>;
}
