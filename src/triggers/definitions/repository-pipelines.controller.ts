import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '../../auth/policy/requires.decorator.js';
import { ApiErrors, ApiPage, EXAMPLE_ID } from '../../common/http/api-documentation.js';
import { type PageBody, pageBody, PageQuery, pageRequest } from '../../common/http/paging.js';
import { UuidPipe } from '../../common/http/uuid.pipe.js';
import { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import { RepositoriesService, noRepository } from '../../repositories/repositories.service.js';
import {
  repositoryPipelineResponse,
  RepositoryPipelineResponse,
} from './dto/repository-pipeline.response.js';

@ApiTags('repositories')
@ApiBearerAuth()
@Controller('repositories')
export class RepositoryPipelinesController {
  constructor(
    private readonly repositories: RepositoriesService,
    private readonly pipelines: PipelinesService,
  ) {}

  @Get(':id/pipelines')
  @Requires('repositories:read')
  @ApiOperation({ summary: 'Pipelines that are files of the repository, newest first' })
  @ApiPage(RepositoryPipelineResponse)
  @ApiErrors(400, 401, noRepository(EXAMPLE_ID), 503)
  async list(
    @Param('id', UuidPipe) id: string,
    @Query() query: PageQuery,
  ): Promise<PageBody<RepositoryPipelineResponse>> {
    await this.repositories.get(id);
    const page = await this.pipelines.listOfRepository(id, pageRequest(query));
    return pageBody({ ...page, items: page.items.map(repositoryPipelineResponse) });
  }
}
