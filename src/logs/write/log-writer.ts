import type { MaskSet } from '../../common/redaction/mask-set.js';
import type { Clock } from '../../engine/runtime/run-ports.js';
import type { EventBus } from '../../integrations/event-bus/event-bus.js';
import type { LogAddress, LogChunk, LogChunkStore } from '../store/log-chunk-store.js';
import { addressKey, ChunkQueue } from './chunk-queue.js';
import { LineTail } from './line-tail.js';
import { HeldPackets } from './held-packets.js';
import { LivePublisher } from './live-publisher.js';
import { defaultLogLimits, type LogLimits } from './log-limits.js';
import { countLineFeeds } from './line-cutter.js';
import { LogSink } from './log-sink.js';
import { PacketBuilder, type LogSourceName, type NumberedLines } from './packet-builder.js';

/**
 * Text of the line that an attempt begins with when the attempt before ended without closing its
 * log.
 */
export const LOST_MARKER =
  '{lost} The worker before ended without closing the log; its last lines may be missing.';

/** Address of lines of the execution itself. */
export const executionAddress: LogAddress = { stage: '', step: '', attempt: 0 };

/**
 * How long the end of a log waits for live readers' last lines to be sent; they can get them from
 * the store.
 */
const LIVE_GRACE_MS = 250;
const TAIL_BYTES = 16 * 1024;
const WHOLE_TAIL_BYTES = 32 * 1024;
/** Tries whose last lines are kept. The engine asks right after a try has ended. */
const MAX_TAILS = 256;

export interface LogWriterOptions {
  readonly executionId: string;
  /** Fence of this execution attempt. */
  readonly fence: number;
  /** Number of its first line; see `log-fence.ts`. */
  readonly firstSeq: number;
  /** True: the log begins with {@link LOST_MARKER}. */
  readonly lost?: boolean;
  readonly masks: MaskSet;
  readonly store: LogChunkStore;
  /** Absent: nobody reads live. */
  readonly bus?: EventBus;
  readonly clock: Clock;
  readonly limits?: Partial<LogLimits>;
  /**
   * Called for every failed call of the store (tried again until it succeeds) and of the bus (not
   * tried again).
   */
  readonly onProblem: (problem: LogProblem) => void;
  /** Called for what is taken from steps and what is dropped of it. */
  readonly meter?: LogMeter;
}

/** Counts what a log takes. */
export interface LogMeter {
  taken(lines: number, bytes: number): void;
  dropped(bytes: number): void;
  /** The log reached its limit; once for each log. */
  truncated(): void;
}

export interface LogProblem {
  readonly part: 'store' | 'bus';
  readonly error: unknown;
  /** How many times the same call has failed now. */
  readonly attempt: number;
}

const LINE_FEED = 0x0a;

interface NewLines {
  readonly source: LogSourceName;
  readonly pieces: readonly Buffer[];
  readonly bytes: number;
  readonly count: number;
  /** The step did not write the last `\n`: its line was cut and continues, or was its last. */
  readonly added?: 'continues' | 'last';
}

/** The end of what one try printed. */
interface TryTail {
  /** False: it has printed nothing, and the lines are the platform's. */
  readonly isOwn: boolean;
  readonly lines: LineTail;
}

/** The end of an attempt's log. */
export interface ClosedLog {
  readonly lastSeq: number;
  /**
   * Lines that are not in the store: whoever tells the end of the execution stores them in the same
   * write.
   */
  readonly lastChunk?: LogChunk;
}

/**
 * The log of one execution attempt, from the bytes of its steps to numbered, masked lines that go
 * live and to the store. For one thread; all of its sinks may be in use at once. Lines are stored
 * in the order of their numbers, so at any time the store holds a beginning of the log without a
 * gap.
 */
export class LogWriter {
  private readonly limits: LogLimits;
  private readonly builder: PacketBuilder;
  private readonly chunks: ChunkQueue;
  private readonly live: LivePublisher | undefined;
  private readonly held: HeldPackets | undefined;
  private readonly sinks = new Set<LogSink>();
  private readonly systemSources = new Map<string, LogSourceName>();
  private readonly tails = new Map<string, TryTail>();
  private readonly wholeTail = new LineTail(WHOLE_TAIL_BYTES);
  private cancelFlush: (() => void) | undefined;
  private cooling = false;
  private takenBytes = 0;
  private droppedBytes = 0;
  private closing: Promise<ClosedLog> | undefined;
  /** Nothing is taken any more. */
  private closed = false;

  constructor(private readonly options: LogWriterOptions) {
    const { executionId, fence, firstSeq, store, bus, clock, onProblem } = options;
    const owner = { executionId, fence };
    const limits = { ...defaultLogLimits, ...options.limits };
    this.limits = limits;
    this.builder = new PacketBuilder(
      firstSeq,
      limits,
      () => clock.now(),
      (lines) => this.keepTail(lines),
    );
    const chunks = new ChunkQueue(
      owner,
      firstSeq,
      store,
      clock,
      limits,
      (error, attempt) => onProblem({ part: 'store', error, attempt }),
      (storedSeq) => this.held?.stored(storedSeq),
    );
    this.chunks = chunks;
    this.live =
      bus &&
      new LivePublisher(
        owner,
        bus,
        limits.liveBytes,
        () => chunks.storedSeq,
        (error) => onProblem({ part: 'bus', error, attempt: 1 }),
      );
    this.held = this.live && new HeldPackets(this.live, clock, limits);
    if (options.lost) this.systemLine(executionAddress, LOST_MARKER);
  }

  /**
   * A sink for one stream of one try. Its bytes are masked, and cut into lines and into numbers,
   * here.
   */
  source(name: LogSourceName): LogSink {
    const source = { ...name };
    const sink: LogSink = new LogSink({
      masks: this.options.masks,
      lineBytes: this.limits.lineBytes,
      lines: (pieces, bytes, count) => this.add({ source, pieces, bytes, count }),
      cutLine: (pieces, bytes) => this.add({ source, pieces, bytes, count: 1, added: 'continues' }),
      lastLine: (pieces, bytes) => this.add({ source, pieces, bytes, count: 1, added: 'last' }),
      room: () => this.chunks.room(),
      isFull: () => this.takenBytes === Infinity,
      dropped: (bytes) => this.countDropped(bytes),
      whenUnfinished: (callback) => this.options.clock.after(this.limits.unfinishedMs, callback),
      ended: () => this.sinks.delete(sink),
      late: () => this.systemLine(source, '{dropped} Output after the end of the step.'),
    });
    this.sinks.add(sink);
    return sink;
  }

  /**
   * Millrace's own words in a step's log; masked. Several lines when the text has several. Never
   * waits; dropped after `close` and `abandon`.
   */
  systemLine(address: LogAddress, text: string): void {
    if (this.closed) return;
    const key = addressKey(address);
    const source = this.systemSources.get(key) ?? { ...address, stream: 'system' as const };
    this.systemSources.set(key, source);
    for (const line of this.options.masks.maskText(text).split('\n')) {
      const bytes = Buffer.from(`${line}\n`);
      this.builder.add(source, [bytes], bytes.length, 1);
    }
    this.scheduleFlush();
  }

  /**
   * The last lines of what one try has printed, masked, oldest first, each cut to 1,000 characters.
   * The platform's own lines are among them only where it has printed none.
   */
  lastLines(address: LogAddress, count: number): string[] {
    this.builder.seal();
    return this.shown(this.tails.get(addressKey(address))?.lines.last(count) ?? []);
  }

  /** The last lines of this attempt, for the summary of the execution; as `lastLines`. */
  tail(count: number): string[] {
    this.builder.seal();
    return this.shown(this.wholeTail.last(count));
  }

  /** Lines from before a mask was added may show what it hides. */
  private shown(lines: string[]): string[] {
    const { masks } = this.options;
    return masks.hasGrown ? lines.map((line) => masks.maskText(line)) : lines;
  }

  /** Number of the last line taken so far. */
  get lastSeq(): number {
    return this.builder.lastSeq;
  }

  /**
   * Ends every sink and resolves when everything is stored: only then may `finished` be published.
   * Waits for as long as the store is away. Rejects with `log_abandoned` when `abandon` is called
   * meanwhile or was before. Idempotent.
   */
  close(): Promise<ClosedLog> {
    return this.closeBut(0);
  }

  /**
   * As `close`, but hands the last lines over, if they have at most `maxBytes`, for the caller to
   * store with the end itself.
   */
  closeBut(maxBytes: number): Promise<ClosedLog> {
    this.closing ??= this.finish(maxBytes);
    return this.closing;
  }

  /**
   * Stops at once: the lease is lost. What is not stored is forgotten and the sinks swallow what
   * comes. Idempotent.
   */
  abandon(): void {
    this.closed = true;
    this.cancelFlush?.();
    this.held?.forget();
    this.chunks.abandon();
    for (const sink of this.sinks) sink.discard();
  }

  private async finish(maxBytes: number): Promise<ClosedLog> {
    for (const sink of this.sinks) sink.end();
    if (this.droppedBytes > 0) {
      this.systemLine(executionAddress, `{truncated} ${this.droppedBytes} bytes were dropped.`);
    }
    this.closed = true;
    this.flush();
    this.cancelFlush?.();
    const { done, lastChunk } = await this.chunks.drainBut(maxBytes);
    if (!done) {
      throw Object.assign(new Error('The log was abandoned.'), { code: 'log_abandoned' });
    }
    this.held?.release();
    if (this.live !== undefined) {
      await Promise.race([this.live.settled(), this.pause(LIVE_GRACE_MS)]);
    }
    return { lastSeq: this.lastSeq, ...(lastChunk && { lastChunk }) };
  }

  private add(lines: NewLines): void {
    const { source, bytes } = lines;
    const room = this.limits.totalBytes - this.takenBytes;
    if (bytes > room) {
      const fitting = firstLines(lines, room);
      if (fitting) this.add(fitting);
      this.drop(source, bytes - (fitting?.bytes ?? 0) - (lines.added === undefined ? 0 : 1));
      return;
    }
    this.takenBytes += bytes;
    this.options.meter?.taken(lines.count, bytes);
    this.builder.add(source, lines.pieces, bytes, lines.count, lines.added === 'continues');
    if (this.builder.byteLength >= this.limits.flushBytes) this.flush();
    else this.scheduleFlush();
  }

  private drop(source: LogSourceName, bytes: number): void {
    // From here on everything is dropped, also a short line that would still fit.
    this.takenBytes = Infinity;
    if (this.droppedBytes === 0) {
      this.options.meter?.truncated();
      const limit = this.limits.totalBytes;
      this.systemLine(
        source,
        `{truncated} The log reached its limit of ${limit} bytes; further output is dropped.`,
      );
    }
    this.countDropped(bytes);
  }

  private countDropped(bytes: number): void {
    this.droppedBytes += bytes;
    this.options.meter?.dropped(bytes);
  }

  /**
   * At once when nothing went out lately, so that a quiet step's line is seen; else when the time
   * since then is over.
   */
  private scheduleFlush(): void {
    if (this.cooling || this.cancelFlush !== undefined) return;
    this.cancelFlush = this.options.clock.after(0, () => this.flush());
  }

  private flush(): void {
    this.cancelFlush?.();
    this.cancelFlush = undefined;
    const packet = this.builder.take();
    if (packet === undefined) {
      this.cooling = false;
      return;
    }
    this.held?.add(packet);
    this.chunks.add(packet);
    this.cooling = true;
    this.cancelFlush = this.options.clock.after(this.limits.flushMs, () => this.flush());
  }

  private keepTail({ source, bytes, continues }: NumberedLines): void {
    this.wholeTail.add(bytes, source, continues);
    const key = addressKey(source);
    const isOwn = source.stream !== 'system';
    const known = this.tails.get(key);
    if (known?.isOwn && !isOwn) return;
    const isFirst = known === undefined || known.isOwn !== isOwn;
    const tail = isFirst ? { isOwn, lines: new LineTail(TAIL_BYTES) } : known;
    tail.lines.add(bytes, source, continues);
    // Re-inserted, so that the map is in order of the last use.
    this.tails.delete(key);
    this.tails.set(key, tail);
    const [oldest] = this.tails.keys();
    if (this.tails.size > MAX_TAILS && oldest !== undefined) this.tails.delete(oldest);
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.options.clock.after(ms, resolve));
  }
}

/** The first of these lines, as many as have at most `room` bytes; undefined: not even one has. */
function firstLines({ source, pieces, added }: NewLines, room: number): NewLines | undefined {
  if (added !== undefined || room <= 0) return undefined;
  const all = Buffer.concat(pieces);
  const bytes = all.lastIndexOf(LINE_FEED, room - 1) + 1;
  if (bytes === 0) return undefined;
  const first = all.subarray(0, bytes);
  return { source, pieces: [first], bytes, count: countLineFeeds(first) };
}
