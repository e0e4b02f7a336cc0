import { Readable } from 'node:stream';
import { type Header, pack } from 'tar-stream';
import type { PackLimits } from './pack-tree.js';

export const PACK_LIMITS: PackLimits = { maxBytes: 2 ** 24, maxEntries: 1000, maxWalked: 5000 };

export type MadeEntry = Partial<Header> & { readonly name: string; readonly content?: string };

/** An archive of these entries, whatever they are. */
export async function madeTar(entries: readonly MadeEntry[]): Promise<Buffer> {
  const tar = pack();
  for (const { content, ...header } of entries) {
    if (content === undefined) tar.entry(header);
    else tar.entry(header, content);
  }
  tar.finalize();
  return bytesOf(tar as AsyncIterable<Uint8Array>);
}

export async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function streamOf(bytes: Buffer, chunkSize = 1000): Readable {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkSize) {
    chunks.push(bytes.subarray(at, at + chunkSize));
  }
  return Readable.from(chunks, { objectMode: false });
}

/** One header, by hand: a name of any bytes, a size of any characters. */
export function rawHeader(fields: {
  readonly name: string | Buffer;
  readonly size: string | Buffer;
  readonly type?: string;
  readonly mode?: string;
}): Buffer {
  const block = Buffer.alloc(512);
  Buffer.from(fields.name).copy(block, 0);
  block.write(fields.mode ?? '000644 ', 100);
  block.write('000000 ', 108);
  block.write('000000 ', 116);
  Buffer.from(fields.size).copy(block, 124);
  block.write('00000000000 ', 136);
  block.write(fields.type ?? '0', 156);
  block.write('ustar\x0000', 257);
  block.write(' '.repeat(8), 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')} `, 148);
  return block;
}

/** What an archive ends with. */
export const TAR_END = Buffer.alloc(1024);
