/** One server-sent event. */
export interface ServerSentEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: string;
}

/** Cuts text as it comes into server-sent events (WHATWG HTML, "Server-sent events"); comments are left out. */
export class EventStreamParser {
  private rest = '';
  private event = '';
  private id: string | undefined;
  private data: string[] = [];

  /** The events that this piece completes. */
  push(text: string): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    const lines = (this.rest + text).split(/\r\n|\n|\r(?=[^\n])/);
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line !== '') this.field(line);
      else if (this.data.length > 0) events.push(this.take());
      else this.event = '';
    }
    return events;
  }

  private field(line: string): void {
    const colon = line.indexOf(':');
    if (colon === 0) return;
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
    return event;
  }
}
