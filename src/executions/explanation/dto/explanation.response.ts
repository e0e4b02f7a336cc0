import { ApiExtraModels, ApiProperty, getSchemaPath } from '@nestjs/swagger';
import { anyValue } from '../../../common/http/api-documentation.js';
import type { WhenTrace } from '../../../engine/plan/run-state.js';
import { RUN_STATUSES } from '../../../engine/plan/run-status.js';
import {
  CacheFactsResponse,
  DeploymentFactsResponse,
  PlacementResponse,
  ReasonResponse,
} from '../../record/dto/execution.response.js';
import type { StoredReason } from '../../record/stored-state.js';

export class WhenPartResponse {
  @ApiProperty({ example: 'trigger.branch' })
  text!: string;

  @ApiProperty({ ...anyValue, example: 'main' })
  value!: unknown;
}

export class WhenResponse {
  @ApiProperty({ example: "trigger.branch == 'main'" })
  expression!: string;

  @ApiProperty()
  result!: boolean;

  @ApiProperty({ type: [WhenPartResponse] })
  parts!: WhenTrace['parts'];
}

/** Why a stage or step is as it is. */
class ExplainedResponse {
  @ApiProperty({ example: 'unit' })
  name!: string;

  @ApiProperty({ enum: RUN_STATUSES })
  status!: string;

  @ApiProperty({ type: ReasonResponse, nullable: true })
  reason!: StoredReason | null;

  @ApiProperty({ type: WhenResponse, nullable: true })
  when!: WhenTrace | null;
}

@ApiExtraModels(ReasonResponse)
export class ExplainedStepResponse extends ExplainedResponse {
  @ApiProperty({
    type: 'array',
    items: { nullable: true, allOf: [{ $ref: getSchemaPath(ReasonResponse) }] },
    description: 'Why each attempt ended, oldest first; null where it succeeded.',
  })
  attempts!: (StoredReason | null)[];

  @ApiProperty({
    type: [CacheFactsResponse],
    description: 'Why the caches of its last attempt were found and saved, or not.',
  })
  caches!: readonly CacheFactsResponse[];

  @ApiProperty({
    type: [DeploymentFactsResponse],
    description: 'What its attempts put into service; /api/deployments/:id/explain says why.',
  })
  deployments!: readonly DeploymentFactsResponse[];
}

export class ExplainedStageResponse extends ExplainedResponse {
  @ApiProperty({ type: [ExplainedStepResponse] })
  steps!: ExplainedStepResponse[];
}

export class QueueResponse {
  @ApiProperty({ example: [], type: [String], description: 'Labels that its worker must offer.' })
  labels!: readonly string[];

  @ApiProperty({ example: 3, description: 'Its place in the queue, from 1.' })
  position!: number;

  @ApiProperty({
    example: 2,
    description: 'Executions of the same queue that were accepted before.',
  })
  ahead!: number;

  @ApiProperty({ example: 1, description: 'Live workers that offer the labels.' })
  workers!: number;

  @ApiProperty({ example: 8, description: 'Slots of those that take executions now.' })
  slots!: number;

  @ApiProperty({
    example: 1,
    description: 'Slots that are free on them, as of their last heartbeat.',
  })
  free_slots!: number;

  @ApiProperty({
    type: Number,
    nullable: true,
    example: 42_000,
    description:
      'Milliseconds until it may start, guessed from its place, the slots and how long executions took lately; null: nothing to tell from.',
  })
  wait_ms!: number | null;

  @ApiProperty({
    type: [ReasonResponse],
    description: 'What it waits for, what matters most first; empty: only for its turn.',
  })
  waits_for!: StoredReason[];

  @ApiProperty({
    type: [ReasonResponse],
    description: 'Why workers that offer the labels take nothing.',
  })
  refusals!: StoredReason[];
}

export class EstimateResponse {
  @ApiProperty({ example: 61_000, description: 'Median of the last successes, milliseconds.' })
  duration_ms!: number;

  @ApiProperty({ example: 20_000, description: 'Milliseconds since the start; 0 before it.' })
  elapsed_ms!: number;

  @ApiProperty({ example: 41_000, description: '0: it takes longer than usual.' })
  remaining_ms!: number;

  @ApiProperty({ example: 20, description: 'Successful executions behind it; at most 20.' })
  based_on!: number;
}

export class PathPartResponse {
  @ApiProperty({ example: 'test', description: 'Empty: the checkout.' })
  stage!: string;

  @ApiProperty({ example: 'unit' })
  step!: string;

  @ApiProperty({ example: 12, description: 'Milliseconds behind the end of what it needed.' })
  waited_ms!: number;

  @ApiProperty({ example: 41_200 })
  duration_ms!: number;
}

export class ExplanationResponse {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ enum: RUN_STATUSES })
  status!: string;

  @ApiProperty({ type: ReasonResponse, nullable: true })
  reason!: StoredReason | null;

  @ApiProperty({ example: 'manual, by token' })
  trigger!: string;

  @ApiProperty({ type: QueueResponse, nullable: true, description: 'While it is pending.' })
  queue!: QueueResponse | null;

  @ApiProperty({
    type: EstimateResponse,
    nullable: true,
    description: 'While it is not over, where the pipeline has succeeded before.',
  })
  estimate!: EstimateResponse | null;

  @ApiProperty({
    type: [PathPartResponse],
    description:
      'The steps that decided when it was over (or how far it is now), first one first: to shorten another would have changed nothing.',
  })
  critical_path!: PathPartResponse[];

  @ApiProperty({ type: [PlacementResponse] })
  placements!: PlacementResponse[];

  @ApiProperty({ type: ExplainedStepResponse, nullable: true })
  checkout!: ExplainedStepResponse | null;

  @ApiProperty({ type: [ExplainedStageResponse] })
  stages!: ExplainedStageResponse[];

  @ApiProperty({ type: [ExplainedStepResponse] })
  on_failure!: ExplainedStepResponse[];

  @ApiProperty({ type: [ExplainedStepResponse] })
  always!: ExplainedStepResponse[];
}
