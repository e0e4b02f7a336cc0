import { ApiProperty } from '@nestjs/swagger';
import { RUN_STATUSES } from '../../engine/plan/run-status.js';
import type { WhenTrace } from '../../engine/plan/run-state.js';
import type { StoredReason } from '../stored-state.js';
import { PlacementResponse, ReasonResponse } from './execution.response.js';

export class WhenPartResponse {
  @ApiProperty({ example: 'trigger.branch' })
  text!: string;

  @ApiProperty({ example: 'main', nullable: true })
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

export class ExplainedStepResponse extends ExplainedResponse {
  @ApiProperty({ type: [ReasonResponse], description: 'Why each attempt ended, oldest first.' })
  attempts!: (StoredReason | null)[];
}

export class ExplainedStageResponse extends ExplainedResponse {
  @ApiProperty({ type: [ExplainedStepResponse] })
  steps!: ExplainedStepResponse[];
}

export class QueueResponse {
  @ApiProperty({ example: [], type: [String], description: 'Labels that its worker must offer.' })
  labels!: readonly string[];

  @ApiProperty({
    example: 2,
    description: 'Executions of the same queue that were accepted before.',
  })
  ahead!: number;

  @ApiProperty({ example: 1, description: 'Live workers that offer the labels.' })
  workers!: number;

  @ApiProperty({
    example: 1,
    description: 'Slots that are free on them, as of their last heartbeat.',
  })
  free_slots!: number;

  @ApiProperty({
    type: [ReasonResponse],
    description: 'Why workers that offer the labels take nothing.',
  })
  refusals!: StoredReason[];
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
