import type { Provider } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { MillraceConfig } from '../config/millrace-config.js';
import { AuthGuard } from './auth.guard.js';
import { PolicyCheck } from './policy/policy-check.js';
import { AuthEvents } from './principals/auth-events.js';
import { PrincipalWatch } from './principals/principal-watch.js';
import { SessionCookies } from './sessions/session-cookies.js';
import { SigningKey } from './sessions/signing-key.js';

/** The guard of all routes with what it needs, but for the `Authenticator`. */
export const guardProviders: readonly Provider[] = [
  { provide: APP_GUARD, useClass: AuthGuard },
  PolicyCheck,
  AuthEvents,
  PrincipalWatch,
  SessionCookies,
  {
    provide: SigningKey,
    inject: [MillraceConfig],
    useFactory: ({ jwtSecret, home }: MillraceConfig) => new SigningKey(jwtSecret, home),
  },
];
