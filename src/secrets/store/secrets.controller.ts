import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Put, Query } from '@nestjs/common';
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
import {
  ApiErrors,
  ApiPage,
  EXAMPLE_ID,
  BodyExample,
} from '../../common/http/api-documentation.js';
import { type PageBody, pageBody, pageRequest } from '../../common/http/paging.js';
import {
  ChangeSecretDto,
  filterOf,
  ownerOf,
  SecretListQuery,
  SecretOwnerQuery,
  SecretResponse,
  secretResponse,
  SetSecretDto,
} from './dto/secret.dto.js';
import { SecretsService, noSecret } from './secrets.service.js';
import { notFound } from '../../common/errors/millrace.error.js';

const NAME = {
  name: 'name',
  example: 'NPM_TOKEN',
  description: 'The name of the variable that steps find it in.',
} as const;

/** What the audit keeps of a secret: its name and whose it is. */
const NAMED_WITH_OWNER = {
  id: ({ param }: AuditFacts) => param('name'),
  name: ({ param }: AuditFacts) => param('name'),
  details: ({ query }: AuditFacts) => ({
    pipeline_id: query('pipeline_id'),
    repository_id: query('repository_id'),
  }),
};

/** Of a secret that was set or changed, also which runs get it now. */
const NAMED_WITH_RULES = {
  ...NAMED_WITH_OWNER,
  details: (facts: AuditFacts) => {
    const events = facts.answer('events');
    return {
      ...NAMED_WITH_OWNER.details(facts),
      events: Array.isArray(events) ? events.join(', ') : events === null ? 'all' : undefined,
      protected: facts.answer('protected'),
    };
  },
};

@ApiTags('secrets')
@ApiBearerAuth()
@Controller('secrets')
export class SecretsController {
  constructor(private readonly secrets: SecretsService) {}

  @Get()
  @Requires('secrets:read')
  @ApiOperation({
    summary: 'Names of secrets',
    description: 'All that there are, or those of one scope or owner. No answer holds a value.',
  })
  @ApiPage(SecretResponse)
  @ApiErrors(400, 401, 503)
  async list(@Query() query: SecretListQuery): Promise<PageBody<SecretResponse>> {
    const page = await this.secrets.list(filterOf(query), pageRequest(query));
    return pageBody({ ...page, items: page.items.map(secretResponse) });
  }

  @Put(':name')
  @Requires('secrets:write')
  @Audited('secrets.set', 'secret', NAMED_WITH_RULES)
  @BodyExample({ value: 'the value of the secret', protected: true })
  @ApiOperation({
    summary: 'Make a secret, or replace its value',
    description:
      'Global, or of the pipeline or repository that the query names. Runs that begin from now on get this value. `events` and `protected` stay as they are where they are absent; of a new secret they are null and false.',
  })
  @ApiParam(NAME)
  @ApiOkResponse({ type: SecretResponse })
  @ApiErrors(400, 401, notFound('pipeline', EXAMPLE_ID), 413, 415, 503)
  async set(
    @Param('name') name: string,
    @Query() owner: SecretOwnerQuery,
    @Body() { value, ...rules }: SetSecretDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<SecretResponse> {
    return secretResponse(await this.secrets.set(ownerOf(owner), name, value, rules, principal.id));
  }

  @Patch(':name')
  @Requires('secrets:write')
  @Audited('secrets.change', 'secret', NAMED_WITH_RULES)
  @BodyExample({ events: ['push', 'tag'] })
  @ApiOperation({
    summary: 'Change which runs get a secret; its value stays',
    description: 'Counts for runs that begin from now on.',
  })
  @ApiParam(NAME)
  @ApiOkResponse({ type: SecretResponse })
  @ApiErrors(400, 401, noSecret('NPM_TOKEN'), 413, 415, 503)
  async change(
    @Param('name') name: string,
    @Query() owner: SecretOwnerQuery,
    @Body() rules: ChangeSecretDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<SecretResponse> {
    return secretResponse(await this.secrets.change(ownerOf(owner), name, rules, principal.id));
  }

  @Delete(':name')
  @Requires('secrets:write')
  @Audited('secrets.delete', 'secret', NAMED_WITH_OWNER)
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a secret; runs that have begun keep it' })
  @ApiParam(NAME)
  @ApiNoContentResponse()
  @ApiErrors(400, 401, noSecret('NPM_TOKEN'), 503)
  async delete(
    @Param('name') name: string,
    @Query() owner: SecretOwnerQuery,
    @CurrentPrincipal() principal: Principal,
  ): Promise<void> {
    await this.secrets.delete(ownerOf(owner), name, principal.id);
  }
}
