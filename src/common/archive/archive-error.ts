export type ArchiveErrorCode =
  /** More bytes than the limit, packed out. */
  | 'too_large'
  | 'too_many_entries'
  /** It is no tar (or no gzip), or it is cut off. */
  | 'damaged'
  /** The name of an entry is absolute, leads out, is too long or no text. */
  | 'unsafe_name'
  /** The way to an entry leads through a link. */
  | 'through_link'
  /** A link leads out of the tree. */
  | 'outward_link'
  /** A link to what is not in the archive. */
  | 'dangling_link'
  /** Two entries of the same name, of which one is no folder. */
  | 'duplicate'
  /** A device, a FIFO, a sparse file, or something that is not known. */
  | 'unsupported_entry'
  /** Something is in the place where the tree was to be. */
  | 'target_exists';

/** An archive that is not made, or not taken. The message is a sentence. */
export class ArchiveError extends Error {
  constructor(
    readonly code: ArchiveErrorCode,
    message: string,
    options: { readonly entry?: string; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ArchiveError';
    this.entry = options.entry;
  }

  /** The entry that it is about, as the archive names it, at most 200 characters of it. */
  readonly entry: string | undefined;
}
