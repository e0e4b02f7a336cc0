import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../config/paths.js';
import { list, nullable, number, object, text } from '../api/answer-shape.js';
import type { ApiClient } from '../api/api-client.js';
import { accepted, page, pipelineSummary } from '../api/wire-readers.js';
import { applyYaml, validateYaml } from '../client/pipeline-applier.js';

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

const ended = object({ status: text, duration: nullable(number), logs: list(text) });

const UNDER_WAY: readonly string[] = ['pending', 'waiting', 'running'];
const DEADLINE_MS = 60_000;

/** True when nobody has used this server yet. */
export async function isFirstStart(api: ApiClient): Promise<boolean> {
  const { items } = await api.get('/api/ci/pipelines?limit=1', page(pipelineSummary, 1));
  return items.length === 0;
}

/**
 * Applies the example pipeline, triggers it and waits for its end; undefined when `stop` came
 * first.
 */
export async function runExample(
  api: ApiClient,
  stop: AbortSignal,
): Promise<ExampleResult | undefined> {
  const yaml = await readFile(join(packageRoot(), 'examples', 'hello.yaml'), 'utf8');
  // As `apply` does it: whoever starts a second server on the same stores at this moment makes no
  // second one.
  const { saved } = await applyYaml(api, yaml, (await validateYaml(api, yaml)).name ?? 'hello');
  const pipelineId = saved.value.id;
  const trigger = { method: 'POST', path: `/api/ci/pipelines/${pipelineId}/trigger`, body: {} };
  const { execution_id: executionId } = (await api.read(trigger, accepted)).value;
  const giveUpAt = performance.now() + DEADLINE_MS;
  while (!stop.aborted) {
    const execution = await api.get(`/api/ci/executions/${executionId}`, ended);
    const { status, duration, logs } = execution;
    if (!UNDER_WAY.includes(status)) {
      return { kind: 'ended', pipelineId, executionId, status, duration, logs };
    }
    if (performance.now() > giveUpAt) {
      return { kind: 'unfinished', executionId, afterMs: DEADLINE_MS };
    }
    await sleep(50);
  }
  return undefined;
}
