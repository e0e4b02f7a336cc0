import { Logger } from '@nestjs/common';
import { isLoopbackHost } from '../config/loopback.js';
import type { MillraceConfig } from '../config/millrace-config.js';
import {
  AnyAuthenticator,
  type Authenticator,
  OpenAuthenticator,
  TokenAuthenticator,
} from './principals/authenticator.js';
import { loadOrCreateToken, tokenFile } from './tokens/token-file.js';

/**
 * How people and programs are known, as AUTH_MODE has it.
 * @param tokens those of the database, which count wherever one has to be known at all
 * @param logIns those of people, which count where people log in
 */
export function createAuthenticator(
  config: MillraceConfig,
  tokens: readonly Authenticator[] = [],
  logIns: readonly Authenticator[] = [],
): Authenticator {
  const logger = new Logger('Auth');
  switch (config.authMode) {
    case 'none':
      logger.warn(
        'AUTH_MODE=none: there is NO LOG-IN. Every program on this machine can run commands through this server.',
      );
      return new OpenAuthenticator();
    case 'token':
      return new AnyAuthenticator([
        new TokenAuthenticator(config.token ?? tokenOfHome(config.home)),
        ...tokens,
      ]);
    case 'oauth':
      warnOfPlainHttp(config.publicUrl ?? '', logger);
      return new AnyAuthenticator([
        ...(config.token === undefined ? [] : [new TokenAuthenticator(config.token)]),
        ...tokens,
        ...logIns,
      ]);
  }
}

function tokenOfHome(home: string): string {
  const { token, created } = loadOrCreateToken(home);
  if (created) {
    // Once, and past the structured log: a token has no place in a log that is kept.
    process.stderr.write(
      `\nThe token of this server, also kept in ${tokenFile(home)} (shown once):\n\n    ${token}\n\n`,
    );
  }
  return token;
}

function warnOfPlainHttp(publicUrl: string, logger: Logger): void {
  const { protocol, hostname } = new URL(publicUrl);
  if (protocol === 'https:' || isLoopbackHost(hostname)) return;
  logger.warn('PUBLIC_URL is plain HTTP: everybody on the way can read sessions and use them.');
}
