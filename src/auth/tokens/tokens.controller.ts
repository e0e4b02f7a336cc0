import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Param,
  Post,
  Query,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { Audited, type AuditFacts } from '../../common/audit/audited.decorator.js';
import {
  ApiErrors,
  ApiPage,
  EXAMPLE_ID,
  BodyExample,
} from '../../common/http/api-documentation.js';
import { type PageBody, pageBody, PageQuery, pageRequest } from '../../common/http/paging.js';
import { UuidPipe } from '../../common/http/uuid.pipe.js';
import { Requires } from '../policy/requires.decorator.js';
import { CurrentPrincipal } from '../principals/current-principal.decorator.js';
import type { Principal } from '../principals/principal.js';
import { CreateTokenDto, DEFAULT_TOKEN_DAYS } from './dto/create-token.dto.js';
import {
  madeTokenResponse,
  MadeTokenResponse,
  tokenResponse,
  TokenResponse,
} from './dto/token.response.js';
import {
  type TokenRequest,
  TokensService,
  logInFirst,
  scopesTooWide,
  tooManyTokens,
} from './tokens.service.js';
import { notFound } from '../../common/errors/millrace.error.js';

const EXAMPLE_TOKEN = { name: 'laptop', scopes: ['pipelines:read'], expires_in_days: 30 };
const EXAMPLE_SCOPES = [['users:write'], ['pipelines:read', 'executions:read']] as const;

/** Tokens of whoever asks. */
@ApiTags('tokens')
@ApiBearerAuth()
@Controller('tokens')
export class TokensController {
  constructor(private readonly tokens: TokensService) {}

  @Post()
  @Requires('tokens:write')
  @Audited('tokens.create', 'token', { details: madeDetails })
  @Header('Cache-Control', 'no-store')
  @BodyExample(EXAMPLE_TOKEN)
  @ApiOperation({
    summary: 'Make a personal token',
    description: 'Only from a session: a token makes no token.',
  })
  @ApiCreatedResponse({ type: MadeTokenResponse })
  @ApiErrors(
    400,
    401,
    logInFirst(),
    tooManyTokens(),
    413,
    415,
    scopesTooWide(...EXAMPLE_SCOPES),
    503,
  )
  async create(
    @Body() body: CreateTokenDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<MadeTokenResponse> {
    return madeTokenResponse(await this.tokens.makePersonal(principal, tokenRequest(body)));
  }

  @Get()
  @Requires('tokens:read')
  @ApiOperation({ summary: 'Own personal tokens that are good' })
  @ApiPage(TokenResponse)
  @ApiErrors(400, 401, 503)
  async list(
    @Query() query: PageQuery,
    @CurrentPrincipal() principal: Principal,
  ): Promise<PageBody<TokenResponse>> {
    const page = await this.tokens.listPersonal(principal.id, pageRequest(query));
    return pageBody({ ...page, items: page.items.map(tokenResponse) });
  }

  @Delete(':id')
  @Requires('tokens:write')
  @Audited('tokens.revoke', 'token')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke one of the own personal tokens' })
  @ApiNoContentResponse()
  @ApiErrors(400, 401, notFound('token', EXAMPLE_ID), 503)
  async revoke(
    @Param('id', UuidPipe) id: string,
    @CurrentPrincipal() principal: Principal,
  ): Promise<void> {
    await this.tokens.revokePersonal(principal.id, id);
  }
}

/** Tokens of programs. */
@ApiTags('service accounts')
@ApiBearerAuth()
@Controller('service-accounts/:id/tokens')
export class ServiceAccountTokensController {
  constructor(private readonly tokens: TokensService) {}

  @Post()
  @Requires('service_accounts:write')
  @Audited('tokens.create', 'token', {
    id: ({ answer }) => answer('id'),
    details: (facts) => ({ ...madeDetails(facts), service_account: facts.param('id') }),
  })
  @Header('Cache-Control', 'no-store')
  @BodyExample(EXAMPLE_TOKEN)
  @ApiOperation({ summary: 'Make a token of a service account' })
  @ApiCreatedResponse({ type: MadeTokenResponse })
  @ApiErrors(
    400,
    401,
    notFound('service account', EXAMPLE_ID),
    tooManyTokens(),
    413,
    415,
    scopesTooWide(...EXAMPLE_SCOPES),
    503,
  )
  async create(
    @Param('id', UuidPipe) id: string,
    @Body() body: CreateTokenDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<MadeTokenResponse> {
    return madeTokenResponse(await this.tokens.makeOfAccount(principal, id, tokenRequest(body)));
  }

  @Get()
  @Requires('service_accounts:read')
  @ApiOperation({ summary: 'Tokens of a service account that are good' })
  @ApiPage(TokenResponse)
  @ApiErrors(400, 401, notFound('service account', EXAMPLE_ID), 503)
  async list(
    @Param('id', UuidPipe) id: string,
    @Query() query: PageQuery,
  ): Promise<PageBody<TokenResponse>> {
    const page = await this.tokens.listOfAccount(id, pageRequest(query));
    return pageBody({ ...page, items: page.items.map(tokenResponse) });
  }

  @Delete(':token_id')
  @Requires('service_accounts:write')
  @Audited('tokens.revoke', 'token', {
    id: ({ param }) => param('token_id'),
    details: ({ param }) => ({ service_account: param('id') }),
  })
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke a token of a service account' })
  @ApiNoContentResponse()
  @ApiErrors(400, 401, notFound('service account', EXAMPLE_ID), notFound('token', EXAMPLE_ID), 503)
  async revoke(
    @Param('id', UuidPipe) id: string,
    @Param('token_id', UuidPipe) tokenId: string,
    @CurrentPrincipal() principal: Principal,
  ): Promise<void> {
    await this.tokens.revokeOfAccount(principal.id, id, tokenId);
  }
}

function tokenRequest({ name, scopes, expires_in_days: days }: CreateTokenDto): TokenRequest {
  return { name, scopes, days: days ?? DEFAULT_TOKEN_DAYS };
}

function madeDetails({ answer }: AuditFacts): Readonly<Record<string, unknown>> {
  const scopes = answer('scopes');
  const expiresAt = answer('expires_at');
  return {
    scopes: Array.isArray(scopes) ? scopes.join(' ') : undefined,
    expires_at: expiresAt instanceof Date ? expiresAt.toISOString() : undefined,
  };
}
