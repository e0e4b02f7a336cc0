import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionFeed } from './execution-feed.js';
import { parseLastEventId } from './execution-feed.js';

export interface FeedEvent {
  readonly id?: number;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** A server that gives `feed` for the execution named by the path. */
export async function serveFeed(feed: ExecutionFeed): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    const executionId = (request.url ?? '/').slice(1);
    const afterSeq = parseLastEventId(request.headers['last-event-id']?.toString());
    const caller = request.headers['x-caller']?.toString() ?? '';
    feed.serve({ caller, executionId, afterSeq, response }).then(
      (result) => {
        const statuses = { served: 200, not_found: 404, too_many: 429, full: 503 };
        if (result !== 'served') response.writeHead(statuses[result]).end();
      },
      () => response.writeHead(503).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** A client of server-sent events; it takes what comes, and can stop reading and leave. */
export class FeedReader {
  readonly events: FeedEvent[] = [];
  readonly comments: string[] = [];
  status = 0;
  ended = false;
  private response: IncomingMessage | undefined;
  private rest = '';
  private readonly request;
  private readonly listeners = new Set<() => void>();

  constructor(
    url: string,
    afterSeq?: number,
    /** Called for each event; leaves by `leave()`. */
    private readonly onEvent: (event: FeedEvent, reader: FeedReader) => void = () => undefined,
  ) {
    const headers = afterSeq === undefined ? {} : { 'Last-Event-ID': String(afterSeq) };
    this.request = get(url, { headers, agent: false }, (response) => {
      this.response = response;
      this.status = response.statusCode ?? 0;
      response.setEncoding('utf8');
      response.on('data', (text: string) => this.take(text));
      response.on('close', () => this.finish());
    });
    this.request.on('error', () => this.finish());
  }

  lines(): { readonly seq: number; readonly text: string }[] {
    return this.events
      .filter(({ event }) => event === 'log')
      .flatMap(({ data }) => data['lines'] as { seq: number; text: string }[]);
  }

  lastId(): number | undefined {
    return this.events.findLast(({ id }) => id !== undefined)?.id;
  }

  pause(): void {
    this.response?.pause();
  }

  resume(): void {
    this.response?.resume();
  }

  leave(): void {
    this.request.destroy();
  }

  /** Resolves when `condition` holds; it is looked at after every event. Rejects after 20 s. */
  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.listeners.delete(look);
        reject(new Error('The condition did not come true within 20 s.'));
      }, 20_000);
      const look = (): void => {
        if (!condition()) return;
        clearTimeout(timer);
        this.listeners.delete(look);
        resolve();
      };
      this.listeners.add(look);
    });
  }

  private finish(): void {
    this.ended = true;
    for (const look of this.listeners) look();
  }

  private take(text: string): void {
    const blocks = (this.rest + text).split('\n\n');
    this.rest = blocks.pop() ?? '';
    for (const block of blocks) this.takeBlock(block);
    for (const look of this.listeners) look();
  }

  private takeBlock(block: string): void {
    const fields = new Map(
      block.split('\n').map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
      }),
    );
    const data = fields.get('data');
    if (data === undefined) {
      this.comments.push(block);
      return;
    }
    const id = fields.get('id');
    const event = {
      ...(id === undefined ? {} : { id: Number(id) }),
      event: fields.get('event') ?? 'message',
      data: JSON.parse(data) as Record<string, unknown>,
    };
    this.events.push(event);
    this.onEvent(event, this);
  }
}
