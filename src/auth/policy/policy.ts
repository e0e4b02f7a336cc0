/** The roles of people, from the least rights to the most; each may do what those before it may. */
export const ROLE_LADDER = ['viewer', 'developer', 'admin'] as const;

/** All roles; `service_account`, that of programs, stands beside the ladder. */
export const ROLES = [...ROLE_LADDER, 'service_account'] as const;

export type Role = (typeof ROLES)[number];

/** What each scope allows, for people. A route names exactly one of them (`@Requires`). */
export const SCOPES = {
  'pipelines:read': 'read pipelines, their versions, statistics and badges',
  'pipelines:check': 'validate YAML, and ask what a trigger would do; nothing is stored',
  'pipelines:write': 'create pipelines, replace their YAML, describe, enable and disable them',
  'pipelines:delete': 'delete pipelines',
  'projects:detect': 'ask what kind of project a repository or an archive holds; nothing is stored',
  'executions:read': 'read executions, their logs, live events and explanations',
  'executions:trigger': 'start executions, and run earlier ones again',
  'executions:cancel': 'cancel executions',
  'executions:approve': 'approve and reject steps that wait for people, where they name one',
  'deployments:read': 'read what was deployed, and why',
  'services:read': 'read which services there are, their state and history, and where they answer',
  'services:register': 'register services, change and remove what is registered',
  'services:heartbeat': 'say that a service lives',
  'deployments:deploy': 'deploy without a step, promote and roll back, and cancel deployments',
  'deployments:approve': 'approve and reject deployments, where their environment names one',
  'environments:read': 'read who may deploy where, what serves there, and what waits',
  'environments:write': 'say who may deploy where, and pass over the approvals of others',
  'repositories:read': 'read which repositories are connected',
  'repositories:connect': 'connect repositories, change and end connections',
  'secrets:read': 'read the names of secrets; nothing shows a value',
  'secrets:write': 'set and delete secrets',
  'encryption_keys:read': 'read which keys encrypt what is stored; nothing shows a key',
  'encryption_keys:write': 'make a new encryption key, and drop one that nothing uses',
  'deliveries:read': 'read which webhooks came in, and what was decided',
  'deliveries:replay': 'decide a webhook that came in once more',
  'deliveries:approve': 'start what a pull request of another repository asks for',
  'metrics:read': 'read the metrics',
  'ports:read': 'read which ports are given, to what, and which are skipped',
  'workers:read': 'read which workers there are',
  'workers:drain': 'let workers take nothing more, and let them take executions again',
  'log_level:read': "read how much the server's own log says",
  'log_level:write': "change how much the server's own log says",
  'sessions:read': 'read who one is, and list the own sessions',
  'sessions:end': 'end the own sessions',
  'tokens:read': 'list the own personal tokens',
  'tokens:write': 'make and revoke the own personal tokens, within the own rights',
  'users:read': 'read who has logged in',
  'users:write': 'change roles, and block people',
  'service_accounts:read': 'read which service accounts and tokens of them there are',
  'service_accounts:write': 'make and remove service accounts and their tokens',
  'audit:read': 'read who did what, and verify that nothing of it was changed',
} as const satisfies Readonly<Record<`${string}:${string}`, string>>;

export type Scope = keyof typeof SCOPES;

const VIEWER: readonly Scope[] = [
  'pipelines:read',
  'pipelines:check',
  'executions:read',
  'deployments:read',
  'services:read',
  'environments:read',
  'repositories:read',
  'metrics:read',
  'ports:read',
  'sessions:read',
  'sessions:end',
  'tokens:read',
  'tokens:write',
];
const DEVELOPER: readonly Scope[] = [
  ...VIEWER,
  'pipelines:write',
  'pipelines:delete',
  'projects:detect',
  'executions:trigger',
  'executions:cancel',
  'deployments:deploy',
  'services:register',
  'services:heartbeat',
  'deployments:approve',
  'executions:approve',
  'deliveries:read',
  'deliveries:replay',
  'deliveries:approve',
  'secrets:read',
];
const ADMIN: readonly Scope[] = [
  ...DEVELOPER,
  'environments:write',
  'repositories:connect',
  'secrets:write',
  'encryption_keys:read',
  'encryption_keys:write',
  'workers:read',
  'workers:drain',
  'log_level:read',
  'log_level:write',
  'users:read',
  'users:write',
  'service_accounts:read',
  'service_accounts:write',
  'audit:read',
];
/** Starts what others have written, and watches it; changes no pipeline and makes no token. */
const SERVICE_ACCOUNT: readonly Scope[] = [
  'pipelines:read',
  'pipelines:check',
  'executions:read',
  'executions:trigger',
  'executions:cancel',
  'deployments:read',
  'deployments:deploy',
  'services:read',
  'services:register',
  'services:heartbeat',
  'environments:read',
  'repositories:read',
  'metrics:read',
  'ports:read',
  'sessions:read',
];

/**
 * The policy: which scopes a role has. The only place that says so; docs/authorization.md is made
 * from it and from the routes.
 */
export const SCOPES_OF_ROLE: Readonly<Record<Role, readonly Scope[]>> = {
  viewer: VIEWER,
  developer: DEVELOPER,
  admin: ADMIN,
  service_account: SERVICE_ACCOUNT,
};

/** The roles that have a scope, the one with the least rights first. */
export function rolesWith(scope: Scope): Role[] {
  return ROLES.filter((role) => SCOPES_OF_ROLE[role].includes(scope));
}
