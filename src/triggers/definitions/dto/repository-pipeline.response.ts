import { ApiProperty } from '@nestjs/swagger';
import {
  pipelineSummary,
  PipelineSummaryResponse,
} from '../../../pipelines/definitions/dto/pipeline.response.js';
import type { RepositoryPipeline } from '../../../pipelines/definitions/pipelines.repository.js';

/** A pipeline that is a file of a connected repository. */
export class RepositoryPipelineResponse extends PipelineSummaryResponse {
  @ApiProperty({ example: '.millrace.yml' })
  path!: string;

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'main',
    description:
      'The default branch that has the file; null: it was only seen on others, or is gone.',
  })
  branch!: string | null;
}

export function repositoryPipelineResponse(
  pipeline: RepositoryPipeline,
): RepositoryPipelineResponse {
  const { path, branch = null } = pipeline.source;
  return { ...pipelineSummary(pipeline), path, branch };
}
