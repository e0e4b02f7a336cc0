import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { EngineAwayError } from './container-runtime.js';
import { saidBy } from './docker-errors.js';

/** What of a line that cannot be read is told, characters. */
const MAX_TOLD = 200;

/**
 * What an engine says of long work: one JSON object for each line. Ends when the engine has ended
 * its answer; one that breaks off in the middle says nothing of how the work went.
 *
 * @throws EngineAwayError when it breaks off, or says what is no JSON
 */
export async function* eventsOf<T extends object>(stream: Readable): AsyncGenerator<T, void, void> {
  try {
    for await (const line of linesOf(stream)) yield eventIn(line) as T;
  } catch (error) {
    if (error instanceof EngineAwayError) throw error;
    throw new EngineAwayError(`it broke off: ${saidBy(error)}`);
  }
}

/** Fails when the stream is destroyed before its end, which `readline` would wait for. */
async function* linesOf(stream: Readable): AsyncGenerator<string, void, void> {
  // A character may begin in one chunk and end in the next.
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line.trim() !== '');
  }
  rest += decoder.end();
  if (rest.trim() !== '') yield rest;
}

function eventIn(line: string): object {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    event = undefined;
  }
  if (typeof event === 'object' && event !== null) return event;
  throw new EngineAwayError(`it said what is no JSON object: ${line.slice(0, MAX_TOLD)}`);
}
