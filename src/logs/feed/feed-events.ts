import { GrowingMemory } from '../../common/values/growing-memory.js';
import { BatchJson } from '../read/json-lines.js';
import type { LogBatch } from '../store/log-record.js';

/** Lines, and bytes of their JSON, in one `log` event. */
const MAX_LINES = 500;
const MAX_BYTES = 128 * 1024;
/** What stands before the lines of an event, at most. */
const HEAD_BYTES = 64;
const SEPARATOR = Buffer.from(',');
const TAIL = Buffer.from(']}\n\n');
/** Memory of one event, with the line that is too much; a line with many escapes needs more. */
const EVENT_BYTES = 200 * 1024;
/** Memories that are kept for later events: a flood asks for none. */
const MAX_SPARE = 8;

const spare: Buffer[] = [];

/**
 * An event of server-sent events. JSON has no raw CR or LF, the only line ends that there are, so
 * nothing in a log can end or forge one.
 */
function event(name: string, data: string): string {
  return `event: ${name}\ndata: ${data}\n\n`;
}

export const KEEP_ALIVE = ': keep-alive\n\n';

/** First line of a feed: how many milliseconds a client waits before it connects again. */
export const RETRY_HINT = 'retry: 1000\n\n';

/**
 * `status` and `done` have no id, so what a client resumes from stays the last line that it got.
 */
export function statusEvent(
  name: 'status' | 'done',
  status: Readonly<Record<string, unknown>>,
  lastSeq: number,
): string {
  return event(name, JSON.stringify({ ...status, last_seq: lastSeq }));
}

/** A `log` event as it is sent. */
export interface LogEvent {
  readonly bytes: Buffer;
  /** Gives its memory to later events: nobody reads it any more. */
  readonly giveBack: () => void;
}

/**
 * `log` events over several batches where they are short, each of at most 500 lines and, unless a
 * single line is longer, 128 KiB: that much of a log waits in memory for a client that is slow.
 * `id` is the number of the last line.
 */
export function* logEvents(batches: readonly LogBatch[]): Generator<LogEvent> {
  let memory = eventMemory();
  let count = 0;
  let lastSeq = 0;
  for (const batch of batches) {
    const lines = new BatchJson(batch);
    while (lines.hasNext) {
      const start = memory.length;
      if (count > 0) memory.append(SEPARATOR);
      const { seq } = lines;
      lines.writeTo(memory);
      const isTooLong = count > 0 && memory.length - HEAD_BYTES > MAX_BYTES;
      if (isTooLong || count === MAX_LINES) {
        // A client that is slow holds one event, and not the memory of the next one.
        const line = Buffer.from(memory.bytes.subarray(start + SEPARATOR.length, memory.length));
        memory.length = start;
        yield logEvent(memory, lastSeq);
        memory = eventMemory();
        memory.append(line);
        count = 0;
      }
      count++;
      lastSeq = seq;
    }
  }
  if (count > 0) yield logEvent(memory, lastSeq);
}

/** Room for the head, which is known last, comes first. */
function eventMemory(): GrowingMemory {
  return new GrowingMemory(spare.pop() ?? Buffer.allocUnsafeSlow(EVENT_BYTES), HEAD_BYTES);
}

function logEvent(memory: GrowingMemory, lastSeq: number): LogEvent {
  memory.append(TAIL);
  const { bytes, length } = memory;
  const head = `id: ${lastSeq}\nevent: log\ndata: {"lines":[`;
  const start = HEAD_BYTES - head.length;
  bytes.write(head, start, 'latin1');
  return {
    bytes: bytes.subarray(start, length),
    giveBack: () => {
      if (bytes.length === EVENT_BYTES && spare.length < MAX_SPARE) spare.push(bytes);
    },
  };
}
