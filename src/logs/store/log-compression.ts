import { promisify } from 'node:util';
import {
  constants,
  gunzip,
  zstdCompress,
  zstdCompressSync,
  zstdDecompress,
  type ZstdOptions,
} from 'node:zlib';

const toZstd = promisify(zstdCompress);
const fromZstd = promisify(zstdDecompress);
const fromGzip = promisify(gunzip);

/** RFC 1952, 2.3.1. */
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);

/** A chunk holds one megabyte; one that claims to be larger than this is not ours. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Of a log's text level 1 takes a third of the time of gzip's level 1, and makes it smaller. */
const fast: ZstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** `bytes` must not change until it has resolved. */
export function compress(bytes: Buffer): Promise<Buffer> {
  return toZstd(bytes, fast);
}

/** What is small is compressed sooner than a thread for it is woken. */
export function compressSync(bytes: Buffer): Buffer {
  return zstdCompressSync(bytes, fast);
}

/**
 * What {@link compress} took. Chunks that are older than Zstandard here are gzip.
 *
 * @param byteLength how much it will be, as far as that is known; less or more costs memory only
 */
export function decompress(data: Buffer, byteLength: number): Promise<Buffer> {
  // Into one memory, and not into many that are joined: one that gets full is followed by another.
  const chunkSize = Math.min(byteLength + constants.Z_MIN_CHUNK, MAX_BYTES);
  const options = { chunkSize, maxOutputLength: MAX_BYTES };
  const isGzip = data.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC);
  return isGzip ? fromGzip(data, options) : fromZstd(data, options);
}
