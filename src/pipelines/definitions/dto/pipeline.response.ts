import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { Problem } from '../../../engine/yaml/problem.js';
import { descriptionOf, isEnabled, type PipelineDocument } from '../pipeline.schema.js';
import type { PipelineSummary } from '../pipelines.repository.js';
import type { Shown } from '../shown-definition.js';
import { EXAMPLE_YAML } from './yaml-content.dto.js';

const EXAMPLE_ID = '01932f5e-7c3a-7b21-9c44-0d2f6f0a1b2c';

/** One problem of a pipeline's YAML. */
export class ProblemResponse {
  @ApiProperty({ example: 'stages[0].steps[0].comand' })
  path!: string;

  @ApiProperty({ example: 6, description: 'From 1.' })
  line!: number;

  @ApiProperty({ example: 9, description: 'From 1.' })
  column!: number;

  @ApiProperty({ enum: ['error', 'warning'], example: 'error' })
  severity!: string;

  @ApiProperty({ example: 'unknown_key' })
  code!: string;

  @ApiProperty({ example: '`comand` is not a key of a step' })
  message!: string;

  @ApiPropertyOptional({ example: 'Write `command`.' })
  suggestion?: string;
}

/** A pipeline in a list. */
export class PipelineSummaryResponse {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  id!: string;

  @ApiProperty({ example: 'hello' })
  name!: string;

  @ApiProperty({ type: String, nullable: true, example: null })
  description!: string | null;

  @ApiProperty({ example: true, description: 'False: nothing starts.' })
  enabled!: boolean;

  @ApiProperty({ example: 1, description: 'Number of the current version, from 1.' })
  version!: number;

  @ApiProperty({ type: String, format: 'date-time' })
  created_at!: Date;

  @ApiProperty({ type: String, format: 'date-time' })
  updated_at!: Date;
}

/** A pipeline that was just stored. */
export class SavedPipelineResponse extends PipelineSummaryResponse {
  @ApiProperty({
    type: [ProblemResponse],
    example: [],
    description: 'What is accepted but may not do what it seems to.',
  })
  warnings!: readonly Problem[];
}

/** A whole pipeline. */
export class PipelineResponse extends PipelineSummaryResponse {
  @ApiProperty({
    type: 'array',
    items: { type: 'object', additionalProperties: true },
    example: [],
  })
  triggers!: readonly unknown[];

  @ApiProperty({ type: 'array', items: { type: 'object', additionalProperties: true } })
  stages!: readonly unknown[];

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' }, example: {} })
  environment!: Readonly<Record<string, unknown>>;

  @ApiProperty({ example: 3600, description: 'Seconds.' })
  timeout!: number;

  @ApiProperty({ example: 0 })
  retry_count!: number;

  @ApiProperty({ example: EXAMPLE_YAML })
  yaml_content!: string;

  @ApiProperty({
    example: false,
    description: 'True: credentials are `***` here; only who has `pipelines:write` reads them.',
  })
  credentials_masked!: boolean;
}

export function pipelineSummary(pipeline: PipelineSummary): PipelineSummaryResponse {
  return {
    id: pipeline._id,
    name: pipeline.name,
    description: descriptionOf(pipeline),
    enabled: isEnabled(pipeline),
    version: pipeline.version,
    created_at: pipeline.created_at,
    updated_at: pipeline.updated_at,
  };
}

export function pipelineResponse(pipeline: Shown<PipelineDocument>): PipelineResponse {
  const { triggers, stages, environment, timeout, retry_count, yaml_content, credentials_masked } =
    pipeline;
  return {
    ...pipelineSummary(pipeline),
    triggers,
    stages,
    environment,
    timeout,
    retry_count,
    yaml_content,
    credentials_masked,
  };
}
