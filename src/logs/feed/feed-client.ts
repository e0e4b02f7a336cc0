import type { FoundBatches } from '../read/live-lines.js';
import type { ResponseStream } from '../read/response-stream.js';
import { nextPosition, type LogPosition } from '../store/log-fence.js';
import { KEEP_ALIVE, logEvents, RETRY_HINT, statusEvent } from './feed-events.js';
import type { LiveTail } from './live-tail.js';

const KEEP_ALIVE_MS = 15_000;

/**
 * One client of a feed. It goes at its own pace from one place to the next by number: from the live
 * entries when its place is there, else from the store, else it waits. So there is no queue that a
 * slow client could fill.
 */
export class FeedClient {
  private toldStatus = '';
  /** `tail.polls` when the store last had nothing for us. */
  private emptyAt = -1;

  constructor(
    private readonly tail: LiveTail,
    private readonly stream: ResponseStream,
    private cursor: number,
    private readonly onProblem: (error: unknown) => void,
  ) {}

  /**
   * Resolves when `done` was sent, the client has left or `closing` answers true; never rejects.
   */
  async run(closing: () => boolean): Promise<void> {
    const timer = setInterval(() => this.keepAlive(), KEEP_ALIVE_MS);
    try {
      let alive = await this.stream.write(RETRY_HINT);
      while (alive && !closing() && !this.tail.deleted) {
        const mark = this.tail.mark;
        alive = await this.tellStatus();
        if (!alive) return;
        const position = nextPosition(this.tail.view.fences, this.cursor);
        if (position === undefined && this.tail.view.finished) {
          await this.tellDone();
          return;
        }
        const found = position && (await this.read(position));
        if (found === undefined) await this.tail.changedSince(mark);
        else alive = await this.tellLines(found);
      }
    } finally {
      clearInterval(timer);
    }
  }

  private async read(position: LogPosition): Promise<FoundBatches | undefined> {
    const live = this.tail.batchesAfter(position.seq - 1);
    if (live !== undefined) return live;
    // At the end of a running log every new line would ask the store for nothing: ask again only
    // when it is said to have more, and now and then.
    const { polls, storedSeq } = this.tail;
    if (this.emptyAt === polls && position.seq > storedSeq) return undefined;
    try {
      const found = await this.tail.from(position);
      if (found === undefined) this.emptyAt = polls;
      return found;
    } catch (error) {
      this.onProblem(error);
      this.emptyAt = polls;
      return undefined;
    }
  }

  private async tellLines({ batches, lastSeq }: FoundBatches): Promise<boolean> {
    for (const { bytes, giveBack } of logEvents(batches)) {
      if (!(await this.stream.write(bytes, giveBack))) return false;
    }
    this.cursor = lastSeq;
    return true;
  }

  private async tellStatus(): Promise<boolean> {
    const { status } = this.tail.view;
    const text = JSON.stringify(status);
    if (text === this.toldStatus) return true;
    this.toldStatus = text;
    return this.stream.write(statusEvent('status', status, this.tail.lastSeq));
  }

  private async tellDone(): Promise<void> {
    const { status } = this.tail.view;
    if (await this.stream.write(statusEvent('done', status, this.tail.lastSeq))) this.stream.end();
  }

  /**
   * Nobody waits for it: a client that does not read is found by the writes that are waited for.
   */
  private keepAlive(): void {
    void this.stream.write(KEEP_ALIVE);
  }
}
