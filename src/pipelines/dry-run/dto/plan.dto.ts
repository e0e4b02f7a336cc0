import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsString,
  IsUUID,
  Matches,
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { MayBeAbsent } from '../../../common/http/may-be-absent.decorator.js';
import { OwnCharacters } from '../../../common/http/name-map.decorator.js';
import { ASKED_REF_NAME } from '../../../common/values/ref-name.js';
import { PREVIEW_EVENTS } from '../../../engine/preview/preview-events.js';
import { EXAMPLE_YAML } from '../../definitions/dto/yaml-content.dto.js';
import { TriggerDto } from '../../trigger-request/dto/trigger.dto.js';

const ACTION = /^[a-z_]{1,40}$/;

/** What a dry run assumes of a pull request. */
export class PlanPullRequestDto {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, example: 7 })
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  number?: number;

  @ApiPropertyOptional({
    example: 'synchronize',
    pattern: ACTION.source,
    description: 'What happened to it; absent: what the rule asks for.',
  })
  @MayBeAbsent()
  @Matches(ACTION, { message: 'action must be a word such as opened' })
  action?: string;

  @ApiPropertyOptional({ maxLength: 1000, description: 'A skip mark in it counts.' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(1000)
  title?: string;

  @ApiPropertyOptional({ example: 'main', description: 'Where it is to be merged into.' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(255)
  @Matches(ASKED_REF_NAME, { message: 'base_branch must be the name of a branch' })
  base_branch?: string;

  @ApiPropertyOptional({ example: 'fix', description: 'Where it comes from.' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(255)
  @Matches(ASKED_REF_NAME, { message: 'head_branch must be the name of a branch' })
  head_branch?: string;

  @ApiPropertyOptional()
  @MayBeAbsent()
  @IsBoolean()
  draft?: boolean;

  @ApiPropertyOptional({
    description: 'From another repository, of a connection with `forks: approval`.',
  })
  @MayBeAbsent()
  @IsBoolean()
  fork?: boolean;
}

/** The trigger that a dry run assumes. */
export class PlanTriggerDto extends TriggerDto {
  @ApiPropertyOptional({
    maxLength: 10_000,
    description: 'Of the head commit of a push: a skip mark in its first line counts.',
  })
  @MayBeAbsent()
  @IsString()
  @MaxLength(10_000)
  message?: string;

  @ApiPropertyOptional({
    type: [String],
    maxItems: 5_000,
    example: ['src/a.ts'],
    description: 'Files that were changed; absent: a rule for `paths` is unsure.',
  })
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(5_000)
  @IsString({ each: true })
  @MaxLength(4_096, { each: true })
  changed_paths?: string[];

  @ApiPropertyOptional({ type: PlanPullRequestDto, description: 'For `event: pull_request`.' })
  @MayBeAbsent()
  @IsObject()
  @ValidateNested()
  @Type(() => PlanPullRequestDto)
  pull_request?: PlanPullRequestDto;

  @ApiPropertyOptional({
    enum: PREVIEW_EVENTS,
    default: 'manual',
    description: 'What happens; wins over `trigger_type`.',
  })
  @MayBeAbsent()
  @IsIn([...PREVIEW_EVENTS])
  event?: string;
}

/** Body of the dry run: exactly one of `yaml_content` and `pipeline_id`. */
export class PlanDto {
  @ApiPropertyOptional({ description: 'A pipeline as YAML, at most 1 MiB.', example: EXAMPLE_YAML })
  @MayBeAbsent()
  @IsString()
  @MinLength(1)
  @OwnCharacters()
  yaml_content?: string;

  @ApiPropertyOptional({ format: 'uuid', description: 'A stored pipeline: its current version.' })
  @MayBeAbsent()
  @IsUUID()
  pipeline_id?: string;

  @ApiPropertyOptional({ type: PlanTriggerDto })
  @MayBeAbsent()
  @IsObject()
  @ValidateNested()
  @Type(() => PlanTriggerDto)
  trigger?: PlanTriggerDto;
}
