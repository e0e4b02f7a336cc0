import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiClient, isPassing } from '../api-client.js';
import { connectionProblem } from '../connection-problem.js';
import type { LogLine } from './wire-types.js';

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

/** The log as it is now. A connection that breaks is opened again behind the last line. @throws CommandError */
export async function* readLog(
  api: ApiClient,
  executionId: string,
  selection: LogSelection,
): AsyncGenerator<RawLogLine[]> {
  let afterSeq = selection.afterSeq;
  for (let tries = 1; ; tries++) {
    try {
      for await (const lines of readOnce(api, executionId, { ...selection, afterSeq })) {
        tries = 1;
        afterSeq = lines.at(-1)?.line.seq ?? afterSeq;
        yield lines;
      }
      return;
    } catch (error) {
      if (!isPassing(error) || tries >= TRIES) throw error;
      await sleep(PAUSE_MS * tries);
    }
  }
}

async function* readOnce(
  api: ApiClient,
  executionId: string,
  { stage, step, attempt, afterSeq }: LogSelection,
): AsyncGenerator<RawLogLine[]> {
  const query = new URLSearchParams({
    after: String(afterSeq),
    ...(stage === undefined ? {} : { stage }),
    ...(step === undefined ? {} : { step }),
    ...(attempt === undefined ? {} : { attempt: String(attempt) }),
  });
  const path = `/api/ci/executions/${executionId}/logs?${query.toString()}`;
  const response = await api.open({
    method: 'GET',
    path,
    headers: { accept: 'application/x-ndjson' },
  });
  if (!response.body) return;
  const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw connectionProblem(error, api.baseUrl);
      });
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      const complete = lines.filter((json) => json !== '');
      if (complete.length > 0) {
        yield complete.map((json) => ({ line: JSON.parse(json) as LogLine, json }));
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined); // The connection may be the thing that broke.
  }
}
