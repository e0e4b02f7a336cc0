import type { OpenAPIObject } from '@nestjs/swagger';
import { rolesWith, type Scope } from './policy.js';
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
