import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';

/** An object as a pack holds it, whole. */
export interface PackObject {
  readonly type: 'commit' | 'tree' | 'blob' | 'tag';
  readonly content: Uint8Array;
}

const HEADER = 12;
const CHECKSUM = 20;
const REF_DELTA = 7;
const typeNumbers = { commit: 1, tree: 2, blob: 3, tag: 4 } as const;

/**
 * SHAs of objects that deltas of a thin pack are made from and that are not in it (gitformat-pack;
 * the index is of version 2).
 */
export function missingBases(pack: Buffer, index: Buffer): readonly string[] {
  const count = index.readUInt32BE(8 + 255 * 4);
  const names = 8 + 256 * 4;
  const offsets = names + count * 24;
  const present = new Set<string>();
  const bases = new Set<string>();
  for (let number = 0; number < count; number++) {
    present.add(index.toString('hex', names + number * 20, names + number * 20 + 20));
    let at = index.readUInt32BE(offsets + number * 4);
    if ((pack.readUInt8(at) >> 4) % 8 !== REF_DELTA) continue;
    // The size, seven bits a byte.
    while (pack.readUInt8(at) >= 0x80) at += 1;
    bases.add(pack.toString('hex', at + 1, at + 21));
  }
  return [...bases].filter((base) => !present.has(base));
}

/** The pack with further objects in it, so that git takes it as one that needs no other. */
export function withObjects(
  pack: Buffer,
  objects: readonly PackObject[],
): { readonly pack: Buffer; readonly checksum: string } {
  const header = Buffer.from(pack.subarray(0, HEADER));
  header.writeUInt32BE(header.readUInt32BE(8) + objects.length, 8);
  const added = objects.flatMap(({ type, content }) => [
    objectHeader(typeNumbers[type], content.length),
    deflateSync(content),
  ]);
  const body = Buffer.concat([header, pack.subarray(HEADER, -CHECKSUM), ...added]);
  const checksum = createHash('sha1').update(body).digest();
  return { pack: Buffer.concat([body, checksum]), checksum: checksum.toString('hex') };
}

/** Type and four bits of the size, then seven bits a byte. */
function objectHeader(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size & 15)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.push((bytes.pop() ?? 0) | 0x80, rest & 127);
  }
  return Buffer.from(bytes);
}
