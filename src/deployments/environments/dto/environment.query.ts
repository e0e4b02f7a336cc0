import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';

export class RemoveEnvironmentQuery {
  @ApiPropertyOptional({
    enum: ['true', 'false'],
    description: '`true`: also while something is deployed there, which stays, without rules.',
  })
  @IsOptional()
  @IsIn(['true', 'false'])
  keep_services?: 'true' | 'false';
}
