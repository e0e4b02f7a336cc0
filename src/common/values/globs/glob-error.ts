/** A glob that cannot be used. The message is a sentence for whoever wrote it. */
export class GlobError extends Error {
  constructor(
    /** As it was written. */
    readonly glob: string,
    message: string,
  ) {
    super(message);
    this.name = 'GlobError';
  }
}
