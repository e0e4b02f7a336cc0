import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { Reason } from '../../../engine/plan/run-state.js';
import {
  type DecisionPart,
  PART_NAMES,
  PART_RESULTS,
} from '../../../engine/triggers/decision-part.js';

export class DecisionReasonResponse {
  @ApiProperty({ example: 'trigger_no_match' })
  code!: string;

  @ApiProperty({ example: 'no rule matches: the branch "dev" fits none of "main"' })
  message!: string;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  data?: Reason['data'];
}

export class DecisionPartResponse {
  @ApiProperty({ enum: PART_NAMES })
  part!: DecisionPart['part'];

  @ApiProperty({
    type: [String],
    example: ['main', 'release/**'],
    description: 'One of these fits; what has `!` before it is left out.',
  })
  expected!: readonly string[];

  @ApiProperty({
    type: [String],
    nullable: true,
    example: ['dev'],
    description: 'null: the event does not say it.',
  })
  actual!: readonly string[] | null;

  @ApiPropertyOptional({ description: 'How many more than `actual` names.' })
  more?: number;

  @ApiProperty({ enum: PART_RESULTS })
  result!: DecisionPart['result'];
}

export class RuleDecisionResponse {
  @ApiProperty({ example: 'push' })
  event!: string;

  @ApiProperty({
    type: Boolean,
    nullable: true,
    description: 'null: it depends on what the event did not say.',
  })
  matches!: boolean | null;

  @ApiProperty({ type: DecisionReasonResponse })
  reason!: DecisionReasonResponse;

  @ApiProperty({ type: [DecisionPartResponse], description: 'What the rule asks, in its order.' })
  parts!: readonly DecisionPart[];
}
