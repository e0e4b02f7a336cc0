import type { ServerResponse } from 'node:http';
import type { EventBus } from '../../integrations/event-bus/event-bus.js';
import type { LogReader } from '../read/log-reader.js';
import { ResponseStream } from '../read/response-stream.js';
import type { LoadExecutionView } from './execution-view.js';
import { FeedClient } from './feed-client.js';
import { defaultFeedLimits, FeedPlaces, type FeedLimits } from './feed-places.js';
import { LiveTail } from './live-tail.js';

export interface ExecutionFeedOptions {
  readonly reader: LogReader;
  readonly bus: EventBus;
  readonly loadView: LoadExecutionView;
  /** Called for failures that the feed continues after: a store or the bus away. */
  readonly onProblem: (error: unknown) => void;
  /** A client that takes nothing for so many milliseconds is disconnected. Default 30,000. */
  readonly stallMs?: number;
  readonly limits?: FeedLimits;
}

export interface FeedRequest {
  /** Who asks, for the limit of clients that one caller may have. */
  readonly caller: string;
  readonly executionId: string;
  /** Lines behind this number are sent: `Last-Event-ID`, 0 for all. */
  readonly afterSeq: number;
  readonly response: ServerResponse;
}

export type FeedOutcome = 'served' | 'not_found' | 'full' | 'too_many';

/** The tail of one execution, for all of its clients. */
interface SharedTail {
  readonly opening: Promise<LiveTail | undefined>;
  clients: number;
}

/**
 * Server-sent events of executions: `status` (at connect and at every change), `log` (at most 500
 * lines, `id` = number of the last one), `done` (behind the last line; then the response ends).
 * `status` and `done` carry `last_seq`. A client that connects again with `Last-Event-ID` continues
 * without gap or duplicate. All clients of an execution in this process share one reader of the
 * bus. Memory for each client is bounded, whatever it reads.
 */
export class ExecutionFeed {
  private readonly tails = new Map<string, SharedTail>();
  private readonly places: FeedPlaces;
  private closing = false;

  constructor(private readonly options: ExecutionFeedOptions) {
    this.places = new FeedPlaces(options.limits ?? defaultFeedLimits);
  }

  /**
   * Serves one client until `done`, until it leaves, or until `close`. Anything but `served`:
   * nothing was sent; `full` and `too_many` are the limits. Rejects, with nothing sent, when the
   * execution cannot be loaded. To end it from outside destroy the response.
   */
  async serve(request: FeedRequest): Promise<FeedOutcome> {
    const entered = this.places.enter(request.caller);
    if (entered !== 'entered') return entered;
    try {
      return await this.serveClient(request);
    } finally {
      this.places.leave(request.caller);
    }
  }

  /** Ends all clients, which then connect again elsewhere. */
  close(): void {
    this.closing = true;
    for (const shared of this.tails.values()) closeOpened(shared);
  }

  private async serveClient(request: FeedRequest): Promise<'served' | 'not_found'> {
    const { executionId } = request;
    const shared = this.enter(executionId);
    try {
      const tail = await shared.opening;
      if (tail === undefined) return 'not_found';
      await this.sendFrom(tail, request);
      return 'served';
    } finally {
      this.exit(executionId, shared);
    }
  }

  private async sendFrom(tail: LiveTail, { afterSeq, response }: FeedRequest): Promise<void> {
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-cache, no-transform',
      // nginx would otherwise gather events.
      'X-Accel-Buffering': 'no',
    });
    response.flushHeaders();
    const stream = new ResponseStream(response, this.options.stallMs);
    let left = false;
    stream.onClose(() => {
      left = true;
      tail.wake();
    });
    const client = new FeedClient(tail, stream, afterSeq, this.options.onProblem);
    await client.run(() => left || this.closing);
    stream.end();
  }

  private enter(executionId: string): SharedTail {
    const shared = this.tails.get(executionId) ?? {
      opening: LiveTail.open(executionId, this.options),
      clients: 0,
    };
    shared.clients++;
    this.tails.set(executionId, shared);
    return shared;
  }

  private exit(executionId: string, shared: SharedTail): void {
    shared.clients--;
    if (shared.clients > 0) return;
    closeOpened(shared);
    if (this.tails.get(executionId) === shared) this.tails.delete(executionId);
  }
}

function closeOpened({ opening }: SharedTail): void {
  opening.then(
    (tail) => tail?.close(),
    // Whoever waits for it hears of it.
    () => undefined,
  );
}

/**
 * The number in a `Last-Event-ID` header or query; 0 when there is none or it is no such number.
 */
export function parseLastEventId(value: string | undefined): number {
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : 0;
}
