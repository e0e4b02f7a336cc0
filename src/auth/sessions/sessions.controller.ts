import {
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Post,
  Query,
  Res,
  UseGuards,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { Audited } from '../../common/audit/audited.decorator.js';
import { conflict, notFound, type MillraceError } from '../../common/errors/millrace.error.js';
import {
  ApiErrors,
  ApiPage,
  EXAMPLE_ID,
  BodyExample,
} from '../../common/http/api-documentation.js';
import { type PageBody, pageBody, PageQuery, pageRequest } from '../../common/http/paging.js';
import { RawBody, RawBytes } from '../../common/http/raw-body.decorator.js';
import { UuidPipe } from '../../common/http/uuid.pipe.js';
import { LoginLimitGuard } from '../../integrations/rate-limit/login-limit.guard.js';
import { Public } from '../policy/public.decorator.js';
import { Requires } from '../policy/requires.decorator.js';
import { CurrentPrincipal } from '../principals/current-principal.decorator.js';
import type { Principal, SessionCredential } from '../principals/principal.js';
import { meResponse, MeResponse } from './dto/me.response.js';
import { RefreshDto } from './dto/refresh.dto.js';
import {
  sessionResponse,
  SessionResponse,
  sessionTokensResponse,
  SessionTokensResponse,
} from './dto/session.response.js';
import { SessionCookies } from './session-cookies.js';
import { SessionsService, badRefreshToken } from './sessions.service.js';
import { textFields, wrongFields } from './text-fields.js';

const SMALL_BODY = 4_096;

@ApiTags('sessions')
@Controller('sessions')
export class SessionsController {
  constructor(
    private readonly sessions: SessionsService,
    private readonly cookies: SessionCookies,
  ) {}

  @Get('me')
  @Requires('sessions:read')
  @ApiBearerAuth()
  @ApiOperation({ summary: 'Who sends this request, and what they may do' })
  @ApiOkResponse({ type: MeResponse })
  @ApiErrors(401, 503)
  me(@CurrentPrincipal() principal: Principal): MeResponse {
    const { credential } = principal;
    const isCookie = credential?.kind === 'session' && credential.by === 'cookie';
    return meResponse(principal, isCookie ? this.cookies.csrfToken(credential.id) : null);
  }

  @Get('list')
  @Requires('sessions:read')
  @ApiBearerAuth()
  @ApiOperation({ summary: 'Own sessions that are good' })
  @ApiPage(SessionResponse)
  @ApiErrors(400, 401, 503)
  async list(
    @Query() query: PageQuery,
    @CurrentPrincipal() principal: Principal,
  ): Promise<PageBody<SessionResponse>> {
    const page = await this.sessions.list(principal.id, pageRequest(query));
    const { credential } = principal;
    const current = credential?.kind === 'session' ? credential.id : undefined;
    return pageBody({ ...page, items: page.items.map((each) => sessionResponse(each, current)) });
  }

  @Post('refresh')
  @Public()
  @Audited('sessions.refresh', 'session', { recordedBy: 'route' })
  @UseGuards(LoginLimitGuard)
  @HttpCode(200)
  @RawBody({ limit: SMALL_BODY, body: RefreshDto })
  @BodyExample({ refresh_token: 'the refresh token of the log-in' })
  @ApiOperation({
    summary: 'Exchange a refresh token for new tokens',
    description:
      'A refresh token is good once. For ten seconds the same one gets the same answer; later it ends the session, as it must have been stolen.',
  })
  @ApiOkResponse({ type: SessionTokensResponse })
  @ApiErrors(wrongFields(['refresh_token']), badRefreshToken(), 413, 415, 503)
  async refresh(
    @RawBytes() body: Buffer,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SessionTokensResponse> {
    const { refresh_token: token } = textFields(body, ['refresh_token']);
    response.setHeader('Cache-Control', 'no-store');
    return sessionTokensResponse(await this.sessions.refresh(token));
  }

  @Post('logout')
  @Requires('sessions:end')
  @Audited('sessions.end', 'session')
  @HttpCode(204)
  @ApiBearerAuth()
  @ApiOperation({ summary: 'End the session that this request is of' })
  @ApiNoContentResponse()
  @ApiErrors(401, 403, ofNoSession(), 503)
  async logOut(
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) response: Response,
  ): Promise<void> {
    const session = sessionOf(principal);
    await this.sessions.end(principal.id, session.id, 'logged_out');
    if (session.by === 'cookie') response.append('Set-Cookie', this.cookies.clear());
  }

  @Get('logout')
  @Requires('sessions:end')
  @Audited('sessions.end', 'session')
  @HttpCode(204)
  @ApiBearerAuth()
  @ApiOperation({
    summary: 'End the session of the access token that this request carries',
    description: 'Never that of a cookie: any page can make a browser send a GET.',
  })
  @ApiNoContentResponse()
  @ApiErrors(401, ofNoSession(), endsByPost(), 503)
  async logOutByGet(@CurrentPrincipal() principal: Principal): Promise<void> {
    const session = sessionOf(principal);
    if (session.by === 'cookie') {
      throw endsByPost();
    }
    await this.sessions.end(principal.id, session.id, 'logged_out');
  }

  @Delete()
  @Requires('sessions:end')
  @Audited('sessions.end_all', 'user')
  @HttpCode(204)
  @ApiBearerAuth()
  @ApiOperation({ summary: 'End all own sessions, this one too; tokens stay' })
  @ApiNoContentResponse()
  @ApiErrors(401, 503)
  async endAll(@CurrentPrincipal() principal: Principal): Promise<void> {
    await this.sessions.endAll(principal.id);
  }

  @Delete(':id')
  @Requires('sessions:end')
  @Audited('sessions.end', 'session')
  @HttpCode(204)
  @ApiBearerAuth()
  @ApiOperation({ summary: 'End one of the own sessions' })
  @ApiNoContentResponse()
  @ApiErrors(400, 401, notFound('session', EXAMPLE_ID), 503)
  async end(
    @Param('id', UuidPipe) id: string,
    @CurrentPrincipal() principal: Principal,
  ): Promise<void> {
    await this.sessions.end(principal.id, id, 'ended');
  }
}

function sessionOf({ credential }: Principal): SessionCredential {
  if (credential?.kind === 'session') return credential;
  throw ofNoSession();
}

function ofNoSession(): MillraceError {
  return conflict('This request is of no session.', {
    suggestions: [
      'The token of the server stays good; your own ones end by `./millrace tokens revoke ID` (DELETE /api/tokens/:id).',
    ],
  });
}

function endsByPost(): MillraceError {
  return conflict('The session of a browser ends by POST.', {
    suggestions: ['Send POST /api/sessions/logout with the header X-CSRF-Token.'],
  });
}
