import { MillraceError } from '../../common/errors/millrace.error.js';
import { ROLE_LADDER, rolesWith, SCOPES_OF_ROLE, type Role, type Scope } from './policy.js';

/** 403: says which scope is missing, and who could give it. */
export function scopeMissing(scope: Scope, role: Role): MillraceError {
  const roles = rolesWith(scope);
  const isOfToken = SCOPES_OF_ROLE[role].includes(scope);
  return new MillraceError('AuthorizationError', `This needs the scope ${scope}.`, {
    details: { code: 'scope_missing', required_scope: scope, role, roles_with_scope: roles },
    suggestions: [
      isOfToken
        ? `Your role ${role} has this scope, but your token does not: use a token that has it; you can give one the scope yourself.`
        : `Your role ${role} does not have this scope: ${whomToAsk(roles)}`,
    ],
  });
}

/** Nobody is given the role of a program. */
function whomToAsk(roles: readonly Role[]): string {
  const ofPeople = roles.filter((role) => ROLE_LADDER.some((each) => each === role));
  return `ask an administrator for the role ${ofPeople.join(' or ')}.`;
}
