import type { Reflector } from '@nestjs/core';
import type { ControllerRoute } from '../../common/http/controller-routes.js';
import { ROLES, SCOPES, SCOPES_OF_ROLE, type Role, type Scope } from './policy.js';
import { routeAccess, type RouteAccess } from './route-access.js';

/** An operation and who may call it. */
export interface MatrixRow {
  readonly method: string;
  readonly path: string;
  readonly access: RouteAccess;
}

/** @throws Error for a route that does not say who may call it */
export function accessMatrix(
  reflector: Reflector,
  routes: readonly ControllerRoute[],
): MatrixRow[] {
  return routes.map((route) => {
    const access = routeAccess(reflector, route);
    if (typeof access === 'string') throw new Error(`${route.name}: ${access}`);
    return { method: route.method, path: route.path, access };
  });
}

/** Whether a principal of this role with all of its scopes may call the operation. */
export function mayCall({ access }: MatrixRow, role: Role): boolean {
  return access.kind === 'public' || SCOPES_OF_ROLE[role].includes(access.scope);
}

/** docs/authorization.md, from the policy and the routes. */
export function authorizationPage(rows: readonly MatrixRow[]): string {
  return `# Who may do what

Made from the policy (\`src/auth/policy/policy.ts\`) and the routes; \`src/app/authorization.spec.ts\` holds
it against them, and writes it again: \`WRITE_DOCS=1 npx jest --selectProjects=unit authorization\`.

Every route either is open to anybody or requires one scope; a route that says neither keeps the server from
starting. A principal has the scopes of its role. A token may have fewer of them, never more.

The one token of \`AUTH_MODE=token\`, and everybody with \`AUTH_MODE=none\`, is an \`admin\`.

- 401 \`AuthenticationError\`: nobody that is known.
- 403 \`AuthorizationError\` with \`details.code\` \`scope_missing\`: known, but without the scope. \`details\` names
  the scope and the roles that have it, and \`suggestions\` says whom to ask.

## Scopes

${table(
  ['scope', ...ROLES, 'allows to'],
  Object.entries(SCOPES).map(([scope, text]) => [
    `\`${scope}\``,
    ...ROLES.map((role) => (SCOPES_OF_ROLE[role].includes(scope as Scope) ? 'yes' : '')),
    text,
  ]),
)}

## Operations

\`/api/docs\`, \`/api/docs-json\`, \`/api/docs-yaml\` and the documents at \`/docs\` are open to anybody.

${table(
  ['operation', 'scope', 'without a token', ...ROLES],
  rows.map((row) => [
    `\`${row.method} ${row.path}\``,
    row.access.kind === 'public' ? '' : `\`${row.access.scope}\``,
    unknownMay(row),
    ...ROLES.map((role) => (mayCall(row, role) ? 'yes' : '403')),
  ]),
)}
`;
}

function unknownMay({ access }: MatrixRow): string {
  if (access.kind === 'public') return 'yes';
  return access.opening === undefined ? '401' : `401; yes ${access.opening.when}`;
}

/** As Prettier writes it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) =>
    Math.max(...[head, ...rows].map((row) => (row[column] ?? name).length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}
