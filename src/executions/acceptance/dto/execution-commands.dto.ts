import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsString, MaxLength } from 'class-validator';
import { MayBeAbsent } from '../../../common/http/may-be-absent.decorator.js';

export class RerunDto {
  @ApiPropertyOptional({ enum: ['all'], default: 'all' })
  @MayBeAbsent()
  @IsIn(['all'], { message: 'mode must be all: others are not built yet' })
  mode?: string;
}

export class CancelDto {
  @ApiPropertyOptional({ example: 'wrong branch' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(500)
  reason?: string;
}

export class CancelResponse {
  @ApiProperty({ example: 'Cancelled.' })
  message!: string;

  @ApiProperty({ format: 'uuid' })
  execution_id!: string;
}
