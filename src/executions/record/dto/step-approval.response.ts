import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  GivenApprovalResponse,
  NeededApprovalsResponse,
} from '../../../environments/dto/approval.response.js';
import { RUN_STATUSES } from '../../../engine/plan/run-status.js';

const date = { type: String, format: 'date-time' } as const;

export class StepInputResponse {
  @ApiProperty({ example: 'version' })
  name!: string;

  @ApiProperty({ oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] })
  value!: string | number | boolean;
}

export class GivenStepApprovalResponse extends GivenApprovalResponse {
  @ApiProperty({ type: [StepInputResponse] })
  inputs!: StepInputResponse[];
}

export class StepApproversResponse {
  @ApiProperty({ type: [String], description: 'Log-in names, or ids of accounts.' })
  users!: string[];

  @ApiProperty({ type: [String], example: ['admin'] })
  roles!: string[];
}

/** What whoever approves must say. */
export class AskedInputResponse {
  @ApiProperty({ example: 'version' })
  name!: string;

  @ApiProperty({ enum: ['string', 'number', 'boolean', 'choice'] })
  type!: string;

  @ApiPropertyOptional()
  description?: string;

  @ApiProperty({ type: [String], description: 'Of a choice.' })
  options!: readonly string[];

  @ApiPropertyOptional({ oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] })
  default?: string | number | boolean;

  @ApiProperty()
  required!: boolean;
}

/** What a try of a step asks of people. */
export class ApprovalFactsResponse {
  @ApiProperty({ example: 'Deploy 1.4.0?' })
  message!: string;

  @ApiPropertyOptional({ type: [String], example: ['admin'] })
  roles?: readonly string[];

  @ApiPropertyOptional({ type: [String], description: 'Log-in names, or ids of accounts.' })
  users?: readonly string[];

  @ApiProperty({ type: 'integer' })
  required!: number;

  @ApiPropertyOptional({ type: [AskedInputResponse] })
  inputs?: readonly AskedInputResponse[];

  @ApiProperty({ ...date, description: 'It waits from then on.' })
  asked!: string;

  @ApiProperty({ ...date, description: 'Then it fails (`approval_timeout`).' })
  until!: string;
}

/** What a step asks of people, and what they have said. */
export class StepApprovalResponse extends NeededApprovalsResponse {
  @ApiProperty({ example: 'release' })
  stage!: string;

  @ApiProperty({ example: 'ok' })
  step!: string;

  @ApiProperty({ type: 'integer', description: 'Try of the step.' })
  attempt!: number;

  @ApiProperty({ enum: RUN_STATUSES, description: 'Of the try; `waiting`: nothing is decided.' })
  status!: string;

  @ApiProperty({ example: 'Deploy 1.4.0?' })
  message!: string;

  @ApiProperty({ type: StepApproversResponse })
  approvers!: StepApproversResponse;

  @ApiProperty({ type: [AskedInputResponse] })
  inputs!: AskedInputResponse[];

  @ApiProperty({ ...date, description: 'It waits from then on.' })
  asked_at!: Date;

  @ApiProperty({ ...date, description: 'Then it fails (`approval_timeout`).' })
  until!: Date;

  @ApiProperty({ type: [GivenStepApprovalResponse], description: 'The first one first.' })
  given!: GivenStepApprovalResponse[];
}
