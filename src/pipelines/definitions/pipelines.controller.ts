import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Param,
  Patch,
  Post,
  Put,
  Query,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiCreatedResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { Requires } from '../../auth/policy/requires.decorator.js';
import { CurrentPrincipal } from '../../auth/principals/current-principal.decorator.js';
import type { Principal } from '../../auth/principals/principal.js';
import { Audited, NotAudited, type AuditFacts } from '../../common/audit/audited.decorator.js';
import { changedValue } from '../../common/audit/changed.js';
import { validationError, notFound } from '../../common/errors/millrace.error.js';
import {
  ApiErrors,
  ApiList,
  ApiPage,
  EXAMPLE_ID,
  BodyExample,
} from '../../common/http/api-documentation.js';
import { Consumes } from '../../common/http/consumes.js';
import {
  PageQuery,
  listBody,
  pageBody,
  pageRequest,
  type ListBody,
  type PageBody,
} from '../../common/http/paging.js';
import type { MillraceRequest } from '../../common/http/request-context.js';
import { UuidPipe, notUuid } from '../../common/http/uuid.pipe.js';
import { Idempotent, Reserved } from '../../idempotency/idempotent.decorator.js';
import type { Reservation } from '../../idempotency/reservation.js';
import { CompileLimitGuard } from '../../integrations/rate-limit/compile-limit.guard.js';
import { ChangePipelineDto } from './dto/change-pipeline.dto.js';
import {
  PipelineResponse,
  PipelineSummaryResponse,
  SavedPipelineResponse,
  pipelineResponse,
  pipelineSummary,
} from './dto/pipeline.response.js';
import { ValidationResponse } from './dto/validation.response.js';
import {
  VersionResponse,
  VersionSummaryResponse,
  versionResponse,
  versionSummary,
} from './dto/version.response.js';
import {
  YamlContentDto,
  EXAMPLE_PROBLEMS,
  YamlBody,
  EXAMPLE_YAML,
} from './dto/yaml-content.dto.js';
import {
  PipelinesService,
  type SavedPipeline,
  changedSince,
  invalidPipeline,
  livesInRepository,
  noVersion,
} from './pipelines.service.js';
import { VersionNumberPipe } from './version-number.pipe.js';
import { parseIfMatch, versionTag } from './version-tag.js';
import { UPLOAD_FIELDS } from './yaml-upload.js';
import { UploadedYaml, YamlUploadInterceptor } from './yaml-upload.interceptor.js';
import { yamlTooLarge } from './yaml-source.js';

const IF_MATCH_DESCRIPTION =
  'The `ETag` that you saw last; 409 when the pipeline has changed since.';

const CREDENTIALS_DESCRIPTION =
  'Without the scope `pipelines:write` credentials in URLs are `***`; a comment before the YAML says so then.';

/** What the audit keeps of a pipeline that is stored. */
const KEPT_VERSION = {
  details: ({ answer }: AuditFacts) => ({ version: answer('version') }),
};

@ApiTags('pipelines')
@ApiBearerAuth()
@Controller('ci/pipelines')
export class PipelinesController {
  constructor(private readonly pipelines: PipelinesService) {}

  @Post()
  @Requires('pipelines:write')
  @YamlBody()
  @Audited('pipelines.create', 'pipeline', KEPT_VERSION)
  @UseGuards(CompileLimitGuard)
  @Idempotent()
  @BodyExample({ yaml_content: EXAMPLE_YAML })
  @ApiOperation({
    summary: 'Create a pipeline from YAML',
    description: 'Names need not be unique: a pipeline is known by its id.',
  })
  @ApiCreatedResponse({ type: SavedPipelineResponse })
  @ApiErrors(invalidPipeline(EXAMPLE_PROBLEMS), 401, 413, 415, yamlTooLarge(), 503)
  async create(
    @Body() body: YamlContentDto,
    @CurrentPrincipal() principal: Principal,
    @Reserved() reservation: Reservation,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SavedPipelineResponse> {
    return created(
      await this.pipelines.create(body.yaml_content, principal, reservation),
      response,
    );
  }

  @Post('upload')
  @Requires('pipelines:write')
  @Audited('pipelines.create', 'pipeline', KEPT_VERSION)
  @UseGuards(CompileLimitGuard)
  @Idempotent(YamlUploadInterceptor)
  @Consumes('multipart/form-data')
  @ApiOperation({
    summary: 'Create a pipeline from a YAML file',
    description: `One file, named .yaml or .yml, in one of the fields ${UPLOAD_FIELDS.join(', ')}.`,
  })
  @ApiBody({
    schema: {
      type: 'object',
      properties: { pipeline: { type: 'string', format: 'binary' } },
      required: ['pipeline'],
    },
  })
  @ApiCreatedResponse({ type: SavedPipelineResponse })
  @ApiErrors(invalidPipeline(EXAMPLE_PROBLEMS), 401, 413, 415, yamlTooLarge(), 503)
  async upload(
    @UploadedYaml() yaml: string,
    @CurrentPrincipal() principal: Principal,
    @Reserved() reservation: Reservation,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SavedPipelineResponse> {
    return created(await this.pipelines.create(yaml, principal, reservation), response);
  }

  @Post('validate')
  @Requires('pipelines:check')
  @YamlBody()
  @NotAudited('stores nothing')
  @UseGuards(CompileLimitGuard)
  @HttpCode(200)
  @BodyExample({ yaml_content: EXAMPLE_YAML })
  @ApiOperation({ summary: 'Check YAML: all problems at once, nothing is stored' })
  @ApiOkResponse({ type: ValidationResponse })
  @ApiErrors(400, 401, 413, 415, yamlTooLarge())
  async validate(@Body() body: YamlContentDto): Promise<ValidationResponse> {
    const result = await this.pipelines.validate(body.yaml_content);
    return {
      valid: result.kind === 'valid',
      name: result.kind === 'valid' ? result.definition.name : null,
      problems: result.problems,
    };
  }

  @Get()
  @Requires('pipelines:read')
  @ApiOperation({
    summary: 'List pipelines, newest first',
    description:
      'Without `limit` and `cursor` the answer is a bare array of the newest 50, with a `Link` header to the next page.',
  })
  @ApiList(PipelineSummaryResponse)
  @ApiErrors(400, 401, 503)
  async list(
    @Query() query: PageQuery,
    @Req() request: MillraceRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ListBody<PipelineSummaryResponse>> {
    const page = await this.pipelines.list(pageRequest(query));
    const items = page.items.map(pipelineSummary);
    return listBody({ ...page, items }, query, request, response);
  }

  @Get(':id')
  @Requires('pipelines:read')
  @ApiOperation({
    summary: 'Read a pipeline; `ETag` tells its state',
    description: CREDENTIALS_DESCRIPTION,
  })
  @ApiOkResponse({ type: PipelineResponse })
  @ApiErrors(400, 401, notFound('pipeline', EXAMPLE_ID), 503)
  async get(
    @Param('id', UuidPipe) id: string,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) response: Response,
  ): Promise<PipelineResponse> {
    const pipeline = await this.pipelines.showPipeline(id, principal);
    response.setHeader('ETag', versionTag(pipeline));
    return pipelineResponse(pipeline);
  }

  @Get(':id/yaml')
  @Requires('pipelines:read')
  @ApiOperation({
    summary: 'The very text that was stored',
    description: CREDENTIALS_DESCRIPTION,
  })
  @ApiProduces('text/yaml')
  // No type: what reads YAML sees the pipeline in it, not a text.
  @ApiOkResponse({ schema: { description: 'The pipeline.' } })
  @ApiErrors(400, 401, notFound('pipeline', EXAMPLE_ID), 503)
  async yaml(
    @Param('id', UuidPipe) id: string,
    @CurrentPrincipal() principal: Principal,
    @Res() response: Response,
  ): Promise<void> {
    const pipeline = await this.pipelines.showPipeline(id, principal);
    // Not by a decorator: the answer may be an error, which is JSON.
    response.setHeader('Content-Type', 'text/yaml; charset=utf-8');
    response.setHeader('ETag', versionTag(pipeline));
    response.end(Buffer.from(pipeline.yaml_content, 'utf8'));
  }

  @Put(':id')
  @Requires('pipelines:write')
  @YamlBody()
  @Audited('pipelines.replace', 'pipeline', KEPT_VERSION)
  @UseGuards(CompileLimitGuard)
  @BodyExample({ yaml_content: EXAMPLE_YAML })
  @ApiOperation({
    summary: 'Replace the YAML: makes a new version',
    description: 'The name comes from the YAML. The same text again makes no new version.',
  })
  @ApiHeader({
    name: 'If-Match',
    required: false,
    description: IF_MATCH_DESCRIPTION,
  })
  @ApiOkResponse({ type: SavedPipelineResponse })
  @ApiErrors(
    notUuid('id'),
    invalidPipeline(EXAMPLE_PROBLEMS),
    401,
    notFound('pipeline', EXAMPLE_ID),
    changedSince(4, '"4"', '"3"'),
    livesInRepository({ path: '.millrace/shop.yaml' }),
    413,
    415,
    yamlTooLarge(),
    503,
  )
  async replace(
    @Param('id', UuidPipe) id: string,
    @Body() body: YamlContentDto,
    @CurrentPrincipal() principal: Principal,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SavedPipelineResponse> {
    const expected = parseIfMatch(ifMatch);
    const replaced = await this.pipelines.replace(id, body.yaml_content, principal, expected);
    const saved = changedValue(replaced, response);
    response.setHeader('ETag', versionTag(saved.pipeline));
    return savedResponse(saved);
  }

  @Patch(':id')
  @Requires('pipelines:write')
  @Audited('pipelines.change', 'pipeline', {
    details: ({ body }) => ({ enabled: body('enabled') }),
  })
  @BodyExample({ description: 'Nightly build of the shop' })
  @ApiOperation({
    summary: 'Enable, disable or describe a pipeline; makes no version',
    description:
      'A disabled pipeline refuses triggers and re-runs (409); what was accepted before continues. At least one property.',
  })
  @ApiHeader({ name: 'If-Match', required: false, description: IF_MATCH_DESCRIPTION })
  @ApiOkResponse({ type: PipelineSummaryResponse })
  @ApiErrors(
    400,
    401,
    notFound('pipeline', EXAMPLE_ID),
    changedSince(4, '"4"', '"3"'),
    413,
    415,
    503,
  )
  async change(
    @Param('id', UuidPipe) id: string,
    @Body() body: ChangePipelineDto,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) response: Response,
  ): Promise<PipelineSummaryResponse> {
    if (body.description === undefined && body.enabled === undefined) throw nothingToChange();
    const changed = await this.pipelines.change(id, body, parseIfMatch(ifMatch));
    const pipeline = changedValue(changed, response);
    response.setHeader('ETag', versionTag(pipeline));
    return pipelineSummary(pipeline);
  }

  @Delete(':id')
  @Requires('pipelines:delete')
  @Audited('pipelines.delete', 'pipeline')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a pipeline; its executions stay readable' })
  @ApiNoContentResponse()
  @ApiErrors(400, 401, notFound('pipeline', EXAMPLE_ID), 503)
  async delete(@Param('id', UuidPipe) id: string): Promise<void> {
    await this.pipelines.delete(id);
  }

  @Get(':id/versions')
  @Requires('pipelines:read')
  @ApiOperation({ summary: 'List the versions of a pipeline, newest first' })
  @ApiPage(VersionSummaryResponse)
  @ApiErrors(400, 401, notFound('pipeline', EXAMPLE_ID), 503)
  async versions(
    @Param('id', UuidPipe) id: string,
    @Query() query: PageQuery,
  ): Promise<PageBody<VersionSummaryResponse>> {
    const page = await this.pipelines.listVersions(id, pageRequest(query));
    return pageBody({ ...page, items: page.items.map(versionSummary) });
  }

  @Get(':id/versions/:version')
  @Requires('pipelines:read')
  @ApiOperation({ summary: 'Read one version', description: CREDENTIALS_DESCRIPTION })
  @ApiOkResponse({ type: VersionResponse })
  @ApiErrors(400, 401, noVersion(EXAMPLE_ID, 7, 3), notFound('pipeline', EXAMPLE_ID), 503)
  async version(
    @Param('id', UuidPipe) id: string,
    @Param('version', VersionNumberPipe) number: number,
    @CurrentPrincipal() principal: Principal,
  ): Promise<VersionResponse> {
    return versionResponse(await this.pipelines.showVersion(id, number, principal));
  }
}

function created(saved: SavedPipeline, response: Response): SavedPipelineResponse {
  response.setHeader('Location', `/api/ci/pipelines/${saved.pipeline._id}`);
  response.setHeader('ETag', versionTag(saved.pipeline));
  return savedResponse(saved);
}

function savedResponse(saved: SavedPipeline): SavedPipelineResponse {
  return { ...pipelineSummary(saved.pipeline), warnings: saved.warnings };
}

function nothingToChange(): Error {
  return validationError('The body changes nothing.', {
    suggestions: ['Send `description`, `enabled`, or both.'],
  });
}
