import { ApiProperty } from '@nestjs/swagger';
import type { Problem } from '../../../engine/yaml/problem.js';
import type { PipelineVersionDocument } from '../../versions/pipeline-version.schema.js';
import type { VersionSummary } from '../../versions/pipeline-versions.repository.js';
import type { Shown } from '../shown-definition.js';
import { ProblemResponse } from './pipeline.response.js';
import { EXAMPLE_YAML } from './yaml-content.dto.js';

/** A version in a list. */
export class VersionSummaryResponse {
  @ApiProperty({ example: 1 })
  version!: number;

  @ApiProperty({ example: 'hello' })
  name!: string;

  @ApiProperty({ description: 'Versions and executions with the same hash do the same.' })
  plan_hash!: string;

  @ApiProperty({ example: 'token', description: 'Who made it.' })
  created_by!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  created_at!: Date;
}

/** A whole version. */
export class VersionResponse extends VersionSummaryResponse {
  @ApiProperty({ example: EXAMPLE_YAML })
  yaml_content!: string;

  @ApiProperty({ type: [ProblemResponse], example: [] })
  warnings!: readonly Problem[];

  @ApiProperty({
    example: false,
    description: 'True: credentials are `***` here; only who has `pipelines:write` reads them.',
  })
  credentials_masked!: boolean;
}

export function versionSummary(version: VersionSummary): VersionSummaryResponse {
  return {
    version: version.number,
    name: version.name,
    plan_hash: version.plan_hash,
    created_by: version.created_by,
    created_at: version.created_at,
  };
}

export function versionResponse(version: Shown<PipelineVersionDocument>): VersionResponse {
  return {
    ...versionSummary(version),
    yaml_content: version.yaml_content,
    warnings: version.warnings,
    credentials_masked: version.credentials_masked,
  };
}
