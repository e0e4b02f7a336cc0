import { Controller, Get, HttpCode, Param, Post, Query, Req, Res, UseGuards } from '@nestjs/common';
import {
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { Audited } from '../../common/audit/audited.decorator.js';
import { ApiErrors, BodyExample } from '../../common/http/api-documentation.js';
import { RawBody, RawBytes } from '../../common/http/raw-body.decorator.js';
import type { MillraceRequest } from '../../common/http/request-context.js';
import { LOGIN_FORGES } from '../../config/login-values.js';
import { LoginLimitGuard } from '../../integrations/rate-limit/login-limit.guard.js';
import { Public } from '../policy/public.decorator.js';
import { sessionTokensResponse, SessionTokensResponse } from '../sessions/dto/session.response.js';
import { SessionCookies } from '../sessions/session-cookies.js';
import { type ClientFacts, SessionsService, WHOLE_MS } from '../sessions/sessions.service.js';
import { textFields, wrongFields } from '../sessions/text-fields.js';
import { BeginLoginQuery } from './dto/begin-login.query.js';
import { HandOverDto } from './dto/hand-over.dto.js';
import { LogInsResponse } from './dto/log-ins.response.js';
import { LoginForges, noLogIn, noLogins } from './login-forges.js';
import type { HandOver } from './login-states.js';
import { OAuthService, badCode, foreignReturn, forgeAway, logInRefused } from './oauth.service.js';
import { accountRefused } from '../users/access-check.js';

const SMALL_BODY = 4_096;

@ApiTags('sessions')
@Public()
@Controller('sessions')
export class OAuthController {
  constructor(
    private readonly oauth: OAuthService,
    private readonly forges: LoginForges,
    private readonly sessions: SessionsService,
    private readonly cookies: SessionCookies,
  ) {}

  @Get('oauth')
  @ApiOperation({ summary: 'Where people log in' })
  @ApiOkResponse({ type: LogInsResponse })
  logIns(): LogInsResponse {
    return { providers: this.forges.names };
  }

  @Get('oauth/:provider')
  @UseGuards(LoginLimitGuard)
  @ApiOperation({ summary: 'Begin a log-in in the browser' })
  @ApiParam({ name: 'provider', enum: LOGIN_FORGES })
  @ApiResponse({ status: 303, description: 'To the forge.' })
  @ApiErrors(foreignReturn(), noLogIn('gitea', ['github']))
  async begin(
    @Param('provider') provider: string,
    @Query() query: BeginLoginQuery,
    @Req() request: MillraceRequest,
    @Res() response: Response,
  ): Promise<void> {
    const begun = await this.oauth.begin(provider, request, query.return_to, handOverOf(query));
    setCookies(response, begun.setCookies);
    leadTo(response, begun.url);
  }

  @Get('oauth/:provider/callback')
  @Audited('sessions.login', 'session', { recordedBy: 'route' })
  @UseGuards(LoginLimitGuard)
  @ApiOperation({
    summary: 'Where the forge leads the browser back to',
    description:
      'Makes a session: a cookie for a browser, which is led on; tokens for a client that accepts JSON and no HTML.',
  })
  @ApiParam({ name: 'provider', enum: LOGIN_FORGES })
  @ApiQuery({ name: 'code', required: false })
  @ApiQuery({ name: 'state', required: false })
  @ApiOkResponse({ type: SessionTokensResponse })
  @ApiResponse({ status: 303, description: 'To where the log-in was to lead.' })
  @ApiErrors(
    logInRefused('bad_state', 'github', 'https://ci.example'),
    accountRefused(),
    noLogIn('gitea', ['github']),
    forgeAway(),
    503,
  )
  async callback(
    @Param('provider') provider: string,
    @Req() request: MillraceRequest,
    @Res() response: Response,
  ): Promise<void> {
    const { user, goal, clearCookie } = await this.oauth.comeBack(provider, request);
    setCookies(response, [clearCookie]);
    if (goal.handOver !== undefined) {
      leadTo(response, this.oauth.handOverAddress(user, goal.handOver));
      return;
    }
    if (request.accepts(['html', 'json']) === 'json') {
      const tokens = await this.sessions.openClient(user, clientOf(request));
      response.json(sessionTokensResponse(tokens));
      return;
    }
    const cookie = await this.sessions.openBrowser(user, clientOf(request));
    setCookies(response, [this.cookies.set(cookie, WHOLE_MS / 1000)]);
    leadTo(response, goal.returnTo);
  }

  @Post('token')
  @Audited('sessions.login', 'session', { recordedBy: 'route' })
  @UseGuards(LoginLimitGuard)
  @HttpCode(200)
  @RawBody({ limit: SMALL_BODY, body: HandOverDto })
  @BodyExample({
    code: 'what the browser was led back with',
    verifier: 'what the log-in began with',
  })
  @ApiOperation({ summary: 'Take over a log-in that was completed in a browser' })
  @ApiOkResponse({ type: SessionTokensResponse })
  @ApiErrors(wrongFields(['code', 'verifier']), badCode(), noLogins(), 413, 415, 503)
  async takeOver(
    @RawBytes() body: Buffer,
    @Req() request: MillraceRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SessionTokensResponse> {
    const { code, verifier } = textFields(body, ['code', 'verifier']);
    response.setHeader('Cache-Control', 'no-store');
    const user = await this.oauth.takeHandOver(code, verifier);
    return sessionTokensResponse(await this.sessions.openClient(user, clientOf(request)));
  }
}

/** No cache keeps what makes a session, and no page that comes next hears of the address. */
function setCookies(response: Response, cookies: readonly string[]): void {
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Referrer-Policy', 'no-referrer');
  for (const cookie of cookies) response.append('Set-Cookie', cookie);
}

/** Without the text that Express would send, which repeats the address. */
function leadTo(response: Response, url: string): void {
  response.status(303).setHeader('Location', url);
  response.end();
}

function handOverOf({ cli_port, cli_challenge, cli_state }: BeginLoginQuery): HandOver | undefined {
  if (cli_port === undefined || cli_challenge === undefined || cli_state === undefined) {
    return undefined;
  }
  return { port: cli_port, challenge: cli_challenge, state: cli_state };
}

function clientOf({ headers, clientAddress, id }: MillraceRequest): ClientFacts {
  return { userAgent: headers['user-agent'] ?? '', address: clientAddress, requestId: id };
}
