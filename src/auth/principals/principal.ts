import type { MillraceRequest } from '../../common/http/request-context.js';
import { SCOPES_OF_ROLE, type Role, type Scope } from '../policy/policy.js';

/** Who sends a request. */
export interface Principal {
  /** What the log and stored documents name: `token`, `anonymous`, or the id of whoever it is. */
  readonly id: string;
  readonly kind: 'token' | 'anonymous' | 'user' | 'service_account';
  readonly role: Role;
  /** What it may do: never more than its role has, and less where its token is narrower. */
  readonly scopes: ReadonlySet<Scope>;
  /** For people to read: a log-in name, the name of a service account. Nothing goes by it. */
  readonly name?: string;
  /** By what it was known; absent for the server's own token and for everybody. */
  readonly credential?: Credential;
}

/** What can be ended, so that whoever holds it is nobody any more. */
export type Credential = SessionCredential | TokenCredential;

export interface SessionCredential {
  readonly kind: 'session';
  /** Of the session. */
  readonly id: string;
  /** A browser sends its cookie with whatever a page asks it for; an access token nobody does. */
  readonly by: 'cookie' | 'access_token';
}

export interface TokenCredential {
  readonly kind: 'token';
  /** Of the token. */
  readonly id: string;
}

/** A request behind `authenticateWith`. */
export interface AuthenticatedRequest extends MillraceRequest {
  /** Absent: nobody that is known. */
  principal?: Principal;
  /** Why it could not be found out who it is: the database was away. */
  unidentified?: unknown;
}

/** Who sends a request, before it is said what they may. */
export type Who = Omit<Principal, 'scopes'>;

/** @param only the scopes of a narrower token; what its role does not have is left out */
export function principalOf(
  who: Who,
  only: readonly Scope[] = SCOPES_OF_ROLE[who.role],
): Principal {
  const ofRole = SCOPES_OF_ROLE[who.role];
  return { ...who, scopes: new Set(only.filter((scope) => ofRole.includes(scope))) };
}
