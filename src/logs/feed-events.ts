import { jsonLinesOf, sliceBatch } from './log-lines.js';
import type { LogBatch } from './log-record.js';

/** Lines in one `log` event. */
const maxLines = 500;

/** An event of server-sent events. JSON has no raw line end, so nothing in a log can end or forge an event. */
function event(name: string, data: string, id?: number): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${data}\n\n`;
}

export const keepAlive = ': keep-alive\n\n';

/** First line of a feed: how many milliseconds a client waits before it connects again. */
export const retryHint = 'retry: 1000\n\n';

/** `status` and `done` have no id, so what a client resumes from stays the last line that it got. */
export function statusEvent(
  name: 'status' | 'done',
  status: Readonly<Record<string, unknown>>,
  lastSeq: number,
): string {
  return event(name, JSON.stringify({ ...status, last_seq: lastSeq }));
}

/** `log` events of at most 500 lines, over several batches where they are short; `id` is the number of the last line. */
export function* logEvents(batches: readonly LogBatch[]): Generator<string> {
  let lines: string[] = [];
  let lastSeq = 0;
  for (const batch of batches) {
    const end = batch.firstSeq + batch.count - 1;
    let cursor = batch.firstSeq - 1;
    while (cursor < end) {
      const part = sliceBatch(batch, cursor, cursor + maxLines - lines.length);
      if (part === undefined) break;
      lines.push(...jsonLinesOf(part));
      cursor += part.count;
      lastSeq = cursor;
      if (lines.length >= maxLines) {
        yield logEvent(lines, lastSeq);
        lines = [];
      }
    }
  }
  if (lines.length > 0) yield logEvent(lines, lastSeq);
}

function logEvent(lines: readonly string[], lastSeq: number): string {
  return event('log', `{"lines":[${lines.join(',')}]}`, lastSeq);
}
