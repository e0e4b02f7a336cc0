import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsObject, IsString, IsUUID, MinLength, ValidateNested } from 'class-validator';
import { MayBeAbsent } from '../../../common/http/may-be-absent.decorator.js';
import { OwnCharacters } from '../../../common/http/name-map.decorator.js';
import { PREVIEW_EVENTS } from '../../../engine/preview/preview-events.js';
import { EXAMPLE_YAML } from '../../definitions/dto/yaml-content.dto.js';
import { TriggerDto } from '../../trigger-request/dto/trigger.dto.js';

/** The trigger that a dry run assumes. */
export class PlanTriggerDto extends TriggerDto {
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
