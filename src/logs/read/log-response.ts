import type { ServerResponse } from 'node:http';
import { GrowingMemory } from '../../common/values/growing-memory.js';
import type { LogBatch } from '../store/log-record.js';
import { BatchJson } from './json-lines.js';
import { PlainText } from './log-lines.js';
import type { LogQuery } from './log-query.js';
import type { LogReader } from './log-reader.js';
import { ResponseStream } from './response-stream.js';

export type LogFormat = 'json-lines' | 'plain';

const LINE_END = Buffer.from('\n');

const contentTypes: Record<LogFormat, string> = {
  'json-lines': 'application/x-ndjson; charset=utf-8',
  plain: 'text/plain; charset=utf-8',
};

/**
 * Sends a log as it is now, one chunk in memory at a time, and ends the response. Rejects before
 * anything was sent when the store is away, so that an error can be answered; later a failure
 * breaks the connection and is thrown as well.
 */
export async function sendLog(
  reader: LogReader,
  query: LogQuery,
  format: LogFormat,
  response: ServerResponse,
): Promise<void> {
  const batches = reader.readBatches(query);
  const first = await batches.next();
  response.statusCode = 200;
  response.setHeader('Content-Type', contentTypes[format]);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Cache-Control', 'no-store');
  const stream = new ResponseStream(response);
  const plain = new PlainText();
  try {
    for (let next = first; next.done !== true; next = await batches.next()) {
      const piece = format === 'plain' ? plain.next(next.value) : jsonText(next.value);
      if (!(await stream.write(piece))) return;
    }
    await stream.write(plain.end());
    stream.end();
  } catch (error) {
    stream.destroy();
    throw error;
  } finally {
    await batches.return(undefined);
  }
}

/** Each line with a line feed. */
function jsonText(batch: LogBatch): Buffer {
  const lines = new BatchJson(batch);
  const memory = new GrowingMemory(Buffer.allocUnsafe(2 * batch.bytes.length));
  while (lines.hasNext) {
    lines.writeTo(memory);
    memory.append(LINE_END);
  }
  return memory.bytes.subarray(0, memory.length);
}
