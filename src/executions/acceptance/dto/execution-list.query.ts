import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsString, IsUUID, MaxLength } from 'class-validator';
import { MayBeAbsent } from '../../../common/http/may-be-absent.decorator.js';
import { PageQuery } from '../../../common/http/paging.js';
import type { RunStatus } from '../../../engine/plan/run-state.js';
import { RUN_STATUSES } from '../../../engine/plan/run-status.js';

export class ExecutionListQuery extends PageQuery {
  @ApiPropertyOptional({ format: 'uuid' })
  @MayBeAbsent()
  @IsUUID()
  pipeline_id?: string;

  @ApiPropertyOptional({ enum: RUN_STATUSES })
  @MayBeAbsent()
  @IsIn(RUN_STATUSES)
  status?: RunStatus;

  @ApiPropertyOptional({ description: 'Branch of the trigger.', example: 'main' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(255)
  branch?: string;
}
