import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../config/paths.js';
import type { ApiClient } from '../api-client.js';
import { CommandError } from '../command.error.js';

export interface ExampleResult {
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

/** Creates the example pipeline, triggers it and waits for its end. */
export async function runExample(api: ApiClient): Promise<ExampleResult> {
  const yaml = await readFile(join(packageRoot(), 'examples', 'hello.yaml'), 'utf8');
  const pipeline = await api.request<{ id: string }>('POST', '/api/ci/pipelines', {
    yaml_content: yaml,
  });
  const { execution_id: executionId } = await api.request<{ execution_id: string }>(
    'POST',
    `/api/ci/pipelines/${pipeline.id}/trigger`,
    {},
  );
  const { status, duration, logs } = await waitForEnd(api, executionId);
  return { pipelineId: pipeline.id, executionId, status, duration, logs };
}

async function waitForEnd(api: ApiClient, id: string): Promise<Execution> {
  const giveUpAt = performance.now() + DEADLINE_MS;
  for (;;) {
    const execution = await api.request<Execution>('GET', `/api/ci/executions/${id}`);
    if (!UNDER_WAY.includes(execution.status)) return execution;
    if (performance.now() > giveUpAt) {
      throw new CommandError(
        `The example did not end within ${DEADLINE_MS / 1000} s; GET /api/ci/executions/${id}/explain says why.`,
      );
    }
    await sleep(50);
  }
}
