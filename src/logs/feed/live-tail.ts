import {
  type EventBus,
  isEndHint,
  liveTopic,
  type LiveLogEntry,
} from '../../integrations/event-bus/event-bus.js';
import { batchesOfEntries, type FoundBatches } from '../read/live-lines.js';
import type { LogReader } from '../read/log-reader.js';
import { knownLastSeq, type LogPosition } from '../store/log-fence.js';
import { storedSeqOf } from '../store/stored-hint.js';
import type { ExecutionView, LoadExecutionView } from './execution-view.js';

/**
 * Newest live entries kept for the clients of one execution; who is behind them reads the store.
 */
const KEPT_BYTES = 1024 * 1024;
const ENTRIES_AT_ONCE = 16;
/**
 * How often to look without a hint: hints may be lost, and without the bus this is all there is.
 */
const POLL_MS = 1_000;
/** A hint by which only the stores are asked. */
const RESYNC = 'resync';
/**
 * The view is loaded for a hint `state` at most once in so long: a run of short steps changes more
 * often than that.
 */
const VIEW_REST_MS = 50;
/**
 * How long the first view waits for the subscription, so that no change is missed between the two.
 * With the bus away clients have the view, and what the polls find.
 */
const STANDING_MS = 20;

export interface LiveTailOptions {
  readonly reader: LogReader;
  readonly bus: EventBus;
  readonly loadView: LoadExecutionView;
  readonly onProblem: (error: unknown) => void;
}

/** A read of the store that several clients may wait for. */
interface SharedRead {
  readonly seq: number;
  /** Mark of the news when it began. */
  readonly version: number;
  readonly found: Promise<FoundBatches | undefined>;
  isFound: boolean;
}

/**
 * One reader of an execution's news for all of its clients in this process: the newest view, the
 * newest live entries, and how far the log is stored. It never waits for a client: a client that is
 * slow finds its place gone from here and reads the store.
 */
export class LiveTail {
  private entries: LiveLogEntry[] = [];
  /** Number behind which entries are still to be read. */
  private cursor = 0;
  private bytes = 0;
  private current: ExecutionView;
  private toldSeq = 0;
  /** What was last read for a client: in a flood all of them come for the same chunk. */
  private lastRead: SharedRead | undefined;
  /** Rises with all that may let a waiting client continue. */
  private version = 0;
  private polled = 0;
  private waiting: (() => void)[] = [];
  private looking = false;
  private lookAgain = false;
  /** The hint by which the view is old; undefined: it is not. */
  private news: string | undefined;
  private loadedAt = performance.now();
  private loadLater: NodeJS.Timeout | undefined;
  private gone = false;
  private readonly timer: NodeJS.Timeout;

  private constructor(
    private readonly executionId: string,
    view: ExecutionView,
    private readonly leave: () => void,
    private readonly options: LiveTailOptions,
  ) {
    this.current = view;
    this.timer = setInterval(() => this.poll(), POLL_MS);
  }

  /**
   * @returns undefined: there is no such execution. Close it when nobody reads it any more.
   * Rejects when its view cannot be loaded.
   */
  static async open(executionId: string, options: LiveTailOptions): Promise<LiveTail | undefined> {
    const early: string[] = [];
    const standing = Promise.withResolvers<void>();
    // Whatever is heard: the subscription stands, and the view is loaded after it.
    let hear: (hint: string) => void = () => standing.resolve();
    const leave = options.bus.subscribe(liveTopic(executionId), (hint) => hear(hint));
    const timer = setTimeout(standing.resolve, STANDING_MS);
    try {
      await standing.promise;
      hear = (hint) => early.push(hint);
      const view = await options.loadView(executionId, 'first');
      if (view === undefined) {
        leave();
        return undefined;
      }
      const tail = new LiveTail(executionId, view, leave, options);
      hear = (hint) => tail.hear(hint);
      tail.look();
      if (view.isUnsure) tail.loadLater = setTimeout(() => tail.lookBy(RESYNC), VIEW_REST_MS);
      for (const hint of early) tail.hear(hint);
      return tail;
    } catch (error) {
      leave();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  get view(): ExecutionView {
    return this.current;
  }

  /** True: the execution was deleted. */
  get deleted(): boolean {
    return this.gone;
  }

  /** Mark of the news known now, for {@link changedSince}. */
  get mark(): number {
    return this.version;
  }

  /** Rises about once a second: whoever found nothing in the store may look there again. */
  get polls(): number {
    return this.polled;
  }

  /** The highest line number that is known to be stored. */
  get storedSeq(): number {
    return Math.max(knownLastSeq(this.current.fences), this.toldSeq);
  }

  /** The highest line number that is known to exist. */
  get lastSeq(): number {
    // What an attempt stored too late, or never stored, is no line of what has ended.
    if (this.current.finished) return knownLastSeq(this.current.fences);
    return Math.max(this.storedSeq, this.entries.at(-1)?.lastSeq ?? 0);
  }

  /** What follows `afterSeq` among the entries here; `undefined` when its place is not here. */
  batchesAfter(afterSeq: number): FoundBatches | undefined {
    const first = this.entries.findIndex(({ lastSeq }) => lastSeq > afterSeq);
    if (first < 0) return undefined;
    return batchesOfEntries(this.entries.slice(first, first + 1), this.current.fences, afterSeq);
  }

  /** What comes from `position` on, as `LogReader.from`; read once for clients at one place. */
  from(position: LogPosition): Promise<FoundBatches | undefined> {
    const { seq } = position;
    const { lastRead, version } = this;
    // One that finds nothing says so only to those who ask with the same news.
    const isShared = lastRead?.seq === seq && (lastRead.isFound || lastRead.version === version);
    if (isShared) return lastRead.found;
    const query = { executionId: this.executionId, fences: this.current.fences };
    const found = this.options.reader.from(query, position);
    const read: SharedRead = { seq, version, found, isFound: false };
    this.lastRead = read;
    found.then(
      (batches) => (read.isFound = batches !== undefined),
      // Whoever asked hears of it, and the next one asks again.
      () => undefined,
    );
    return found;
  }

  /** Resolves as soon as there is news behind `mark`, and when the tail is closed. */
  async changedSince(mark: number): Promise<void> {
    if (this.version !== mark) return;
    await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /**
   * Lets all waiting clients continue: there is news, or one of them is to look at its own state.
   */
  wake(): void {
    this.version++;
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }

  close(): void {
    this.leave();
    clearInterval(this.timer);
    clearTimeout(this.loadLater);
    this.wake();
  }

  /** Also without news clients look again: lines may be in the store that the bus never had. */
  private poll(): void {
    this.polled++;
    this.lookBy(RESYNC);
    this.wake();
  }

  private hear(hint: string): void {
    const storedSeq = storedSeqOf(hint);
    if (storedSeq !== undefined) {
      this.toldSeq = Math.max(this.toldSeq, storedSeq);
      this.wake();
      return;
    }
    if (hint === 'log') return this.look();
    const rest = this.loadedAt + VIEW_REST_MS - performance.now();
    if (hint !== 'state' || rest <= 0) return this.lookBy(hint);
    this.loadLater ??= setTimeout(() => this.lookBy(hint), rest);
  }

  /** The end outranks all, and a state what only the stores know. */
  private lookBy(hint: string): void {
    const known = this.news;
    if (known === undefined || (hint !== 'state' && !isEndHint(known))) this.news = hint;
    this.look();
  }

  private look(): void {
    this.lookAgain = true;
    if (!this.looking) void this.lookUntilDone();
  }

  private async lookUntilDone(): Promise<void> {
    this.looking = true;
    while (this.lookAgain) {
      this.lookAgain = false;
      try {
        if (this.news !== undefined) await this.loadView(this.news);
        await this.readEntries();
      } catch (error) {
        // The next hint or poll tries again; until then clients have what they have.
        this.options.onProblem(error);
      }
    }
    this.looking = false;
  }

  private async loadView(hint: string): Promise<void> {
    this.news = undefined;
    this.loadedAt = performance.now();
    clearTimeout(this.loadLater);
    this.loadLater = undefined;
    const told = await this.current.after?.(hint);
    const view = told ?? (await this.options.loadView(this.executionId, 'next'));
    if (view === undefined) this.gone = true;
    else this.current = view;
    // The fences of another view may end elsewhere.
    this.lastRead = undefined;
    this.wake();
  }

  private async readEntries(): Promise<void> {
    for (;;) {
      const read = await this.options.bus.readLog(this.executionId, this.cursor, ENTRIES_AT_ONCE);
      const last = read.at(-1);
      if (last === undefined) return;
      this.cursor = last.lastSeq;
      this.keep(read);
      if (last.fence !== this.current.fences.at(-1)?.fence)
        await this.loadView(this.news ?? RESYNC);
      this.wake();
    }
  }

  private keep(read: readonly LiveLogEntry[]): void {
    this.entries.push(...read);
    this.bytes += read.reduce((sum, { payload }) => sum + payload.length, 0);
    while (this.bytes > KEPT_BYTES && this.entries.length > 1) {
      this.bytes -= this.entries.shift()?.payload.length ?? 0;
    }
  }
}
