import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { anyValue } from '../../../common/http/api-documentation.js';
import { sayUrl } from '../../../common/values/repository-url.js';
import type { InputValue } from '../../../engine/inputs/resolve-inputs.js';
import type { Problem } from '../../../engine/yaml/problem.js';
import type {
  Environment,
  RepositoryPlan,
  RetryPlan,
  StagePlan,
  StepPlan,
} from '../../../engine/plan/plan.js';
import type { Reason } from '../../../engine/plan/run-state.js';
import type { NodePreview, StagePreview, Verdict } from '../../../engine/preview/preview.js';
import { PREVIEW_EVENTS } from '../../../engine/preview/preview-events.js';
import type { DecisionPart } from '../../../engine/triggers/decision-part.js';
import type { DryRun } from '../../compile/dry-run.js';
import { kindOf, stepKinds } from '../../../engine/steps/step-kind-registry.js';
import { ProblemResponse } from '../../definitions/dto/pipeline.response.js';
import {
  DecisionPartResponse,
  DecisionReasonResponse,
  RuleDecisionResponse,
} from '../../trigger-request/dto/decision.response.js';

const VERDICTS: readonly Verdict[] = ['runs', 'skipped', 'depends', 'fails'];
const GRAPH_KINDS = ['checkout', 'stage', 'hooks', 'step'];

/** Why something would or would not happen; docs/reasons.md explains each code. */
export class PlanReasonResponse {
  @ApiProperty({ example: 'when_false' })
  code!: string;

  @ApiProperty({ example: "its `when` is false: trigger.branch == 'main'" })
  message!: string;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  data?: Reason['data'];
}

export class PlanWhenPartResponse {
  @ApiProperty({ example: 'trigger.branch' })
  text!: string;

  @ApiProperty({ ...anyValue, example: 'dev', description: 'null while it is not known.' })
  value!: unknown;

  @ApiProperty({ example: true })
  known!: boolean;
}

export class PlanWhenResponse {
  @ApiProperty({ example: "trigger.branch == 'main'" })
  expression!: string;

  @ApiProperty({
    type: Boolean,
    nullable: true,
    description: 'null = not known yet, or not asked.',
  })
  result!: boolean | null;

  @ApiProperty({ type: [PlanWhenPartResponse] })
  parts!: readonly PlanWhenPartResponse[];
}

/** What a stage and a step have in common. */
class PlannedNodeResponse {
  @ApiProperty({ example: 'build' })
  name!: string;

  @ApiProperty({
    enum: VERDICTS,
    description:
      '`runs`: as soon as what it needs is over and has not failed; `skipped`: never; `depends`: on what happens before or is known later; `fails`: its `when` cannot be evaluated.',
  })
  verdict!: Verdict;

  @ApiProperty({ type: PlanReasonResponse })
  reason!: Reason;

  @ApiProperty({ type: PlanWhenResponse, nullable: true })
  when!: PlanWhenResponse | null;

  @ApiProperty({ type: [String], description: 'All that must be over first.' })
  needs!: readonly string[];

  @ApiProperty({ description: 'True when the needs are written in the YAML.' })
  explicit_needs!: boolean;

  @ApiProperty({ type: [String], description: 'Names of its own variables.' })
  environment!: readonly string[];

  @ApiProperty({ type: [String], description: 'Names of its own secrets.' })
  secrets!: readonly string[];

  @ApiProperty({
    type: Number,
    nullable: true,
    description: 'Seconds; null = no limit of its own.',
  })
  timeout!: number | null;
}

export class PlannedRetryResponse {
  @ApiProperty({ example: 2, description: 'Further attempts after the first.' })
  max!: number;

  @ApiProperty({
    type: 'array',
    items: {},
    example: ['infrastructure', { exit_code: [137] }],
    description: 'What is retried.',
  })
  on!: readonly unknown[];

  @ApiProperty({ example: 1000 })
  backoff_initial_ms!: number;

  @ApiProperty({ example: 2 })
  backoff_factor!: number;

  @ApiProperty({ example: 60_000 })
  backoff_max_ms!: number;
}

export class PlannedRepositoryResponse {
  @ApiProperty({ example: 'https://example.org/team/app.git', description: 'Without credentials.' })
  url!: string;

  @ApiProperty({ type: String, nullable: true, example: 'main' })
  branch!: string | null;

  @ApiProperty({ type: String, nullable: true, example: null })
  tag!: string | null;

  @ApiProperty({ type: String, nullable: true, example: null })
  commit!: string | null;

  @ApiProperty({ example: 1, description: 'Commits of history; 0 = all.' })
  depth!: number;

  @ApiProperty({ example: false, description: 'Whether tags are brought.' })
  tags!: boolean;

  @ApiProperty({
    enum: ['none', 'direct', 'recursive'],
    description: 'Which submodules are cloned too.',
  })
  submodules!: 'none' | 'direct' | 'recursive';

  @ApiProperty({ example: true, description: 'Whether files of Git LFS are fetched.' })
  lfs!: boolean;
}

export class PlannedStepResponse extends PlannedNodeResponse {
  @ApiProperty({ enum: stepKinds.map(({ kind }) => kind), description: 'The kind of step.' })
  kind!: string;

  @ApiProperty({ example: 'npm ci', description: 'What it does, in one line.' })
  summary!: string;

  @ApiProperty({ type: [String], example: ['npm ci'], description: 'Of a shell step.' })
  commands!: readonly string[];

  @ApiProperty({ type: PlannedRepositoryResponse, nullable: true, description: 'Of a git step.' })
  repository!: PlannedRepositoryResponse | null;

  @ApiProperty({ type: String, nullable: true, description: 'Inside of the workspace.' })
  working_directory!: string | null;

  @ApiProperty()
  continue_on_error!: boolean;

  @ApiProperty({ type: PlannedRetryResponse })
  retry!: PlannedRetryResponse;

  @ApiProperty({ type: [String] })
  outputs!: readonly string[];
}

export class PlannedStageResponse extends PlannedNodeResponse {
  @ApiProperty({ example: 1, description: 'Steps of it at once, by its `parallel`.' })
  max_parallel!: number;

  @ApiProperty({ type: [PlannedStepResponse] })
  steps!: readonly PlannedStepResponse[];
}

/** The plan in a readable form. */
export class PlannedPipelineResponse {
  @ApiProperty({ example: 'hello' })
  name!: string;

  @ApiProperty({ type: String, nullable: true })
  description!: string | null;

  @ApiProperty({ description: 'Versions and executions with the same hash do the same.' })
  plan_hash!: string;

  @ApiProperty({ type: PlannedRepositoryResponse, nullable: true })
  repository!: PlannedRepositoryResponse | null;

  @ApiProperty({ example: 3600, description: 'Seconds.' })
  timeout!: number;

  @ApiProperty({ example: 0 })
  retry_count!: number;

  @ApiProperty({
    example: false,
    description:
      'True: a further attempt after a lost or stopped worker keeps the stages that have passed.',
  })
  resume!: boolean;

  @ApiProperty({ type: [String], description: 'Labels that its worker must offer.' })
  runs_on!: readonly string[];

  @ApiProperty({
    example: 64,
    description:
      'Steps that a worker runs at once, whatever `parallel` allows: WORKER_MAX_PARALLEL_STEPS, as this server has it.',
  })
  worker_max_parallel_steps!: number;

  @ApiProperty({
    type: [String],
    description: 'Names of the variables of the pipeline and of the trigger.',
  })
  environment!: readonly string[];

  @ApiProperty({ type: [String], description: 'Names of secrets that every step gets.' })
  secrets!: readonly string[];

  @ApiProperty({ type: 'object', additionalProperties: true, description: 'With the defaults.' })
  inputs!: Readonly<Record<string, InputValue>>;

  @ApiProperty({ type: [PlannedStageResponse] })
  stages!: readonly PlannedStageResponse[];

  @ApiProperty({ type: [PlannedStepResponse] })
  on_failure!: readonly PlannedStepResponse[];

  @ApiProperty({ type: [PlannedStepResponse] })
  always!: readonly PlannedStepResponse[];
}

export class TriggerDecisionResponse {
  @ApiProperty({ enum: PREVIEW_EVENTS })
  event!: string;

  @ApiProperty({ description: 'Whether the event starts an execution.' })
  starts!: boolean;

  @ApiProperty({ type: DecisionReasonResponse })
  reason!: Reason;

  @ApiProperty({ type: [DecisionPartResponse], description: 'What is asked beside the rules.' })
  parts!: readonly DecisionPart[];

  @ApiProperty({ type: [RuleDecisionResponse], description: 'The `triggers` of the pipeline.' })
  rules!: readonly RuleDecisionResponse[];
}

export class GraphNodeResponse {
  @ApiProperty({ example: 's0_1' })
  id!: string;

  @ApiProperty({ enum: GRAPH_KINDS })
  kind!: string;

  @ApiProperty({ example: 'compile' })
  name!: string;

  @ApiProperty({
    type: String,
    nullable: true,
    example: 's0',
    description: 'Of a step: what it is in.',
  })
  parent!: string | null;

  @ApiProperty({ enum: VERDICTS })
  verdict!: Verdict;
}

export class GraphEdgeResponse {
  @ApiProperty({ example: 's0_0' })
  from!: string;

  @ApiProperty({ example: 's0_1' })
  to!: string;
}

export class GraphResponse {
  @ApiProperty({ type: [GraphNodeResponse] })
  nodes!: readonly GraphNodeResponse[];

  @ApiProperty({
    type: [GraphEdgeResponse],
    description: 'Between nodes of one level; those that follow from others are left out.',
  })
  edges!: readonly GraphEdgeResponse[];
}

/** What a trigger would do; nothing was stored. */
export class PlanResponse {
  @ApiProperty({ example: true, description: 'False: the YAML has errors, and all else is null.' })
  valid!: boolean;

  @ApiProperty({ type: [ProblemResponse], example: [] })
  problems!: readonly Problem[];

  @ApiProperty({ type: PlannedPipelineResponse, nullable: true })
  plan!: PlannedPipelineResponse | null;

  @ApiProperty({ type: TriggerDecisionResponse, nullable: true })
  decision!: TriggerDecisionResponse | null;

  @ApiProperty({ type: GraphResponse, nullable: true })
  graph!: GraphResponse | null;

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'flowchart LR\n  subgraph s0["greet"]\n    s0_0["say"]\n  end\n',
    description: 'The graph as text for Mermaid.',
  })
  mermaid!: string | null;
}

/**
 * @param triggerVariables names of the trigger's `environment`
 * @param mask takes credentials out of the texts of the plan
 */
export function planResponse(
  run: DryRun,
  triggerVariables: readonly string[],
  mask: (text: string) => string,
  workerMaxParallelSteps: number,
): PlanResponse {
  if (run.kind === 'invalid') {
    const nothing = { plan: null, decision: null, graph: null, mermaid: null };
    return { valid: false, problems: run.problems, ...nothing };
  }
  const { problems, decision, graph, mermaid } = run;
  const plan = plannedPipeline(run, triggerVariables, mask, workerMaxParallelSteps);
  return { valid: true, problems, plan, decision, graph, mermaid };
}

function plannedPipeline(
  run: Extract<DryRun, { kind: 'valid' }>,
  triggerVariables: readonly string[],
  mask: (text: string) => string,
  workerMaxParallelSteps: number,
): PlannedPipelineResponse {
  const { plan, preview } = run;
  const hooks = (steps: readonly StepPlan[], shown: readonly NodePreview[]) =>
    steps.map((step, index) => plannedStep(step, shown[index], mask));
  return {
    name: plan.name,
    description: plan.description ?? null,
    plan_hash: run.planHash,
    repository: run.repository && plannedRepository(run.repository),
    timeout: plan.timeoutMs / 1000,
    retry_count: plan.retryCount,
    resume: plan.resume ?? false,
    runs_on: plan.runsOn,
    worker_max_parallel_steps: workerMaxParallelSteps,
    environment: [...new Set([...names(plan.environment), ...triggerVariables])],
    secrets: plan.secrets ?? [],
    inputs: run.inputs,
    stages: plan.stages.map((stage, index) => plannedStage(stage, preview.stages[index], mask)),
    on_failure: hooks(plan.onFailure, preview.onFailure),
    always: hooks(plan.always, preview.always),
  };
}

function plannedStage(
  stage: StagePlan,
  shown: StagePreview | undefined,
  mask: (text: string) => string,
): PlannedStageResponse {
  return {
    ...plannedNode(stage, shown, mask),
    max_parallel: stage.maxParallel,
    steps: stage.steps.map((step, index) => plannedStep(step, shown?.steps[index], mask)),
  };
}

function plannedStep(
  step: StepPlan,
  shown: NodePreview | undefined,
  mask: (text: string) => string,
): PlannedStepResponse {
  const view = kindOf(step.action).view(step.action);
  return {
    ...plannedNode(step, shown, mask),
    kind: step.action.kind,
    summary: mask(view.summary),
    commands: (view.commands ?? []).map(mask),
    repository: view.repository ? plannedRepository(view.repository) : null,
    working_directory: view.directory ?? null,
    continue_on_error: step.continueOnError,
    retry: plannedRetry(step.retry),
    outputs: step.outputs,
  };
}

function plannedNode(
  node: StagePlan | StepPlan,
  shown: NodePreview | undefined,
  mask: (text: string) => string,
): PlannedNodeResponse {
  if (!shown) throw new Error(`no preview of ${node.name}`);
  const notAsked =
    node.when === undefined ? null : { expression: mask(node.when), result: null, parts: [] };
  return {
    name: node.name,
    verdict: shown.verdict,
    reason: shown.reason,
    when: shown.trace ?? notAsked,
    needs: node.needs,
    explicit_needs: node.explicitNeeds,
    environment: names(node.environment),
    secrets: node.secrets ?? [],
    timeout: node.timeoutMs === undefined ? null : node.timeoutMs / 1000,
  };
}

function plannedRepository({
  url,
  branch,
  tag,
  commit,
  depth = 1,
  tags = depth === 0,
  submodules = false,
  lfs = true,
}: RepositoryPlan): PlannedRepositoryResponse {
  return {
    url: sayUrl(url),
    branch: branch ?? null,
    tag: tag ?? null,
    commit: commit ?? null,
    depth,
    tags,
    submodules: submodules === true ? 'direct' : submodules || 'none',
    lfs,
  };
}

function plannedRetry({ max, on, backoff }: RetryPlan): PlannedRetryResponse {
  return {
    max,
    on: on.map((each) => (typeof each === 'string' ? each : { exit_code: each.exitCodes })),
    backoff_initial_ms: backoff.initialMs,
    backoff_factor: backoff.factor,
    backoff_max_ms: backoff.maxMs,
  };
}

function names(environment: Environment): string[] {
  return Object.keys(environment);
}
