import type { ShownProblem } from '../terminal/problem-list.js';
import {
  dictionary,
  flag,
  instant,
  list,
  nullable,
  number,
  object,
  optional,
  raw,
  type Reader,
  readJson,
  shallow,
  ShapeError,
  text,
  uuid,
} from './answer-shape.js';
import type * as Wire from './wire-types.js';

/**
 * What answers of the API must be, for what the command line makes of them: `wire-types.ts`,
 * checked.
 */

const reason = object<Wire.Reason>({ code: text, message: text });

const outcome = {
  status: text,
  reason: nullable(reason),
  started_at: nullable(instant),
  finished_at: nullable(instant),
  duration: nullable(number),
};

export const problem = object<ShownProblem>({
  line: number,
  column: number,
  severity: text,
  code: text,
  message: text,
  suggestion: optional(text),
});

const pipelineFields = {
  id: uuid,
  name: text,
  description: nullable(text),
  version: number,
  enabled: optional(flag),
  created_at: instant,
  updated_at: instant,
};

export const pipelineSummary = object<Wire.PipelineSummary>(pipelineFields);

export const savedPipeline = object<Wire.SavedPipeline>({
  ...pipelineFields,
  warnings: list(problem),
});

export const wholePipeline = object<Wire.WholePipeline>({
  ...pipelineFields,
  triggers: list(shallow),
  stages: list(
    object<Wire.WholePipeline['stages'][number]>({
      name: optional(text),
      steps: optional(list(shallow)),
    }),
  ),
  timeout: number,
});

export const validation = object<Wire.Validation>({
  valid: flag,
  name: nullable(text),
  problems: list(problem),
});

export const accepted = object<Wire.Accepted>({ execution_id: uuid, message: text });

const executionFields = {
  ...outcome,
  id: uuid,
  pipeline_id: uuid,
  pipeline_name: text,
  pipeline_version: number,
  trigger_info: object<Wire.TriggerInfo>({
    trigger_type: text,
    triggered_by: text,
    branch: optional(text),
    tag: optional(text),
    commit_hash: optional(text),
  }),
  commit: nullable(
    object<NonNullable<Wire.ExecutionSummary['commit']>>({
      sha: text,
      message: text,
      author: text,
    }),
  ),
  attempt: number,
  created_at: instant,
};

export const executionSummary = object<Wire.ExecutionSummary>(executionFields);

const step = object<Wire.Step>({
  ...outcome,
  name: text,
  exit_code: nullable(number),
  continued_on_error: flag,
  flaky: flag,
  attempts: list(shallow),
});

const placement = object<Wire.Placement>({
  attempt: number,
  worker_name: text,
  claimed_at: instant,
  reason: nullable(reason),
});

export const execution = object<Wire.Execution>({
  ...executionFields,
  checkout: nullable(step),
  stages: list(object<Wire.Stage>({ ...outcome, name: text, steps: list(step) })),
  on_failure: list(step),
  always: list(step),
  failure: nullable(
    object<Wire.Failure>({ stage: text, step: text, reason, last_lines: list(raw) }),
  ),
  placements: list(placement),
});

const liveStep = object<Wire.LiveStep>({ name: text, status: text, reason: nullable(reason) });

export const liveExecution = object<Wire.LiveExecution>({
  status: text,
  reason: nullable(reason),
  checkout: nullable(liveStep),
  stages: list(object<Wire.LiveExecution['stages'][number]>({ name: text, steps: list(liveStep) })),
  on_failure: list(liveStep),
  always: list(liveStep),
});

export const logLine = object<Wire.LogLine>({
  seq: number,
  ts: instant,
  stream: text,
  // Chosen by, so they are as they came.
  stage: raw,
  step: raw,
  attempt: number,
  text: raw,
  continues: optional(flag),
});

export const logLines = object<{ readonly lines: readonly Wire.LogLine[] }>({
  lines: list(logLine),
});

const whenPart = { text, value: shallow };

const explainedFields = {
  name: text,
  status: text,
  reason: nullable(reason),
  when: nullable(
    object<Wire.When>({
      expression: text,
      result: flag,
      parts: list(object<Wire.When['parts'][number]>(whenPart)),
    }),
  ),
};

const explainedStep = object<Wire.ExplainedStep>({
  ...explainedFields,
  attempts: list(nullable(reason)),
});

export const explanation = object<Wire.Explanation>({
  id: uuid,
  status: text,
  reason: nullable(reason),
  trigger: text,
  queue: nullable(
    object<NonNullable<Wire.Explanation['queue']>>({
      labels: list(text),
      ahead: number,
      workers: number,
      free_slots: number,
      refusals: list(reason),
    }),
  ),
  placements: list(placement),
  checkout: nullable(explainedStep),
  stages: list(object<Wire.ExplainedStage>({ ...explainedFields, steps: list(explainedStep) })),
  on_failure: list(explainedStep),
  always: list(explainedStep),
});

const plannedFields = {
  name: text,
  verdict: text,
  reason,
  when: nullable(
    object<Wire.PlannedWhen>({
      expression: text,
      result: nullable(flag),
      parts: list(object<Wire.PlannedWhen['parts'][number]>({ ...whenPart, known: flag })),
    }),
  ),
  needs: list(text),
};

const plannedStep = object<Wire.PlannedStep>(plannedFields);

const plannedPipeline = object<Wire.PlannedPipeline>({
  name: text,
  repository: nullable(
    object<NonNullable<Wire.PlannedPipeline['repository']>>({
      url: text,
      branch: nullable(text),
      tag: nullable(text),
      commit: nullable(text),
    }),
  ),
  timeout: number,
  retry_count: number,
  runs_on: list(text),
  worker_max_parallel_steps: optional(number),
  inputs: dictionary,
  stages: list(object<Wire.PlannedStage>({ ...plannedFields, steps: list(plannedStep) })),
  on_failure: list(plannedStep),
  always: list(plannedStep),
});

const validPlan = object<Omit<Wire.ValidPlan, 'valid'>>({
  problems: list(problem),
  plan: plannedPipeline,
  decision: object<Wire.TriggerDecision>({
    event: text,
    starts: flag,
    reason,
    rules: list(object<Wire.TriggerDecision['rules'][number]>({ event: text, reason })),
  }),
  mermaid: raw,
});

const verdict = object<{ readonly valid: boolean; readonly problems: readonly ShownProblem[] }>({
  valid: flag,
  problems: list(problem),
});

export const planAnswer: Reader<Wire.ValidPlan | Wire.InvalidPlan> = (value, place) => {
  const { valid, problems } = verdict(value, place);
  return valid ? { valid, ...validPlan(value, place) } : { valid, problems };
};

export const workers = list(
  object<Wire.Worker>({
    id: text,
    name: text,
    host: text,
    labels: list(text),
    concurrency: number,
    version: text,
    status: text,
    running: number,
    refusal: nullable(reason),
    heartbeat_at: instant,
  }),
);

/** A page of at most as many as were asked for. */
export function page<T>(reader: Reader<T>, limit: number): Reader<Wire.ListOf<T>> {
  const items: Reader<readonly T[]> = (value, place) => {
    const all = list(reader)(value, place);
    if (all.length > limit) throw new ShapeError(place, `list of at most ${limit}`);
    return all;
  };
  return object<Wire.ListOf<T>>({ items, next_cursor: nullable(text) });
}

export const health = object<{ readonly version: string | undefined }>({ version: optional(text) });

/** One line of a log. */
export function readLogLine(json: string): Wire.LogLine {
  return readJson(json, logLine);
}
