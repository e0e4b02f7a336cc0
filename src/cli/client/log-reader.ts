import { setTimeout as sleep } from 'node:timers/promises';
import { ShapeError } from '../api/answer-shape.js';
import type { ApiClient, ApiRequest } from '../api/api-client.js';
import { connectionProblem } from '../api/connection-problem.js';
import { type HttpAnswer, MAX_ANSWER_BYTES } from '../api/exchange.js';
import { isPassing } from '../api/refusal.js';
import { Silence } from '../api/silence.js';
import { type LogLine, readLogLine } from '../api/wire-readers.js';

export interface LogSelection {
  readonly stage?: string;
  readonly step?: string;
  readonly attempt?: number;
  readonly afterSeq: number;
}

export interface RawLogLine {
  readonly line: LogLine;
  /** Its JSON, as the server sent it. */
  readonly json: string;
}

const TRIES = 5;
const PAUSE_MS = 300;
const LOG_TYPE = 'application/x-ndjson';

/**
 * The log as it is now. A connection that breaks is opened again behind the last line. As long as
 * new lines come it continues, however long the log is; without one it ends when the time of the
 * requests is over.
 *
 * @throws CommandError
 */
export async function* readLog(
  api: ApiClient,
  executionId: string,
  selection: LogSelection,
): AsyncGenerator<RawLogLine[]> {
  const place = { afterSeq: selection.afterSeq };
  const silence = new Silence(api.remainingMs);
  const { signal } = silence;
  try {
    for (let tries = 1; ; tries++) {
      try {
        for await (const lines of readOnce(api, executionId, { ...selection, ...place }, signal)) {
          // Lines that came before are no news: a server that sends them for ever is not read for
          // ever.
          const fresh = linesBehind(place, lines);
          if (fresh.length === 0) continue;
          tries = 1;
          api.renewBudget();
          silence.pause();
          yield fresh;
          silence.broken();
        }
        return;
      } catch (error) {
        if (signal.aborted || !isPassing(error) || tries >= TRIES) throw error;
        await sleep(PAUSE_MS * tries);
      }
    }
  } finally {
    silence.pause();
  }
}

/** Those behind a place in the log, which moves to the last of them. */
function linesBehind(place: { afterSeq: number }, lines: readonly RawLogLine[]): RawLogLine[] {
  return lines.filter(({ line: { seq } }) => {
    if (seq <= place.afterSeq) return false;
    place.afterSeq = seq;
    return true;
  });
}

async function* readOnce(
  api: ApiClient,
  executionId: string,
  { stage, step, attempt, afterSeq }: LogSelection,
  signal: AbortSignal,
): AsyncGenerator<RawLogLine[]> {
  const query = new URLSearchParams({
    after: String(afterSeq),
    ...(stage === undefined ? {} : { stage }),
    ...(step === undefined ? {} : { step }),
    ...(attempt === undefined ? {} : { attempt: String(attempt) }),
  });
  const path = `/api/ci/executions/${executionId}/logs?${query.toString()}`;
  const request: ApiRequest = { method: 'GET', path, headers: { accept: LOG_TYPE }, signal };
  const answer = await api.open(request, LOG_TYPE);
  const decoder = new TextDecoder();
  const take = (json: string): RawLogLine => ({
    line: api.shaped(request, () => readLogLine(json)),
    json,
  });
  let rest = '';
  for await (const chunk of chunksOf(api, answer)) {
    const [first = '', ...others] = decoder.decode(chunk, { stream: true }).split('\n');
    const lines = [rest + first, ...others];
    rest = lines.pop() ?? '';
    if (rest.length > MAX_ANSWER_BYTES) {
      api.shaped(request, () => {
        throw new ShapeError('', 'line that ends');
      });
    }
    const complete = lines.filter((json) => json !== '');
    if (complete.length > 0) yield complete.map(take);
  }
  if (rest !== '') yield [take(rest)];
}

async function* chunksOf({ baseUrl }: ApiClient, answer: HttpAnswer): AsyncGenerator<Buffer> {
  try {
    yield* answer.chunks();
  } catch (error) {
    throw connectionProblem(error, baseUrl);
  }
}
