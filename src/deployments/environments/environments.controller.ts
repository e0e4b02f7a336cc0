import { Body, Controller, Delete, Get, HttpCode, Param, Put, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { Requires } from '../../auth/policy/requires.decorator.js';
import { CurrentPrincipal } from '../../auth/principals/current-principal.decorator.js';
import type { Principal } from '../../auth/principals/principal.js';
import { Audited, type AuditFacts } from '../../common/audit/audited.decorator.js';
import { ApiErrors, ApiPage, BodyExample } from '../../common/http/api-documentation.js';
import { SaysSomethingPipe } from '../../common/http/says-something.pipe.js';
import { type PageBody, pageBody, PageQuery, pageRequest } from '../../common/http/paging.js';
import {
  type AskedPeople,
  noLimits,
  unknownUser,
} from '../../environments/environments.service.js';
import { SetEnvironmentDto } from './dto/environment.dto.js';
import { RemoveEnvironmentQuery } from './dto/environment.query.js';
import {
  EnvironmentPageResponse,
  environmentPageResponse,
  EnvironmentResponse,
  environmentResponse,
} from './dto/environment.response.js';
import { EnvironmentNamePipe } from './environment-name.pipe.js';
import { EnvironmentPages, servicesThere } from './environment-pages.js';
import { notFound } from '../../common/errors/millrace.error.js';

const NAME = {
  name: 'name',
  schema: { type: 'string', maxLength: 63 },
  example: 'production',
} as const;
const NAMED = {
  id: ({ param }: AuditFacts) => param('name'),
  name: ({ param }: AuditFacts) => param('name'),
};
const WITH_RULES = {
  ...NAMED,
  details: ({ answer }: AuditFacts) => ({
    ...{ required: answer('required'), wait: answer('wait'), allow_self: answer('allow_self') },
    deployers: peopleText(answer('deployers')),
    approvers: peopleText(answer('approvers')),
    branches: listText(answer('branches')),
  }),
};

@ApiTags('environments')
@ApiBearerAuth()
@Controller('environments')
export class EnvironmentsController {
  constructor(private readonly pages: EnvironmentPages) {}

  @Get()
  @Requires('environments:read')
  @ApiOperation({
    summary: 'Environments, by their names',
    description: 'Those that are configured, those that something was deployed to, and `default`.',
  })
  @ApiPage(EnvironmentResponse)
  @ApiErrors(400, 401, 503)
  async list(@Query() query: PageQuery): Promise<PageBody<EnvironmentResponse>> {
    const page = await this.pages.list(pageRequest(query));
    return pageBody({ ...page, items: page.items.map(environmentResponse) });
  }

  @Get(':name')
  @Requires('environments:read')
  @ApiOperation({ summary: 'An environment: who may do what, what serves there, and what waits' })
  @ApiParam(NAME)
  @ApiOkResponse({ type: EnvironmentPageResponse })
  @ApiErrors(400, 401, notFound('environment', 'staging'), 503)
  async get(@Param('name', EnvironmentNamePipe) name: string): Promise<EnvironmentPageResponse> {
    return environmentPageResponse(await this.pages.get(name));
  }

  @Put(':name')
  @Requires('environments:write')
  @Audited('environments.set', 'environment', WITH_RULES)
  @BodyExample({ approvers: { users: [], roles: ['admin'] }, required: 1, branches: ['main'] })
  @ApiOperation({
    summary: 'Say who may deploy there, and who has to approve',
    description:
      'All of it is replaced: what is absent has no limit. At least one field is named; DELETE takes all limits away. It holds at once, also for deployments that wait.',
  })
  @ApiParam(NAME)
  @ApiOkResponse({ type: EnvironmentPageResponse })
  @ApiErrors(400, 401, 413, 415, unknownUser('grace', 'approvers.users.0'), 503)
  async set(
    @Param('name', EnvironmentNamePipe) name: string,
    @Body(SaysSomethingPipe) { deployers, approvers, ...rules }: SetEnvironmentDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<EnvironmentPageResponse> {
    const asked = {
      ...rules,
      deployers: askedPeople(deployers),
      approvers: askedPeople(approvers),
    };
    return environmentPageResponse(await this.pages.set(name, asked, principal.id));
  }

  @Delete(':name')
  @Requires('environments:write')
  @Audited('environments.delete', 'environment', NAMED)
  @HttpCode(204)
  @ApiOperation({
    summary: 'Take all limits of an environment away',
    description:
      'Refused while something is deployed there, which they protect, unless `keep_services=true` is given: it stays then, and deployments that wait for approvals there continue.',
  })
  @ApiParam(NAME)
  @ApiNoContentResponse()
  @ApiErrors(400, 401, noLimits('staging'), servicesThere('staging', ['staging/shop']), 503)
  async delete(
    @Param('name', EnvironmentNamePipe) name: string,
    @Query() { keep_services: keepServices }: RemoveEnvironmentQuery,
  ): Promise<void> {
    await this.pages.remove(name, keepServices === 'true');
  }
}

function askedPeople(
  people: { readonly users?: string[]; readonly roles?: AskedPeople['roles'] } | null | undefined,
): AskedPeople | null | undefined {
  return people && { users: people.users ?? [], roles: people.roles ?? [] };
}

function listText(value: unknown): string | null {
  return Array.isArray(value) ? value.join(', ') : null;
}

function peopleText(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  const { users, roles } = value as { readonly users?: unknown; readonly roles?: unknown };
  return [listText(users), listText(roles)].filter(Boolean).join('; ');
}
