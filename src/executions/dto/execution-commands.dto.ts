import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';

export class RerunDto {
  @ApiPropertyOptional({ enum: ['all'], default: 'all' })
  @IsOptional()
  @IsIn(['all'], { message: 'mode must be all: others are not built yet' })
  mode?: string;
}

export class CancelDto {
  @ApiPropertyOptional({ example: 'wrong branch' })
  @IsOptional()
  @IsString()
  @MaxLength(500)
  reason?: string;
}
