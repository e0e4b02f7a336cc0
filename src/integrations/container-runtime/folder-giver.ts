/** Whose a folder and all below it become; see `giveTree`. */
export interface GivenFolder {
  readonly folder: string;
  readonly uid: number;
  readonly gid: number;
  readonly isShared: boolean;
  readonly isAlone?: boolean;
}

/** Port: gives files to other users where this process may not, but its container engine may. */
export abstract class FolderGiver {
  /** False: there is no need, or no way. */
  abstract readonly isThere: boolean;
  /** Rejects with what the engine or the program in the container said. */
  abstract give(given: GivenFolder): Promise<void>;
}

export class AbsentFolderGiver extends FolderGiver {
  readonly isThere = false;

  give(): Promise<void> {
    return Promise.reject(new Error('this process gives no files to other users'));
  }
}
