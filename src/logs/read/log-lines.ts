import type { LogBatch, LogLine } from '../store/log-record.js';

/** Which lines of a log are wanted; all that are given must hold. */
export interface LogFilter {
  readonly stage?: string;
  readonly step?: string;
  readonly attempt?: number;
}

export function matchesFilter(
  source: { readonly stage: string; readonly step: string; readonly attempt: number },
  filter: LogFilter,
): boolean {
  return (
    (filter.stage === undefined || filter.stage === source.stage) &&
    (filter.step === undefined || filter.step === source.step) &&
    (filter.attempt === undefined || filter.attempt === source.attempt)
  );
}

/**
 * A batch without its lines up to `afterSeq` and after `lastSeq`; `undefined` when nothing is left.
 */
export function sliceBatch(
  batch: LogBatch,
  afterSeq: number,
  lastSeq: number,
): LogBatch | undefined {
  const end = batch.firstSeq + batch.count - 1;
  const skip = Math.max(0, afterSeq - batch.firstSeq + 1);
  const count = Math.min(end, lastSeq) - batch.firstSeq + 1 - skip;
  if (count <= 0) return undefined;
  if (count === batch.count) return batch;
  const from = lineStart(batch.bytes, 0, skip);
  const to = lineStart(batch.bytes, from, count);
  return {
    ...batch,
    firstSeq: batch.firstSeq + skip,
    count,
    bytes: batch.bytes.subarray(from, to),
    continues: batch.continues && skip + count === batch.count,
  };
}

/** Of batches, the lines from `afterSeq` on to `lastSeq`. */
export function slices(
  batches: readonly LogBatch[],
  afterSeq: number,
  lastSeq: number,
): LogBatch[] {
  return batches
    .filter((batch) => lastSeqOf(batch) > afterSeq)
    .map((batch) => sliceBatch(batch, afterSeq, lastSeq))
    .filter((batch) => batch !== undefined);
}

export function lastSeqOf(batch: LogBatch): number {
  return batch.firstSeq + batch.count - 1;
}

export function linesOf(batch: LogBatch): LogLine[] {
  const { stream, stage, step, attempt } = batch;
  const ts = new Date(batch.ts).toISOString();
  return textsOf(batch).map((text, index) => ({
    seq: batch.firstSeq + index,
    ts,
    stream,
    stage,
    step,
    attempt,
    text,
    ...(batch.continues && index === batch.count - 1 ? { continues: true } : {}),
  }));
}

/**
 * Puts the text together as it was printed: pieces of a line are joined, unless another source's
 * lines came between them. Use one for each reading.
 */
export class PlainText {
  private open: LogBatch | undefined;

  /** The text of the next batch. */
  next(batch: LogBatch): string {
    const broken = this.open !== undefined && !isSameSource(this.open, batch);
    this.open = batch.continues ? batch : undefined;
    const end = batch.continues ? batch.bytes.length - 1 : batch.bytes.length;
    return `${broken ? '\n' : ''}${batch.bytes.toString('utf8', 0, end)}`;
  }

  /** What is still to come behind the last batch. */
  end(): string {
    return this.open === undefined ? '' : '\n';
  }
}

export function isSameSource(one: LogBatch, other: LogBatch): boolean {
  return (
    one.stream === other.stream &&
    one.step === other.step &&
    one.stage === other.stage &&
    one.attempt === other.attempt
  );
}

function textsOf(batch: LogBatch): string[] {
  return batch.bytes.toString('utf8', 0, batch.bytes.length - 1).split('\n');
}

/** Where the line begins that comes `lines` lines behind the one that begins at `position`. */
function lineStart(bytes: Buffer, position: number, lines: number): number {
  let start = position;
  for (let line = 0; line < lines; line++) start = bytes.indexOf(0x0a, start) + 1;
  return start;
}
