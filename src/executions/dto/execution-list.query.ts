import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, IsUUID, MaxLength } from 'class-validator';
import { PageQuery } from '../../common/http/paging.js';
import type { RunStatus } from '../../engine/plan/run-state.js';
import { RUN_STATUSES } from '../../engine/plan/run-status.js';

export class ExecutionListQuery extends PageQuery {
  @ApiPropertyOptional({ format: 'uuid' })
  @IsOptional()
  @IsUUID()
  pipeline_id?: string;

  @ApiPropertyOptional({ enum: RUN_STATUSES })
  @IsOptional()
  @IsIn(RUN_STATUSES)
  status?: RunStatus;

  @ApiPropertyOptional({ description: 'Branch of the trigger.', example: 'main' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  branch?: string;
}
