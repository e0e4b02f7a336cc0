import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { MillraceError, validationError } from '../../common/errors/millrace.error.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import type { LoginForge } from '../../config/login-values.js';
import { AuthEvents } from '../principals/auth-events.js';
import { AccessCheck } from '../users/access-check.js';
import type { UserDocument } from '../users/user.schema.js';
import { CliLoginCodes } from './cli-login-codes.js';
import { LoginForges } from './login-forges.js';
import { LoginStates, type HandOver, type LoginGoal } from './login-states.js';
import type { LoginStep } from './forge-login.js';
import { DEFAULT_RETURN, returnAddress } from './return-to.js';

/** A log-in that was begun. */
export interface Begun {
  /** At the forge. */
  readonly url: string;
  readonly setCookies: readonly string[];
}

/** A log-in that has come back from the forge. */
export interface CameBack {
  readonly user: UserDocument;
  readonly goal: LoginGoal;
  readonly clearCookie: string;
}

/** Longer ones are none of ours. */
const MAX_PARAMETER = 2_000;

/** Log-ins at a forge, from its beginning to the account. */
@Injectable()
export class OAuthService {
  constructor(
    private readonly forges: LoginForges,
    private readonly states: LoginStates,
    private readonly handOvers: CliLoginCodes,
    private readonly access: AccessCheck,
    private readonly events: AuthEvents,
    private readonly config: MillraceConfig,
  ) {}

  /** @throws NotFoundError, ValidationError when `returnTo` leads elsewhere */
  async begin(
    name: string,
    request: Request,
    returnTo: string | undefined,
    handOver: HandOver | undefined,
  ): Promise<Begun> {
    const { forge, login } = this.forges.named(name);
    const address = returnAddress(returnTo ?? DEFAULT_RETURN, this.config.publicUrl ?? '');
    if (address === undefined) throw foreignReturn();
    let setCookies: readonly string[] = [];
    const step = await login.step(bare(request), {
      begin: (verifier) => {
        const goal = { returnTo: address, ...(handOver && { handOver }), verifier };
        const begun = this.states.begin(forge, goal, request.headers.cookie);
        setCookies = begun.setCookies;
        return begun.state;
      },
      end: async () => undefined,
    });
    if (step.kind !== 'redirect') throw new Error(`a log-in began with ${step.kind}`);
    return { url: step.url, setCookies };
  }

  /**
   * @throws AuthenticationError for a state or code that is not good (any more), AuthorizationError
   *   for an account that may not log in, ExternalServiceError
   */
  async comeBack(name: string, request: Request): Promise<CameBack> {
    const { forge, login } = this.forges.named(name);
    const { state, code, error } = request.query;
    if (typeof error === 'string') throw this.refused(forge, 'denied');
    if (!isParameter(state) || !isParameter(code)) throw this.refused(forge, 'bad_state');
    let goal: LoginGoal | undefined;
    const step = await login.step(request, {
      begin: () => state,
      end: async () => {
        const begun = await this.states.take(forge, state, request.headers.cookie);
        goal = begun;
        return begun?.verifier;
      },
    });
    const tokens = this.tokensOf(forge, step);
    if (goal === undefined) throw this.refused(forge, 'bad_state');
    const user = await this.access.admit(forge, tokens);
    return { user, goal, clearCookie: this.states.clear(state) };
  }

  /** Where the browser is led for a command line that waits. */
  handOverAddress(user: UserDocument, { port, challenge, state }: HandOver): string {
    const query = new URLSearchParams({ code: this.handOvers.make(user, challenge), state });
    return `http://127.0.0.1:${String(port)}/?${query.toString()}`;
  }

  /** @throws AuthenticationError */
  async takeHandOver(code: string, verifier: string): Promise<UserDocument> {
    this.forges.requireLogins();
    const user = await this.handOvers.take(code, verifier);
    if (user === undefined) throw badCode();
    return user;
  }

  private tokensOf(
    forge: LoginForge,
    step: LoginStep,
  ): Extract<LoginStep, { kind: 'tokens' }>['tokens'] {
    switch (step.kind) {
      case 'tokens':
        return step.tokens;
      case 'refused':
        throw this.refused(forge, step.reason);
      case 'forge_away':
        throw forgeAway(step.cause);
      case 'redirect':
        throw new Error('a log-in that came back was sent to the forge again');
    }
  }

  private refused(forge: LoginForge, reason: keyof typeof REFUSALS): MillraceError {
    this.events.record({ kind: 'log_in_refused', forge, reason });
    return logInRefused(reason, forge, this.config.publicUrl);
  }
}

const REFUSALS = {
  denied: 'The log-in was not allowed at the forge.',
  bad_state:
    'This log-in was not begun in this browser at this address, was begun more than ten minutes ago, or was completed already.',
  bad_code: 'The forge does not take the code of this log-in.',
} as const;

/** A request for the beginning: without a query, in which a strategy would look for a code. */
function bare(request: Request): Request {
  return { headers: request.headers, query: {} } as unknown as Request;
}

function isParameter(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_PARAMETER;
}

/** 400 */
export function foreignReturn(): MillraceError {
  return validationError('return_to must be a path of this server.', {
    details: [{ path: 'return_to', code: 'return_to', message: 'return_to must begin with one /' }],
    suggestions: ['Write it as /api/docs, or leave it out.'],
  });
}

/** 401 */
export function badCode(): MillraceError {
  return new MillraceError('AuthenticationError', 'The code is not good (any more).', {
    details: { code: 'bad_code' },
    suggestions: ['Begin again: ./millrace login --web'],
  });
}

/** 401 */
export function logInRefused(
  reason: keyof typeof REFUSALS,
  forge: LoginForge,
  publicUrl = '',
): MillraceError {
  return new MillraceError('AuthenticationError', REFUSALS[reason], {
    details: { code: reason },
    suggestions: [
      `Begin the log-in again, in the same browser: ${publicUrl}/api/sessions/oauth/${forge}`,
    ],
  });
}

/** 502 */
export function forgeAway(cause?: unknown): MillraceError {
  return new MillraceError('ExternalServiceError', 'The forge does not answer.', {
    suggestions: ['Begin the log-in again in a while.'],
    cause,
  });
}
