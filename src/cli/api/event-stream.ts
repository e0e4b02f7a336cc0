import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { ShapeError } from './answer-shape.js';

/**
 * Characters of one event; the largest of ours have a quarter of it. Many short lines cost several
 * times their length in memory.
 */
const MAX_EVENT_LENGTH = 4 * 1024 * 1024;

/** Cuts text as it comes into server-sent events, of a bounded size. */
export class EventStreamParser {
  private readonly events: EventSourceMessage[] = [];
  /**
   * Characters since the last event, comments too: the smallest part of an event may keep the whole
   * piece in memory with which it came. The comments of a silent server fill it in seven weeks.
   */
  private size = 0;
  private readonly parser = createParser({
    onEvent: (event) => {
      this.events.push(event);
      this.size = 0;
    },
  });

  /** The events that this piece completes. @throws ShapeError when one does not end */
  push(text: string): EventSourceMessage[] {
    this.size += text.length;
    this.parser.feed(text);
    if (this.size > MAX_EVENT_LENGTH) throw new ShapeError('', 'event that ends');
    return this.events.splice(0);
  }
}
