/** Why something that the globs include is not taken. */
export type LeftOutReason =
  /** A socket, a FIFO or a device. */
  | 'special_file'
  /** Its name is no UTF-8. */
  | 'invalid_name'
  | 'path_too_long'
  /** More folders in each other than are walked. */
  | 'too_deep'
  /** The process may not read it. */
  | 'unreadable'
  /** It was there, and then not any more, or became something else. */
  | 'vanished'
  /** It was written to each time that it was read. */
  | 'changing'
  /** A link to what is not there. */
  | 'dangling_link'
  /** A link that leads out of the tree. */
  | 'outward_link';

export interface LeftOut {
  /** Relative to the top. Bytes that are no UTF-8 are shown as U+FFFD. */
  readonly path: string;
  readonly reason: LeftOutReason;
}

/** What was left out, by name up to a number. */
export interface LeftOutList {
  readonly listed: readonly LeftOut[];
  /** How many more there are. */
  readonly unlisted: number;
}

const MAX_LISTED = 100;

export class LeftOuts {
  private readonly listed: LeftOut[] = [];
  private unlisted = 0;

  add(path: string, reason: LeftOutReason): void {
    if (this.listed.length < MAX_LISTED) this.listed.push({ path, reason });
    else this.unlisted += 1;
  }

  list(): LeftOutList {
    return { listed: [...this.listed], unlisted: this.unlisted };
  }
}

/**
 * The reason behind an error of the file system.
 * @throws the error, where it says nothing of the tree
 */
export function reasonOrThrow(error: unknown): LeftOutReason {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ELOOP':
    case 'ENOTDIR':
    case 'EINVAL':
      return 'vanished';
    case 'EACCES':
    case 'EPERM':
      return 'unreadable';
    case 'ENXIO':
    case 'ENODEV':
      return 'special_file';
    case 'ENAMETOOLONG':
      return 'path_too_long';
    default:
      throw error;
  }
}
