import type { LogBatch, LogStream } from './log-record.js';

/**
 * Batches as bytes, in live entries and (compressed) in chunks: for each batch a line of JSON with
 * its numbers and its source, then its lines as they are. Encodings of batches may be joined, so a
 * chunk is the live entries it stands for.
 */
interface BatchHeader {
  readonly first_seq: number;
  readonly count: number;
  readonly ts: number;
  readonly stream: LogStream;
  readonly stage: string;
  readonly step: string;
  readonly attempt: number;
  readonly bytes: number;
  readonly continues?: true;
}

const LINE_FEED = 0x0a;

/** The header; the batch's bytes follow it. */
export function encodeHeader(batch: Omit<LogBatch, 'bytes'>, byteLength: number): Buffer {
  const header: BatchHeader = {
    first_seq: batch.firstSeq,
    count: batch.count,
    ts: batch.ts,
    stream: batch.stream,
    stage: batch.stage,
    step: batch.step,
    attempt: batch.attempt,
    bytes: byteLength,
    ...(batch.continues ? { continues: true } : {}),
  };
  return Buffer.from(`${JSON.stringify(header)}\n`);
}

/**
 * The batches in `encoded`, sharing its memory. Throws when it is not what `encodeHeader` and lines
 * make.
 */
export function decodeBatches(encoded: Buffer): LogBatch[] {
  const batches: LogBatch[] = [];
  let position = 0;
  while (position < encoded.length) {
    const headerEnd = encoded.indexOf(LINE_FEED, position);
    if (headerEnd < 0) throw new Error('A log batch has no header.');
    const header = JSON.parse(encoded.toString('utf8', position, headerEnd)) as BatchHeader;
    const end = headerEnd + 1 + header.bytes;
    if (!(end <= encoded.length)) throw new Error('A log batch is cut off.');
    batches.push({
      firstSeq: header.first_seq,
      count: header.count,
      ts: header.ts,
      stream: header.stream,
      stage: header.stage,
      step: header.step,
      attempt: header.attempt,
      bytes: encoded.subarray(headerEnd + 1, end),
      ...(header.continues ? { continues: true } : {}),
    });
    position = end;
  }
  return batches;
}
