import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';
import { MayBeAbsent } from '../../../common/http/may-be-absent.decorator.js';

export class BadgeQuery {
  @ApiPropertyOptional({ description: 'Only executions of this branch.', example: 'main' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(255)
  branch?: string;

  @ApiPropertyOptional({ description: 'Text on the left.', default: 'build', maxLength: 50 })
  @MayBeAbsent()
  @IsString()
  @MaxLength(50)
  label?: string;
}
