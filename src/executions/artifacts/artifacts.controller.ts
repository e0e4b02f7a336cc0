import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProduces,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { Requires } from '../../auth/policy/requires.decorator.js';
import { validationError, notFound } from '../../common/errors/millrace.error.js';
import { ApiErrors, ApiPage, EXAMPLE_ID } from '../../common/http/api-documentation.js';
import { type PageBody, pageBody, PageQuery, pageRequest } from '../../common/http/paging.js';
import type { MillraceRequest } from '../../common/http/request-context.js';
import { GlobError } from '../../common/values/globs/glob-error.js';
import { Globs } from '../../common/values/globs/globs.js';
import { ExecutionIdPipe } from '../record/execution-id.pipe.js';
import { ExecutionsRepository } from '../record/executions.repository.js';
import { askedRange, describeArtifact, sendAsFile, sendStream } from './artifact-download.js';
import { ArtifactReader } from './artifact-reader.js';
import { ArtifactArchiveQueryDto, ArtifactQueryDto } from './dto/artifact.query.js';
import { ArtifactResponse, artifactResponse } from './dto/artifact.response.js';

/** Of archives, too: generated clients know no other type that is bytes. */
const BYTES = 'application/octet-stream';

/** What the steps of an execution have left behind. */
@ApiTags('executions')
@ApiBearerAuth()
@Controller('ci/executions/:id')
export class ArtifactsController {
  constructor(
    private readonly artifacts: ArtifactReader,
    private readonly executions: ExecutionsRepository,
  ) {}

  @Get('artifacts')
  @Requires('executions:read')
  @ApiOperation({
    summary: 'Files that its steps have left behind',
    description:
      'In the order of their paths. The same path of several tries stands there for each.',
  })
  @ApiPage(ArtifactResponse)
  @ApiErrors(400, 401, notFound('execution', EXAMPLE_ID), 503)
  async list(
    @Param('id', ExecutionIdPipe) id: string,
    @Query() query: PageQuery,
  ): Promise<PageBody<ArtifactResponse>> {
    await this.executions.demand(id);
    const page = await this.artifacts.list(id, pageRequest(query));
    return pageBody({ ...page, items: page.items.map(artifactResponse) });
  }

  @Get('artifacts.tar.gz')
  @Requires('executions:read')
  @ApiOperation({
    summary: 'Several of these files in one archive',
    description: 'Of several of one path the last, as for a single file.',
  })
  @ApiProduces(BYTES)
  @ApiOkResponse({ schema: { type: 'string', format: 'binary' } })
  @ApiErrors(400, 401, notFound('execution', EXAMPLE_ID), 503)
  async archive(
    @Param('id', ExecutionIdPipe) id: string,
    @Query() { paths }: ArtifactArchiveQueryDto,
    @Res() response: Response,
  ): Promise<void> {
    const globs = paths === undefined ? undefined : globsOf(paths);
    await this.executions.demand(id);
    const stream = await this.artifacts.archive(id, globs);
    sendAsFile(response, `artifacts-${id}.tar.gz`, BYTES);
    await sendStream(response, stream);
  }

  @Get('artifacts/*path')
  @Requires('executions:read')
  @ApiOperation({
    summary: 'One of these files',
    description:
      'Of several of one path the one of the last attempt of the execution, there the one that was kept last. `ETag` and `Repr-Digest` are its SHA-256; `Range` is understood, and so is `If-Range` with the `ETag`.',
  })
  @ApiParam({ name: 'path', schema: { type: 'string' }, example: 'dist/app.js' })
  @ApiHeader({ name: 'Range', required: false, schema: { type: 'string' } })
  @ApiHeader({ name: 'If-Range', required: false, schema: { type: 'string' } })
  @ApiProduces(BYTES)
  @ApiOkResponse({ schema: { type: 'string', format: 'binary' } })
  @ApiResponse({
    status: 206,
    description: 'The range that was asked for.',
    schema: { type: 'string', format: 'binary' },
  })
  @ApiResponse({ status: 416, description: 'The file has no such bytes; no body.' })
  @ApiErrors(400, 401, notFound('execution', EXAMPLE_ID), notFound('artifact', 'dist/app.js'), 503)
  async download(
    @Param('id', ExecutionIdPipe) id: string,
    @Param('path') path: string | readonly string[],
    @Query() { execution_attempt: executionAttempt, ...choice }: ArtifactQueryDto,
    @Req() request: MillraceRequest,
    @Res() response: Response,
  ): Promise<void> {
    await this.executions.demand(id);
    const name = typeof path === 'string' ? path : path.join('/');
    const artifact = await this.artifacts.find(id, name, { ...choice, executionAttempt });
    const asked = askedRange(request, artifact);
    if (asked.kind === 'unsatisfiable') {
      describeArtifact(response, artifact, asked);
      response.end();
      return;
    }
    const stream = await this.artifacts.open(artifact, asked.range);
    describeArtifact(response, artifact, asked);
    await sendStream(response, stream);
  }
}

function globsOf(paths: readonly string[]): Globs {
  try {
    return new Globs(paths);
  } catch (error) {
    if (!(error instanceof GlobError)) throw error;
    throw validationError(error.message, {
      details: [{ path: 'paths', code: 'glob', message: error.message }],
      suggestions: ['Write patterns as in `artifacts`: dist/**'],
    });
  }
}
