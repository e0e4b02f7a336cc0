import { Readable } from 'node:stream';
import { type PackedFile, type PackOptions, type PackResult, packTree } from './pack-tree.js';
import { TarOffsets } from './tar-offsets.js';

/** A file of an archive, and where its content lies in it. */
export interface IndexedFile extends PackedFile {
  /** Bytes of the archive before it. */
  readonly offset: number;
}

export interface IndexedTree {
  /** See `PackedTree`. */
  readonly stream: Readable;
  /** When the stream has ended; throws before that. */
  result(): PackResult & { readonly files: readonly IndexedFile[] };
}

/** `packTree` without gzip, which also tells where each file lies: each can be read alone. */
export function packIndexed(root: string, options: Omit<PackOptions, 'gzip'>): IndexedTree {
  const files: PackedFile[] = [];
  const offsets = new TarOffsets();
  const packed = packTree(root, { ...options, onFile: (file) => void files.push(file) });
  async function* watched(): AsyncGenerator<Buffer, void, void> {
    for await (const chunk of packed.stream as AsyncIterable<Buffer>) {
      offsets.take(chunk);
      yield chunk;
    }
  }
  return {
    stream: Readable.from(watched(), { objectMode: false }),
    result: () => {
      const result = packed.result();
      if (offsets.files.length !== files.length) {
        throw new Error(`${files.length} files have ${offsets.files.length} places`);
      }
      const placed = files.map((file, index) => ({ ...file, offset: offsets.files[index] ?? 0 }));
      return { ...result, files: placed };
    },
  };
}
