import type { Readable } from 'node:stream';
import { type ArchiveEntry, readEntries, type ReadOptions } from './read-entries.js';

/**
 * What is in an archive, without unpacking it: by the same rules for names and limits.
 * @throws ArchiveError, the reason of the signal, or an error of the stream
 */
export async function* listTree(
  stream: Readable,
  options: ReadOptions,
): AsyncGenerator<ArchiveEntry, void, void> {
  for await (const { entry } of readEntries(stream, options)) yield entry;
}
