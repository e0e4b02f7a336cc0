import type { MillraceRequest } from '../../common/http/request-context.js';
import { SCOPES_OF_ROLE, type Role, type Scope } from '../policy/policy.js';

/** Who sends a request. */
export interface Principal {
  /** What the log and stored documents name: `token`, `anonymous`, later a user's id. */
  readonly id: string;
  readonly kind: 'token' | 'anonymous';
  readonly role: Role;
  /** What it may do: never more than its role has, and less where its token is narrower. */
  readonly scopes: ReadonlySet<Scope>;
}

/** A request behind `authenticateWith`. */
export interface AuthenticatedRequest extends MillraceRequest {
  /** Absent: nobody that is known. */
  principal?: Principal;
}

/** @param only the scopes of a narrower token; what its role does not have is left out */
export function principalOf(
  who: Pick<Principal, 'id' | 'kind' | 'role'>,
  only: readonly Scope[] = SCOPES_OF_ROLE[who.role],
): Principal {
  const ofRole = SCOPES_OF_ROLE[who.role];
  return { ...who, scopes: new Set(only.filter((scope) => ofRole.includes(scope))) };
}
