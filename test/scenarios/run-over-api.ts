import { attemptFolder } from '../../src/workspaces/attempt-folder.js';
import { join } from 'node:path';
import type { LogLine } from '../../src/logs/store/log-record.js';
import type { ExplanationResponse } from '../../src/executions/explanation/dto/explanation.response.js';
import type { ExecutionResponse } from '../../src/executions/record/dto/execution.response.js';
import { eventually } from '../support/eventually.js';
import type { MillraceServer } from '../support/millrace-server.js';
import type { ScenarioEnd } from './run-in-process.js';
import type { Outcome } from './run-outcome.js';
import type { Scenario } from './run-scenario.js';

const TIMEOUT_MS = 120_000;

/**
 * Runs a scenario as a client does: creates the pipeline, triggers it, and reads its end, its
 * explanation and its log.
 */
export async function runOverApi(
  server: MillraceServer,
  { yaml, expected }: Scenario,
): Promise<ScenarioEnd> {
  const pipelineId = await server.createPipeline(yaml);
  const path = `/api/ci/pipelines/${pipelineId}/trigger`;
  const answer = await server.fetch('POST', path, expected.trigger ?? {});
  const body = (await answer.json()) as {
    readonly execution_id: string;
    readonly details?: readonly { readonly code: string }[];
  };
  if (answer.status === 422) {
    return { kind: 'refused', codes: (body.details ?? []).map(({ code }) => code) };
  }
  expect([answer.status, body]).toEqual([202, expect.anything()]);
  const id = body.execution_id;
  const { cancel_at: cancelAt } = expected;
  if (cancelAt !== undefined) {
    await eventually(async () => {
      const lines = await linesOf(server, id);
      return lines.some(({ text }) => text === cancelAt) || undefined;
    }, TIMEOUT_MS);
    await server.call('POST', `/api/ci/executions/${id}/cancel`);
  }
  await server.finished(id, TIMEOUT_MS);
  const run = await server.call<ExecutionResponse>('GET', `/api/ci/executions/${id}`);
  const why = await server.call<ExplanationResponse>('GET', `/api/ci/executions/${id}/explain`);
  expect(reasonsOf(why)).toEqual(reasonsOf(run));
  const lines = await linesOf(server, id);
  if (lines.every(({ text }) => text.length < 1_000 && !text.includes('\ufffd'))) {
    expect(run.logs).toEqual(lines.slice(-100).map(({ text }) => text));
    expect(await server.logText(id)).toBe(lines.map(({ text }) => `${text}\n`).join(''));
  }
  return {
    kind: 'ran',
    executionId: id,
    pipelineId,
    workspace: join(server.home, 'w', attemptFolder(id, run.attempt), 'work'),
    outcome: { run: run, traces: tracesOf(why), lines },
  };
}

async function linesOf(server: MillraceServer, id: string): Promise<LogLine[]> {
  const response = await server.fetch('GET', `/api/ci/executions/${id}/logs`);
  const text = await response.text();
  expect([response.status, response.ok ? '' : text]).toEqual([200, '']);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogLine);
}

function tracesOf(why: ExplanationResponse): Outcome['traces'] {
  const stages = [
    ...why.stages,
    { name: 'on_failure', when: null, steps: why.on_failure },
    { name: 'always', when: null, steps: why.always },
  ];
  const all = stages.flatMap((stage) => [
    { stage: stage.name, step: null, trace: stage.when },
    ...stage.steps.map(({ name, when }) => ({ stage: stage.name, step: name, trace: when })),
  ]);
  return all.flatMap(({ trace, ...place }) => (trace ? [{ ...place, trace }] : []));
}

interface Reasoned {
  readonly name: string;
  readonly status: string;
  readonly reason: { readonly code: string } | null;
}

function reasonsOf(
  body: Pick<ExecutionResponse | ExplanationResponse, 'status' | 'reason'> & {
    readonly stages: readonly (Reasoned & { readonly steps: readonly Reasoned[] })[];
    readonly on_failure: readonly Reasoned[];
    readonly always: readonly Reasoned[];
  },
): unknown {
  const short = ({ name, status, reason }: Reasoned): unknown => [name, status, reason];
  return {
    execution: [body.status, body.reason],
    stages: body.stages.map((stage) => [short(stage), stage.steps.map(short)]),
    hooks: [body.on_failure.map(short), body.always.map(short)],
  };
}
