import type { OpenAPIObject } from '@nestjs/swagger';
import type { MillraceError } from '../../common/errors/millrace.error.js';
import { scopeMissing } from './missing-scope.js';
import { tokenMissing } from './missing-token.js';
import { ROLE_LADDER, rolesWith, SCOPES_OF_ROLE, type Scope } from './policy.js';
import { SCOPE_EXTENSION } from './requires.decorator.js';

interface Operation {
  description?: string;
  readonly [SCOPE_EXTENSION]?: Scope;
}

/**
 * Says in words of every operation which scope it requires and who has it. Changes the document and
 * gives it back.
 */
export function describeAccess(document: OpenAPIObject): OpenAPIObject {
  for (const item of Object.values(document.paths)) {
    for (const operation of Object.values(item) as Operation[]) {
      const scope = operation[SCOPE_EXTENSION];
      if (scope === undefined) continue;
      const text = `Requires the scope \`${scope}\` (${rolesWith(scope).join(', ')}).`;
      const before = operation.description ?? '';
      operation.description = before === '' ? text : `${before} ${text}`;
    }
  }
  return document;
}

/** How an operation refuses whoever is not known, or may not; undefined: anybody may ask it. */
export function accessError(status: number, operation: object): MillraceError | undefined {
  const { [SCOPE_EXTENSION]: scope } = operation as Operation;
  if (scope === undefined) return undefined;
  if (status === 401) return tokenMissing();
  if (status !== 403) return undefined;
  // Where every role has the scope, only tokens lack it.
  const without = ROLE_LADDER.find((role) => !SCOPES_OF_ROLE[role].includes(scope));
  return scopeMissing(scope, without ?? 'viewer');
}
