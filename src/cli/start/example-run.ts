import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../config/paths.js';
import type { ApiClient } from '../api-client.js';

export type ExampleResult =
  | ExampleOutcome
  | { readonly kind: 'unfinished'; readonly executionId: string; readonly afterMs: number };

export interface ExampleOutcome {
  readonly kind: 'ended';
  readonly pipelineId: string;
  readonly executionId: string;
  readonly status: string;
  readonly duration: number | null;
  readonly logs: readonly string[];
}

interface Execution {
  readonly status: string;
  readonly duration: number | null;
  readonly logs: readonly string[];
}

const UNDER_WAY: readonly string[] = ['pending', 'waiting', 'running'];
const DEADLINE_MS = 60_000;

/** True when nobody has used this server yet. */
export async function isFirstStart(api: ApiClient): Promise<boolean> {
  const { items } = await api.request<{ items: unknown[] }>('GET', '/api/ci/pipelines?limit=1');
  return items.length === 0;
}

/** Creates the example pipeline, triggers it and waits for its end; undefined when `stop` came first. */
export async function runExample(
  api: ApiClient,
  stop: AbortSignal,
): Promise<ExampleResult | undefined> {
  const yaml = await readFile(join(packageRoot(), 'examples', 'hello.yaml'), 'utf8');
  const pipeline = await api.request<{ id: string }>('POST', '/api/ci/pipelines', {
    yaml_content: yaml,
  });
  const { execution_id: executionId } = await api.request<{ execution_id: string }>(
    'POST',
    `/api/ci/pipelines/${pipeline.id}/trigger`,
    {},
  );
  const giveUpAt = performance.now() + DEADLINE_MS;
  while (!stop.aborted) {
    const execution = await api.request<Execution>('GET', `/api/ci/executions/${executionId}`);
    const { status, duration, logs } = execution;
    if (!UNDER_WAY.includes(status)) {
      return { kind: 'ended', pipelineId: pipeline.id, executionId, status, duration, logs };
    }
    if (performance.now() > giveUpAt) {
      return { kind: 'unfinished', executionId, afterMs: DEADLINE_MS };
    }
    await sleep(50);
  }
  return undefined;
}
