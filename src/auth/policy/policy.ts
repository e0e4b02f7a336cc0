/** The roles, from the least rights to the most. */
export const ROLES = ['viewer', 'developer', 'admin'] as const;

export type Role = (typeof ROLES)[number];

/** What each scope allows, for people. A route names exactly one of them (`@Requires`). */
export const SCOPES = {
  'pipelines:read': 'read pipelines, their versions, statistics and badges',
  'pipelines:check': 'validate YAML, and ask what a trigger would do; nothing is stored',
  'pipelines:write': 'create pipelines, replace their YAML, describe, enable and disable them',
  'pipelines:delete': 'delete pipelines',
  'executions:read': 'read executions, their logs, live events and explanations',
  'executions:trigger': 'start executions, and run earlier ones again',
  'executions:cancel': 'cancel executions',
  'metrics:read': 'read the metrics',
  'workers:read': 'read which workers there are',
  'workers:drain': 'let workers take nothing more, and let them take executions again',
  'log_level:read': "read how much the server's own log says",
  'log_level:write': "change how much the server's own log says",
} as const satisfies Readonly<Record<`${string}:${string}`, string>>;

export type Scope = keyof typeof SCOPES;

const VIEWER: readonly Scope[] = [
  'pipelines:read',
  'pipelines:check',
  'executions:read',
  'metrics:read',
];
const DEVELOPER: readonly Scope[] = [
  ...VIEWER,
  'pipelines:write',
  'pipelines:delete',
  'executions:trigger',
  'executions:cancel',
];
const ADMIN: readonly Scope[] = [
  ...DEVELOPER,
  'workers:read',
  'workers:drain',
  'log_level:read',
  'log_level:write',
];

/**
 * The policy: which scopes a role has. The only place that says so; docs/authorization.md is made
 * from it and from the routes.
 */
export const SCOPES_OF_ROLE: Readonly<Record<Role, readonly Scope[]>> = {
  viewer: VIEWER,
  developer: DEVELOPER,
  admin: ADMIN,
};

/** The roles that have a scope, the one with the least rights first. */
export function rolesWith(scope: Scope): Role[] {
  return ROLES.filter((role) => SCOPES_OF_ROLE[role].includes(scope));
}
