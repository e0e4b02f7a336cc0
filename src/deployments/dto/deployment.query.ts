import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsString, IsUUID, MaxLength } from 'class-validator';
import { MayBeAbsent } from '../../common/http/may-be-absent.decorator.js';
import { PageQuery } from '../../common/http/paging.js';
import { DEPLOYMENT_STATUSES, type DeploymentStatus } from '../record/deployment.js';

export class DeploymentQuery extends PageQuery {
  @ApiPropertyOptional({ example: 'production' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(63)
  environment?: string;

  @ApiPropertyOptional({ example: 'shop' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(63)
  service?: string;

  @ApiPropertyOptional({ enum: DEPLOYMENT_STATUSES })
  @MayBeAbsent()
  @IsIn(DEPLOYMENT_STATUSES)
  status?: DeploymentStatus;

  @ApiPropertyOptional({ format: 'uuid' })
  @MayBeAbsent()
  @IsUUID()
  execution_id?: string;
}
