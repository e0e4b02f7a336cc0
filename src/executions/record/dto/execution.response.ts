import { waitedMs } from '../suspension.js';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { sayUrl } from '../../../common/values/repository-url.js';
import { STEP_PHASES } from '../../../engine/plan/run-state.js';
import { RUN_STATUSES } from '../../../engine/plan/run-status.js';
import { ApprovalFactsResponse, StepApprovalResponse } from './step-approval.response.js';
import type { ExecutionSummary } from '../execution-lists.repository.js';
import type { ExecutionRecord, Placement, TriggerInfo } from '../execution.schema.js';
import type {
  StoredCommit,
  StoredFailure,
  StoredReason,
  StoredStage,
  StoredStep,
} from '../stored-state.js';

const EXAMPLE_ID = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b';
const nullableDate = { type: String, format: 'date-time', nullable: true } as const;

export class AcceptedExecutionResponse {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  execution_id!: string;

  @ApiProperty({ example: 'Execution accepted and queued.' })
  message!: string;

  @ApiProperty({
    type: Number,
    nullable: true,
    example: 42,
    description: 'Counted for each pipeline; `shop#42` names the execution wherever its id does.',
  })
  number!: number | null;
}

export class ReasonResponse {
  @ApiProperty({ example: 'exit_code', description: 'Stable; docs/reasons.md explains each.' })
  code!: string;

  @ApiProperty({ example: 'the command ended with exit code 1' })
  message!: string;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  data?: Record<string, unknown>;
}

export class TriggerInfoResponse {
  @ApiProperty({ example: 'manual', description: 'Of a re-run as in its original.' })
  trigger_type!: string;

  @ApiProperty({ example: 'token', description: 'Of a re-run as in its original.' })
  triggered_by!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  timestamp!: Date;

  @ApiPropertyOptional({
    example: 'main',
    description:
      'As the trigger named it. After the checkout what was cloned, as `tag` and `commit_hash` are; none where only a tag or a commit was named.',
  })
  branch?: string;

  @ApiPropertyOptional()
  commit_hash?: string;

  @ApiPropertyOptional()
  tag?: string;

  @ApiPropertyOptional()
  repository?: string;

  @ApiPropertyOptional({ description: 'Of a re-run: the id of its original.' })
  rerun_of?: string;

  @ApiPropertyOptional({ example: 'token', description: 'Of a re-run: who asked for it.' })
  rerun_by?: string;
}

/** What execution, stage, step and attempt have in common. */
export class OutcomeResponse {
  @ApiProperty({ enum: RUN_STATUSES, example: 'success' })
  status!: string;

  @ApiProperty({ type: ReasonResponse, nullable: true })
  reason!: StoredReason | null;

  @ApiProperty(nullableDate)
  started_at!: Date | null;

  @ApiProperty(nullableDate)
  finished_at!: Date | null;

  @ApiProperty({ type: Number, nullable: true, description: 'Milliseconds.' })
  duration!: number | null;
}

export class PhaseResponse {
  @ApiProperty({ enum: STEP_PHASES, example: 'command' })
  name!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  started_at!: Date;

  @ApiProperty(nullableDate)
  finished_at!: Date | null;

  @ApiProperty({ type: Number, nullable: true, description: 'Milliseconds.' })
  duration!: number | null;
}

/** What a container of a step was made of. */
export class ImageResponse {
  @ApiProperty({ example: 'node:22', description: 'As the pipeline names it.' })
  name!: string;

  @ApiProperty({
    example: 'sha256:…',
    description: 'That of the registry; of an image that came from none, its id.',
  })
  digest!: string;
}

/** Of one cache of a step. */
export class CacheFactsResponse {
  @ApiProperty({ example: 'npm', description: 'A tool, or the paths.' })
  name!: string;

  @ApiProperty({ type: ReasonResponse, description: 'Why it was found or not.' })
  restored!: StoredReason;

  @ApiPropertyOptional({
    type: ReasonResponse,
    description: 'Why it was saved or not; absent: it was not to be saved.',
  })
  saved?: StoredReason;
}

export class ArtifactFactsResponse {
  @ApiProperty({ example: 3 })
  files!: number;

  @ApiProperty({ example: 48_213 })
  bytes!: number;
}

export class TestCountsResponse {
  @ApiProperty()
  total!: number;

  @ApiProperty()
  passed!: number;

  @ApiProperty()
  failed!: number;

  @ApiProperty({ description: 'Cases that could not be tried.' })
  error!: number;

  @ApiProperty()
  skipped!: number;

  @ApiProperty({ description: 'Of all these: how many have failed and passed in this report.' })
  flaky!: number;
}

/** What a step puts into service. */
export class DeploymentFactsResponse {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID, description: 'See /api/deployments.' })
  id!: string;

  @ApiProperty({ example: 'production' })
  environment!: string;

  @ApiProperty({ example: 'shop' })
  service!: string;
}

export class AttemptResponse extends OutcomeResponse {
  @ApiProperty({ example: 1 })
  number!: number;

  @ApiProperty({ type: Number, nullable: true, example: 0 })
  exit_code!: number | null;

  @ApiProperty({ type: String, nullable: true })
  signal!: string | null;

  @ApiPropertyOptional({
    type: [PhaseResponse],
    description: 'Its parts, each with its time; absent where it is a command alone.',
  })
  phases?: PhaseResponse[];

  @ApiPropertyOptional({ type: ImageResponse, description: 'Absent: it ran in no container.' })
  image?: ImageResponse;

  @ApiPropertyOptional({ type: [CacheFactsResponse], description: 'Absent: it has none.' })
  caches?: CacheFactsResponse[];

  @ApiPropertyOptional({
    type: ArtifactFactsResponse,
    description: 'What it left under /artifacts; absent: nothing was to be kept.',
  })
  artifacts?: ArtifactFactsResponse;

  @ApiPropertyOptional({
    type: TestCountsResponse,
    description: 'What its reports say; the rest is under /reports. Absent: there are none.',
  })
  tests?: TestCountsResponse;

  @ApiPropertyOptional({
    type: DeploymentFactsResponse,
    description: 'What it puts into service; absent: it deploys nothing.',
  })
  deployment?: DeploymentFactsResponse;

  @ApiPropertyOptional({
    type: ApprovalFactsResponse,
    description: 'What it asks of people; absent: nothing. `approvals` says what they answered.',
  })
  approval?: ApprovalFactsResponse;
}

export class StepResponse extends OutcomeResponse {
  @ApiProperty({ example: 'greet' })
  name!: string;

  @ApiProperty({ type: Number, nullable: true, example: 0 })
  exit_code!: number | null;

  @ApiProperty({ description: 'Failed, but its stage continued.' })
  continued_on_error!: boolean;

  @ApiProperty({ description: 'Passed after at least one failed attempt.' })
  flaky!: boolean;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  outputs!: Record<string, string>;

  @ApiProperty({ type: [AttemptResponse] })
  attempts!: AttemptResponse[];
}

export class StageResponse extends OutcomeResponse {
  @ApiProperty({ example: 'build' })
  name!: string;

  @ApiPropertyOptional({
    type: Number,
    nullable: true,
    example: 1,
    description:
      'The execution attempt in which it began; an earlier one than the current was kept (`resume`).',
  })
  execution_attempt?: number | null;

  @ApiProperty({ type: [StepResponse] })
  steps!: StepResponse[];
}

export class FailureResponse {
  @ApiProperty({ example: 'test' })
  stage!: string;

  @ApiProperty({ example: 'unit' })
  step!: string;

  @ApiProperty({ type: Number, nullable: true, example: 1 })
  exit_code!: number | null;

  @ApiProperty({ type: ReasonResponse })
  reason!: StoredReason;

  @ApiProperty({
    type: [String],
    description: 'At most 20, of what it printed; of Millrace itself only where that is nothing.',
  })
  last_lines!: readonly string[];
}

export class CommitResponse {
  @ApiProperty()
  sha!: string;

  @ApiProperty()
  message!: string;

  @ApiProperty({ example: 'Ada <ada@example.org>' })
  author!: string;
}

/** One placement on a worker. */
export class PlacementResponse {
  @ApiProperty({ example: 1 })
  attempt!: number;

  @ApiProperty()
  worker_id!: string;

  @ApiProperty({ example: 'build-1-4711' })
  worker_name!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  claimed_at!: Date;

  @ApiProperty({ type: ReasonResponse, nullable: true })
  reason!: StoredReason | null;
}

export class ExecutionSummaryResponse extends OutcomeResponse {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  id!: string;

  @ApiProperty({ format: 'uuid' })
  pipeline_id!: string;

  @ApiProperty({ example: 'hello' })
  pipeline_name!: string;

  @ApiProperty({ example: 1 })
  pipeline_version!: number;

  @ApiProperty({
    type: Number,
    nullable: true,
    example: 42,
    description: 'Counted for each pipeline; null if an older version accepted it.',
  })
  number!: number | null;

  @ApiProperty({ type: TriggerInfoResponse })
  trigger_info!: TriggerInfo;

  @ApiProperty({ type: CommitResponse, nullable: true })
  commit!: StoredCommit | null;

  @ApiProperty({ example: 1, description: 'Execution attempts so far; 0 = no worker had it yet.' })
  attempt!: number;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  rerun_of!: string | null;

  @ApiProperty({ type: String, format: 'date-time' })
  created_at!: Date;

  @ApiProperty({ type: String, format: 'date-time' })
  updated_at!: Date;
}

export class ExecutionResponse extends ExecutionSummaryResponse {
  @ApiProperty({
    example: 0,
    description:
      'Milliseconds in which it was `waiting`: people were asked, and no worker had it. `duration` holds them.',
  })
  waited!: number;

  @ApiProperty({
    type: ReasonResponse,
    nullable: true,
    description:
      'While it is pending: why no worker takes it now (`no_worker`, `workers_refuse`, `slots_busy`); null: it waits for its turn alone. `explain` says more. While it is `waiting`: whom it waits for, and until when.',
  })
  waits_for!: StoredReason | null;

  @ApiProperty({
    type: StepResponse,
    nullable: true,
    description: "Clone of the pipeline's repository.",
  })
  checkout!: StoredStep | null;

  @ApiProperty({ type: [StageResponse] })
  stages!: readonly StoredStage[];

  @ApiProperty({ type: [StepResponse] })
  on_failure!: readonly StoredStep[];

  @ApiProperty({ type: [StepResponse] })
  always!: readonly StoredStep[];

  @ApiProperty({ type: FailureResponse, nullable: true, description: 'The first failure.' })
  failure!: StoredFailure | null;

  @ApiProperty({ type: 'object', additionalProperties: true })
  inputs!: Record<string, unknown>;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  environment!: Record<string, string>;

  @ApiProperty({ type: [String], description: 'The last 100 lines; the rest is under /logs.' })
  logs!: readonly string[];

  @ApiProperty({ type: [PlacementResponse] })
  placements!: PlacementResponse[];

  @ApiProperty({
    type: [StepApprovalResponse],
    description: 'Steps that ask people, or asked them, with what was said.',
  })
  approvals!: StepApprovalResponse[];
}

export function executionSummary(execution: ExecutionSummary): ExecutionSummaryResponse {
  return {
    id: execution._id,
    pipeline_id: execution.pipeline_id,
    pipeline_name: execution.pipeline_name,
    pipeline_version: execution.pipeline_version,
    number: execution.number ?? null,
    status: execution.status,
    reason: execution.reason,
    trigger_info: saidTrigger(execution.trigger_info),
    commit: execution.commit,
    attempt: execution.attempt,
    rerun_of: execution.rerun_of,
    started_at: execution.started_at,
    finished_at: execution.finished_at,
    duration: execution.duration,
    created_at: execution.created_at,
    updated_at: execution.updated_at,
  };
}

/** What was stored before may hold more of a URL than may be said. */
function saidTrigger(info: TriggerInfo): TriggerInfo {
  return info.repository === undefined ? info : { ...info, repository: sayUrl(info.repository) };
}

export function executionResponse(
  execution: ExecutionRecord,
  logs: readonly string[],
  waitsFor: StoredReason | null,
  approvals: StepApprovalResponse[] = [],
): ExecutionResponse {
  return {
    ...executionSummary(execution),
    waited: waitedMs(execution, new Date()),
    waits_for: waitsFor,
    checkout: execution.checkout,
    stages: execution.stages,
    on_failure: execution.on_failure,
    always: execution.always,
    failure: execution.failure,
    inputs: execution.inputs,
    environment: execution.environment,
    logs,
    placements: execution.placements.map(placementResponse),
    approvals,
  };
}

export function placementResponse(placement: Placement, index: number): PlacementResponse {
  const { worker_id, worker_name, claimed_at, reason } = placement;
  return { attempt: index + 1, worker_id, worker_name, claimed_at, reason: reason ?? null };
}
