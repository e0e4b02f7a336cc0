import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, MaxLength } from 'class-validator';

export class BadgeQuery {
  @ApiPropertyOptional({ description: 'Only executions of this branch.', example: 'main' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  branch?: string;

  @ApiPropertyOptional({ description: 'Text on the left.', default: 'build', maxLength: 50 })
  @IsOptional()
  @IsString()
  @MaxLength(50)
  label?: string;
}
