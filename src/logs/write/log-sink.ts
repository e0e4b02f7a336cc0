import type { OutputPipe } from '../../integrations/process/process-runner.js';
import type { MaskSet } from '../../common/redaction/mask-set.js';
import { MaskingStream } from '../../common/redaction/masking-stream.js';
import { LineCutter, type LineReceiver } from './line-cutter.js';

interface SinkOwner extends LineReceiver {
  readonly masks: MaskSet;
  readonly lineBytes: number;
  room(): true | Promise<void>;
  /** The log has reached its limit: what comes is counted, and nothing else is done with it. */
  isFull(): boolean;
  dropped(byteLength: number): void;
  /** Calls back once when a line has been unfinished for too long; returns what cancels it. */
  whenUnfinished(callback: () => void): () => void;
  ended(): void;
  /** Bytes came after the end; called once. */
  late(): void;
}

/** Takes the bytes of one stream of one try of one step. */
export class LogSink {
  private readonly masking: MaskingStream;
  private readonly lines: LineCutter;
  private state: 'open' | 'ended' | 'late' | 'discarding' = 'open';

  /** Of the wait for the end of a line, and which line or piece of one it is. */
  private cancelWait: (() => void) | undefined;
  private waitsFor: number | undefined;

  constructor(private readonly owner: SinkOwner) {
    this.masking = new MaskingStream(owner.masks);
    this.lines = new LineCutter(owner.lineBytes, owner);
  }

  /**
   * Takes `bytes`, always, and keeps a copy of what it keeps. Answers `true`, or what to wait for
   * before the next write: too much waits to be stored, so the pipe has to stop. After `end` bytes
   * are dropped, with a marker.
   */
  write(bytes: Buffer): true | Promise<void> {
    if (this.state === 'discarding' || bytes.length === 0) return true;
    if (this.state !== 'open') {
      this.dropLate();
      return true;
    }
    // A step that floods gets here: neither masks nor lines may cost memory any more.
    if (this.owner.isFull()) {
      this.owner.dropped(bytes.length);
      return true;
    }
    for (const piece of this.masking.push(bytes)) this.lines.push(piece);
    this.watchUnfinished();
    return this.owner.room();
  }

  /** Hands on what is held back, an unfinished last line included. Idempotent. */
  end(): void {
    if (this.state !== 'open') return;
    this.state = 'ended';
    for (const piece of this.masking.flush()) this.lines.push(piece);
    this.lines.end();
    this.watchUnfinished();
    this.owner.ended();
  }

  /** Swallows what comes from now on. */
  discard(): void {
    this.state = 'discarding';
    this.cancelWait?.();
  }

  /**
   * What no mask can be growing in is shown although its line has not ended: a step may wait for an
   * answer there.
   */
  private watchUnfinished(): void {
    const { unfinished } = this.lines;
    if (this.waitsFor === unfinished) return;
    this.cancelWait?.();
    this.waitsFor = unfinished;
    if (unfinished === undefined) return;
    this.cancelWait = this.owner.whenUnfinished(() => {
      this.waitsFor = undefined;
      this.lines.release();
    });
  }

  private dropLate(): void {
    if (this.state === 'late') return;
    this.state = 'late';
    this.owner.late();
  }
}

/**
 * Reads a stream to its end into a sink, with its back-pressure, and ends the sink; rejects when
 * the stream breaks, after what came was handed on.
 */
export async function pipeToSink(
  stream: OutputPipe,
  sink: Pick<LogSink, 'write' | 'end'>,
): Promise<void> {
  try {
    for await (const chunk of stream) {
      const room = sink.write(chunk as Buffer);
      stream.giveBack?.(chunk as Buffer);
      if (room !== true) await room;
    }
  } finally {
    sink.end();
  }
}
