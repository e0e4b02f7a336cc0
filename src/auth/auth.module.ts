import { Logger, Module, type DynamicModule } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { MillraceConfig } from '../config/millrace-config.js';
import { PolicyCheck } from './policy/policy-check.js';
import {
  Authenticator,
  OpenAuthenticator,
  TokenAuthenticator,
} from './principals/authenticator.js';
import { AuthGuard } from './auth.guard.js';
import { loadOrCreateToken, tokenFile } from './tokens/token-file.js';

/** API only: the guard of all routes, what each of them requires, and who is behind a request. */
@Module({})
export class AuthModule {
  static forRoot(): DynamicModule {
    return {
      module: AuthModule,
      global: true,
      providers: [
        {
          provide: Authenticator,
          inject: [MillraceConfig],
          useFactory: createAuthenticator,
        },
        { provide: APP_GUARD, useClass: AuthGuard },
        PolicyCheck,
      ],
      exports: [Authenticator],
    };
  }
}

function createAuthenticator(config: MillraceConfig): Authenticator {
  const logger = new Logger('Auth');
  if (config.authMode === 'none') {
    logger.warn(
      'AUTH_MODE=none: there is NO LOG-IN. Every program on this machine can run commands through this server.',
    );
    return new OpenAuthenticator();
  }
  if (config.token !== undefined) return new TokenAuthenticator(config.token);

  const { token, created } = loadOrCreateToken(config.home);
  if (created) {
    // Once, and past the structured log: a token has no place in a log that is kept.
    process.stderr.write(
      `\nThe token of this server, also kept in ${tokenFile(config.home)} (shown once):\n\n    ${token}\n\n`,
    );
  }
  return new TokenAuthenticator(token);
}
