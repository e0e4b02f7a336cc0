import { ShapeError } from './answer-shape.js';
import { MAX_ANSWER_BYTES } from './exchange.js';

/** One server-sent event. */
export interface ServerSentEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: string;
}

/**
 * Cuts text as it comes into server-sent events (WHATWG HTML, "Server-sent events"); comments are
 * left out.
 */
export class EventStreamParser {
  private rest = '';
  /** The piece before ended in a carriage return, to which a line feed may belong. */
  private halfBreak = false;
  private event = '';
  private id: string | undefined;
  private data: string[] = [];
  /** Characters of the event that is not complete yet. */
  private size = 0;

  /** The events that this piece completes. @throws ShapeError when one does not end */
  push(text: string): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    const piece = this.halfBreak ? `\r${text}` : text;
    this.halfBreak = piece.endsWith('\r');
    const [first = '', ...others] = (this.halfBreak ? piece.slice(0, -1) : piece).split(
      /\r\n|\n|\r/,
    );
    const lines = [this.rest + first, ...others];
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line !== '') this.field(line);
      else if (this.data.length > 0) events.push(this.take());
      else this.event = '';
    }
    if (this.size + this.rest.length > MAX_ANSWER_BYTES)
      throw new ShapeError('', 'event that ends');
    return events;
  }

  private field(line: string): void {
    const colon = line.indexOf(':');
    if (colon === 0) return;
    this.size += line.length;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') this.data.push(value);
    else if (name === 'event') this.event = value;
    else if (name === 'id') this.id = value;
  }

  private take(): ServerSentEvent {
    const event = { event: this.event || 'message', id: this.id, data: this.data.join('\n') };
    this.event = '';
    this.data = [];
    this.size = 0;
    return event;
  }
}
