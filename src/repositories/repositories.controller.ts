import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Patch,
  Post,
  Query,
  Res,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { Requires } from '../auth/policy/requires.decorator.js';
import { CurrentPrincipal } from '../auth/principals/current-principal.decorator.js';
import type { Principal } from '../auth/principals/principal.js';
import { Audited, NotAudited, type AuditFacts } from '../common/audit/audited.decorator.js';
import { changedValue } from '../common/audit/changed.js';
import { ApiErrors, ApiPage, EXAMPLE_ID, BodyExample } from '../common/http/api-documentation.js';
import { type PageBody, pageBody, PageQuery, pageRequest } from '../common/http/paging.js';
import { UuidPipe } from '../common/http/uuid.pipe.js';
import { ChangeRepositoryDto, ConnectRepositoryDto } from './dto/connect-repository.dto.js';
import {
  CheckedRepositoryResponse,
  checkedResponse,
  connectedResponse,
  ConnectedRepositoryResponse,
  repositoryResponse,
  RepositoryResponse,
} from './dto/repository.response.js';
import {
  RepositoriesService,
  forgeRefusal,
  noRepository,
  secretJustChanged,
} from './repositories.service.js';
import type { RepositorySettings } from './repository.schema.js';
import { ForgeError } from '../integrations/forge/forge.js';

/** As text, since the audit keeps no list. */
const protectedTags = ({ answer }: AuditFacts): string | undefined => {
  const tags = answer('protected_tags');
  return Array.isArray(tags) ? tags.join(' ') : undefined;
};

const NAMED = { name: ({ answer }: AuditFacts) => answer('full_name') };

/** What a forge answers most often, for examples. */
const NO_ACCESS = new ForgeError('not_found', 'The forge knows no such thing, or hides it.');
const FORGE_AWAY = new ForgeError('unreachable', 'The forge has answered 502.');

@ApiTags('repositories')
@ApiBearerAuth()
@Controller('repositories')
export class RepositoriesController {
  constructor(private readonly repositories: RepositoriesService) {}

  @Post()
  @Requires('repositories:connect')
  @Audited('repositories.connect', 'repository', {
    ...NAMED,
    details: (facts) => ({ protected_tags: protectedTags(facts) }),
  })
  @BodyExample({ url: 'https://github.com/acme/shop' })
  @ApiOperation({
    summary: 'Connect a repository',
    description:
      'With a token that may administer it, Millrace makes the webhook there; else the answer says what to paste. Connecting again brings the one connection up to date.',
  })
  @ApiCreatedResponse({ type: ConnectedRepositoryResponse })
  @ApiErrors(
    400,
    401,
    413,
    415,
    forgeRefusal(NO_ACCESS, false),
    forgeRefusal(FORGE_AWAY, false),
    503,
  )
  async connect(
    @Body() body: ConnectRepositoryDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ConnectedRepositoryResponse> {
    const { url, forge, api_url: apiUrl, token, remote_id: remoteId, ...rest } = body;
    const request = { url, forge, apiUrl, token, remoteId, settings: namedSettings(rest) };
    return connectedResponse(await this.repositories.connect(request, principal.id));
  }

  @Get()
  @Requires('repositories:read')
  @ApiOperation({ summary: 'Connected repositories' })
  @ApiPage(RepositoryResponse)
  @ApiErrors(400, 401, 503)
  async list(@Query() query: PageQuery): Promise<PageBody<RepositoryResponse>> {
    const page = await this.repositories.list(pageRequest(query));
    return pageBody({ ...page, items: page.items.map(repositoryResponse) });
  }

  @Get(':id')
  @Requires('repositories:read')
  @ApiOperation({ summary: 'A connected repository' })
  @ApiOkResponse({ type: RepositoryResponse })
  @ApiErrors(400, 401, noRepository(EXAMPLE_ID), 503)
  async get(@Param('id', UuidPipe) id: string): Promise<RepositoryResponse> {
    return repositoryResponse(await this.repositories.get(id));
  }

  @Patch(':id')
  @Requires('repositories:connect')
  @Audited('repositories.change', 'repository', {
    ...NAMED,
    details: (facts) => ({
      forks: facts.body('forks'),
      fork_approvers: facts.body('fork_approvers'),
      report_skipped: facts.body('report_skipped'),
      protected_tags: protectedTags(facts),
    }),
  })
  @BodyExample({ forks: 'approval' })
  @ApiOperation({ summary: 'Change the settings of a connection; what is not named stays' })
  @ApiOkResponse({ type: RepositoryResponse })
  @ApiErrors(400, 401, noRepository(EXAMPLE_ID), 413, 415, 503)
  async change(
    @Param('id', UuidPipe) id: string,
    @Body() body: ChangeRepositoryDto,
    @Res({ passthrough: true }) response: Response,
  ): Promise<RepositoryResponse> {
    const changed = await this.repositories.changeSettings(id, namedSettings(body));
    return repositoryResponse(changedValue(changed, response));
  }

  @Delete(':id')
  @Requires('repositories:connect')
  @Audited('repositories.disconnect', 'repository')
  @HttpCode(204)
  @ApiOperation({ summary: 'End the connection and remove its webhook; executions stay' })
  @ApiNoContentResponse()
  @ApiErrors(400, 401, noRepository(EXAMPLE_ID), 503)
  async disconnect(@Param('id', UuidPipe) id: string): Promise<void> {
    await this.repositories.disconnect(id);
  }

  @Post(':id/check')
  @Requires('repositories:connect')
  @NotAudited('asks the forge, and changes nothing')
  @HttpCode(200)
  @ApiOperation({ summary: 'What of the connection works, asked of the forge now' })
  @ApiOkResponse({ type: CheckedRepositoryResponse })
  @ApiErrors(400, 401, noRepository(EXAMPLE_ID), 503)
  async check(@Param('id', UuidPipe) id: string): Promise<CheckedRepositoryResponse> {
    return checkedResponse(await this.repositories.check(id));
  }

  @Post(':id/webhook-secret')
  @Requires('repositories:connect')
  @Audited('repositories.rotate_secret', 'repository', NAMED)
  @HttpCode(200)
  @ApiOperation({
    summary: 'A new secret for the webhook',
    description: 'The one before is accepted until the new one was seen, a day at most.',
  })
  @ApiOkResponse({ type: ConnectedRepositoryResponse })
  @ApiErrors(400, 401, noRepository(EXAMPLE_ID), secretJustChanged(), 503)
  async rotate(@Param('id', UuidPipe) id: string): Promise<ConnectedRepositoryResponse> {
    return connectedResponse(await this.repositories.rotateSecret(id));
  }
}

/** Those that the body names. */
function namedSettings({
  forks,
  fork_approvers: approvers,
  report_skipped: reportsSkipped,
  protected_tags: tags,
}: ChangeRepositoryDto): Partial<RepositorySettings> {
  return {
    ...(forks !== undefined && { forks }),
    ...(approvers !== undefined && { fork_approvers: [...new Set(approvers)] }),
    ...(reportsSkipped !== undefined && { report_skipped: reportsSkipped }),
    ...(tags !== undefined && { protected_tags: tags }),
  };
}
