import { Injectable } from '@nestjs/common';
import { readFileSync } from 'node:fs';
import { MillraceError, notFound } from '../../common/errors/millrace.error.js';
import { configuredForges } from '../../config/login-problems.js';
import { LOGIN_FORGES, type LoginForge } from '../../config/login-values.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { AccessCheck } from '../users/access-check.js';
import { ForgeLogin } from './forge-login.js';

/** A right that memberships need, and none that changes anything. */
const MEMBERSHIP_SCOPES: Readonly<Record<LoginForge, readonly string[]>> = {
  github: ['read:org'],
  gitea: ['read:user', 'read:organization'],
};
/** GitHub tells who somebody is without any right. */
const ACCOUNT_SCOPES: Readonly<Record<LoginForge, readonly string[]>> = {
  github: [],
  gitea: ['read:user'],
};

/** The forges at which people log in, as they are configured. */
@Injectable()
export class LoginForges {
  readonly names: readonly LoginForge[];
  private readonly logins = new Map<LoginForge, ForgeLogin>();

  constructor(
    private readonly config: MillraceConfig,
    private readonly access: AccessCheck,
  ) {
    this.names = config.authMode === 'oauth' ? configuredForges(config) : [];
  }

  /** @throws NotFoundError when people cannot log in there */
  named(name: string): { readonly forge: LoginForge; readonly login: ForgeLogin } {
    const forge = LOGIN_FORGES.find((each) => each === name);
    if (forge === undefined || !this.names.includes(forge)) throw noLogIn(name, this.names);
    let login = this.logins.get(forge);
    if (login === undefined) {
      login = this.create(forge);
      this.logins.set(forge, login);
    }
    return { forge, login };
  }

  /** @throws ConflictError unless people log in */
  requireLogins(): void {
    if (this.names.length === 0) throw noLogins();
  }

  private create(forge: LoginForge): ForgeLogin {
    const { publicUrl, gitCaFile } = this.config;
    return new ForgeLogin({
      forge,
      ...endpointOf(forge, this.config),
      callbackUrl: `${publicUrl ?? ''}/api/sessions/oauth/${forge}/callback`,
      scopes: this.access.needsMemberships(forge)
        ? MEMBERSHIP_SCOPES[forge]
        : ACCOUNT_SCOPES[forge],
      ...(gitCaFile !== undefined && { ca: readFileSync(gitCaFile, 'utf8') }),
    });
  }
}

/** 404 @param names of the forges at which people log in */
export function noLogIn(name: string, names: readonly LoginForge[]): MillraceError {
  const known = names.map((each) => `/api/sessions/oauth/${each}`).join(', ');
  return notFound('log-in', name.slice(0, 40), {
    suggestions: [
      names.length === 0
        ? 'Nobody logs in here: send the token of the server. An administrator of it may set AUTH_MODE=oauth.'
        : `Log in at ${known}.`,
    ],
  });
}

/** Where a forge is and with which application people log in there. */
export function endpointOf(
  forge: LoginForge,
  config: MillraceConfig,
): { baseUrl: string; apiUrl: string; clientId: string; clientSecret: string } {
  if (forge === 'gitea') {
    const baseUrl = config.giteaBaseUrl ?? '';
    return {
      baseUrl,
      apiUrl: `${baseUrl}/api/v1`,
      clientId: config.giteaClientId ?? '',
      clientSecret: config.giteaClientSecret ?? '',
    };
  }
  const baseUrl = config.githubBaseUrl;
  const isPublic = new URL(baseUrl).hostname === 'github.com';
  return {
    baseUrl,
    apiUrl: config.githubApiUrl ?? (isPublic ? 'https://api.github.com' : `${baseUrl}/api/v3`),
    clientId: config.githubClientId ?? '',
    clientSecret: config.githubClientSecret ?? '',
  };
}

/** 409 */
export function noLogins(): MillraceError {
  return new MillraceError('ConflictError', 'Nobody logs in at this server.', {
    suggestions: ['Send the token of the server; log-ins need AUTH_MODE=oauth.'],
  });
}
