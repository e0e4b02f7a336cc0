import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsString, Matches, MaxLength } from 'class-validator';
import { MayBeAbsent } from '../../../common/http/may-be-absent.decorator.js';
import { NameMap } from '../../../common/http/name-map.decorator.js';
import type { NameRecord } from '../../../common/values/name-record.js';
import { ASKED_REF_NAME } from '../../../common/values/ref-name.js';

/** What a trigger by hand may say; a dry run takes the same. */
export class TriggerDto {
  @ApiPropertyOptional({ enum: ['manual', 'cli'], default: 'manual' })
  @MayBeAbsent()
  @IsIn(['manual', 'cli'])
  trigger_type?: string;

  @ApiPropertyOptional({ example: 'main', description: 'Branch to clone.' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(255)
  @Matches(ASKED_REF_NAME, { message: 'branch must be the name of a branch' })
  branch?: string;

  @ApiPropertyOptional({ example: 'v1.2.0', description: 'Tag to clone.' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(255)
  @Matches(ASKED_REF_NAME, { message: 'tag must be the name of a tag' })
  tag?: string;

  @ApiPropertyOptional({ description: 'Commit to clone: 7 to 40 hex digits.' })
  @MayBeAbsent()
  @Matches(/^[0-9a-f]{7,40}$/i, { message: 'commit_hash must be 7 to 40 hex digits' })
  commit_hash?: string;

  @ApiPropertyOptional({
    pattern: '^(https?|ssh):\\/\\/\\S+$',
    description: "Clone from here instead of the pipeline's repository.",
  })
  @MayBeAbsent()
  @IsString()
  @MaxLength(2000)
  repository?: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'string' },
    example: { GREETING: 'hello' },
    description: 'Variables that win over those of the pipeline.',
  })
  @MayBeAbsent()
  @NameMap()
  environment?: NameRecord<unknown>;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    example: {},
    description: "Values for the inputs of the pipeline's manual trigger.",
  })
  @MayBeAbsent()
  @NameMap()
  inputs?: NameRecord<unknown>;
}
