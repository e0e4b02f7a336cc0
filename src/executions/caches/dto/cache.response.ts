import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsUUID } from 'class-validator';
import { MayBeAbsent } from '../../../common/http/may-be-absent.decorator.js';
import { PageQuery } from '../../../common/http/paging.js';
import type { Cache } from '../cache.js';

export class CacheQuery extends PageQuery {
  @ApiPropertyOptional({ format: 'uuid', description: 'Only those of this pipeline.' })
  @MayBeAbsent()
  @IsUUID()
  pipeline_id?: string;
}

/** A saved cache. */
export class CacheResponse {
  @ApiProperty({ description: 'By which it is removed.' })
  id!: string;

  @ApiProperty({ format: 'uuid' })
  pipeline_id!: string;

  @ApiProperty({
    example: 'trusted',
    description: 'Who may read it: all runs, or those of one pull request of another repository.',
  })
  scope!: string;

  @ApiProperty({ example: 'npm-linux-x64-0123456789abcdef0123456789abcdef' })
  key!: string;

  @ApiProperty({ description: 'Bytes.' })
  size!: number;

  @ApiProperty({ format: 'uuid', description: 'The execution that saved it.' })
  execution_id!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  created_at!: Date;

  @ApiProperty({ type: String, format: 'date-time', description: 'Saved, or restored last.' })
  used_at!: Date;
}

export function cacheResponse(cache: Cache): CacheResponse {
  const { scope, key, size } = cache;
  return {
    id: cache.id.replace('/', '-'),
    pipeline_id: cache.pipelineId,
    ...{ scope, key, size },
    execution_id: cache.executionId,
    created_at: cache.createdAt,
    used_at: cache.usedAt,
  };
}
