import { MillraceError } from '../../common/errors/millrace.error.js';
import { rolesWith, SCOPES_OF_ROLE, type Role, type Scope } from './policy.js';

/** 403: says which scope is missing, and who could give it. */
export function scopeMissing(scope: Scope, role: Role): MillraceError {
  const roles = rolesWith(scope);
  const isOfToken = SCOPES_OF_ROLE[role].includes(scope);
  return new MillraceError('AuthorizationError', `This needs the scope ${scope}.`, {
    details: { code: 'scope_missing', required_scope: scope, role, roles_with_scope: roles },
    suggestions: [
      isOfToken
        ? `Your role ${role} has this scope, but your token does not: use a token that has it; you can give one the scope yourself.`
        : `Your role ${role} does not have this scope: ask an administrator for the role ${roles.join(' or ')}.`,
    ],
  });
}
