import type { LogAddress, LogChunk } from '../../logs/store/log-chunk-store.js';

/** A chunk of a log inside the document of its execution. */
export interface StoredLogChunk {
  readonly first_seq: number;
  readonly last_seq: number;
  readonly raw_bytes: number;
  readonly sources: readonly LogAddress[];
  /** Base64. */
  readonly data: string;
}

export function storedLogChunk(chunk: LogChunk): StoredLogChunk {
  return {
    first_seq: chunk.firstSeq,
    last_seq: chunk.lastSeq,
    raw_bytes: chunk.rawBytes,
    sources: chunk.sources,
    data: chunk.data.toString('base64'),
  };
}

export function logChunkOf(executionId: string, fence: number, stored: StoredLogChunk): LogChunk {
  return {
    executionId,
    fence,
    firstSeq: stored.first_seq,
    lastSeq: stored.last_seq,
    rawBytes: stored.raw_bytes,
    sources: stored.sources,
    data: Buffer.from(stored.data, 'base64'),
  };
}
