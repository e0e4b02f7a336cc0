import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { MongooseModule } from '@nestjs/mongoose';
import { readFileSync } from 'node:fs';
import { AddressPolicy } from '../common/net/address-policy.js';
import { CheckedHttp } from '../common/net/checked-http.js';
import { configuredForges } from '../config/login-problems.js';
import { MillraceConfig } from '../config/millrace-config.js';
import { ForgeAccounts } from '../integrations/forge/forge-accounts.js';
import { RestForgeAccounts } from '../integrations/forge/rest-accounts.js';
import { AccountsModule } from './accounts/accounts.module.js';
import { AuthSweeper } from './auth-sweeper.js';
import { createAuthenticator } from './create-authenticator.js';
import { guardProviders } from './guard.providers.js';
import { CliLoginCodes } from './oauth/cli-login-codes.js';
import { endpointOf, LoginForges } from './oauth/login-forges.js';
import { LoginStates } from './oauth/login-states.js';
import { OAuthController } from './oauth/oauth.controller.js';
import { OAuthService } from './oauth/oauth.service.js';
import { UsedOnce } from './oauth/used-once.repository.js';
import { USED_ONCE_MODEL, usedOnceSchema } from './oauth/used-once.schema.js';
import { AuthEvents } from './principals/auth-events.js';
import { Authenticator } from './principals/authenticator.js';
import { ServiceAccountsController } from './service-accounts/service-accounts.controller.js';
import { ServiceAccountsService } from './service-accounts/service-accounts.service.js';
import { AccessTokens } from './sessions/access-tokens.js';
import { SessionAuthenticator } from './sessions/session-authenticator.js';
import { SESSION_MODEL, sessionSchema } from './sessions/session.schema.js';
import { SessionsController } from './sessions/sessions.controller.js';
import { SessionsRepository } from './sessions/sessions.repository.js';
import { SessionsService } from './sessions/sessions.service.js';
import { StoredTokenAuthenticator } from './tokens/stored-token.authenticator.js';
import { TOKEN_MODEL, tokenSchema } from './tokens/token.schema.js';
import { ServiceAccountTokensController, TokensController } from './tokens/tokens.controller.js';
import { TokensRepository } from './tokens/tokens.repository.js';
import { TokensService } from './tokens/tokens.service.js';
import { AccessCheck } from './users/access-check.js';
import { LOGIN_BINDING_MODEL, loginBindingSchema } from './users/login-binding.schema.js';
import { LoginBindings } from './users/login-bindings.repository.js';
import { TextSealer } from './users/text-sealer.js';
import { UsersController } from './users/users.controller.js';
import { UsersService } from './users/users.service.js';

const FORGE_TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** A class that is a `TextSealer`, provided by a module above. */
export type SealerToken = abstract new (...args: never[]) => TextSealer;

/**
 * API only: who is behind a request, the guard of all routes, what each of them requires; log-ins,
 * sessions and users.
 */
@Module({})
export class AuthModule {
  /** @param sealer seals what only the server may read of a log-in */
  static forRoot(sealer: SealerToken): DynamicModule {
    return {
      module: AuthModule,
      global: true,
      imports: [
        // Each use has a key of its own: nothing is signed without naming it.
        JwtModule.register({}),
        AccountsModule,
        MongooseModule.forFeature([
          { name: LOGIN_BINDING_MODEL, schema: loginBindingSchema },
          { name: SESSION_MODEL, schema: sessionSchema },
          { name: USED_ONCE_MODEL, schema: usedOnceSchema },
          { name: TOKEN_MODEL, schema: tokenSchema },
        ]),
      ],
      controllers: [
        OAuthController,
        SessionsController,
        TokensController,
        ServiceAccountsController,
        ServiceAccountTokensController,
        UsersController,
      ],
      providers: [
        ...identification,
        ...logIns,
        { provide: TextSealer, useExisting: sealer },
        ...guardProviders,
      ],
      exports: [Authenticator, AuthEvents],
    };
  }
}

const identification: Provider[] = [
  SessionAuthenticator,
  StoredTokenAuthenticator,
  {
    provide: Authenticator,
    inject: [MillraceConfig, StoredTokenAuthenticator, SessionAuthenticator],
    useFactory: (
      config: MillraceConfig,
      tokens: StoredTokenAuthenticator,
      sessions: SessionAuthenticator,
    ) => createAuthenticator(config, [tokens], [sessions]),
  },
];

const logIns: Provider[] = [
  LoginBindings,
  AccessCheck,
  SessionsRepository,
  SessionsService,
  TokensRepository,
  TokensService,
  ServiceAccountsService,
  UsersService,
  AuthSweeper,
  AccessTokens,
  UsedOnce,
  LoginForges,
  LoginStates,
  CliLoginCodes,
  OAuthService,
  {
    provide: ForgeAccounts,
    inject: [MillraceConfig],
    useFactory: createForgeAccounts,
  },
];

function createForgeAccounts(config: MillraceConfig): ForgeAccounts {
  const { gitCaFile } = config;
  const forges = config.authMode === 'oauth' ? configuredForges(config) : [];
  return new RestForgeAccounts(
    forges.map((forge) => ({ forge, ...endpointOf(forge, config) })),
    // The operator has named the forge, wherever it is.
    new CheckedHttp(new AddressPolicy(['all']), {
      timeoutMs: FORGE_TIMEOUT_MS,
      maxBytes: MAX_ANSWER_BYTES,
      ...(gitCaFile !== undefined && { ca: readFileSync(gitCaFile, 'utf8') }),
    }),
  );
}
