import { jsonLinesOf } from '../read/log-lines.js';
import type { LogBatch } from '../store/log-record.js';

/** Lines, and characters of JSON, in one `log` event. */
const MAX_LINES = 500;
const MAX_CHARACTERS = 128 * 1024;

/**
 * An event of server-sent events. JSON has no raw CR or LF, the only line ends that there are, so
 * nothing in a log can end or forge one.
 */
function event(name: string, data: string, id?: number): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${data}\n\n`;
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

/**
 * `log` events over several batches where they are short, each of at most 500 lines and, unless a
 * single line is longer, 128 Ki characters: that much of a log waits in memory for a client that is
 * slow. `id` is the number of the last line.
 */
export function* logEvents(batches: readonly LogBatch[]): Generator<string> {
  let lines: string[] = [];
  let characters = 0;
  let lastSeq = 0;
  for (const batch of batches) {
    for (const [index, line] of jsonLinesOf(batch).entries()) {
      const isFull = lines.length === MAX_LINES || characters + line.length > MAX_CHARACTERS;
      if (isFull && lines.length > 0) {
        yield logEvent(lines, lastSeq);
        lines = [];
        characters = 0;
      }
      lines.push(line);
      characters += line.length;
      lastSeq = batch.firstSeq + index;
    }
  }
  if (lines.length > 0) yield logEvent(lines, lastSeq);
}

function logEvent(lines: readonly string[], lastSeq: number): string {
  return event('log', `{"lines":[${lines.join(',')}]}`, lastSeq);
}
