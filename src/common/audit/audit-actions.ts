/**
 * Everything that the audit names, and what it means. The only list: the API, its document and the
 * command line read it.
 */
export const AUDIT_ACTIONS = {
  'sessions.login': 'somebody logged in, or was refused',
  'sessions.refresh': 'a refresh token was refused',
  'sessions.stolen': 'a refresh token came again, so its session ended',
  'sessions.end': 'a session was ended: a log-out',
  'sessions.end_all': 'all sessions of a user were ended by the user',
  'users.change': 'a role was given, or somebody was blocked or let in again',
  'users.access_lost': 'a user may no longer log in, and lost all sessions and tokens',
  'tokens.create': 'a token was made',
  'tokens.revoke': 'a token was revoked',
  'caches.delete': 'a cache of a pipeline was removed',
  'service_accounts.create': 'an account for a program was made',
  'service_accounts.delete': 'an account for a program was removed, with its tokens',
  'secrets.set': 'a secret was stored or replaced',
  'secrets.change': 'which runs get a secret was changed',
  'secrets.delete': 'a secret was removed',
  'encryption_keys.rotate': 'a new encryption key was made',
  'encryption_keys.drop': 'an encryption key that nothing uses was dropped',
  'repositories.connect': 'a repository was connected, or its connection brought up to date',
  'repositories.change': 'the settings of a connection were changed',
  'repositories.disconnect': 'a connection was ended',
  'repositories.rotate_secret': 'a new webhook secret was made',
  'deliveries.replay': 'a delivery was decided once more',
  'webhooks.receive': 'a webhook was refused, as its signature is not good',
  'pipelines.create': 'a pipeline was created',
  'pipelines.replace': 'the YAML of a pipeline was replaced',
  'pipelines.change': 'a pipeline was described, enabled or disabled',
  'pipelines.rotate_secret': 'a new secret for the webhook of a pipeline was made',
  'pipelines.delete': 'a pipeline was deleted',
  'pipelines.set_channel': 'a channel for the ends of executions was made or replaced',
  'pipelines.remove_channel': 'a channel for the ends of executions was removed',
  'executions.trigger': 'an execution was started: by hand, by the API or by an event',
  'executions.rerun': 'an execution was run again',
  'executions.cancel': 'an execution was cancelled',
  'executions.approve': 'an execution that waited for it was approved',
  'executions.approve_step': 'a step was approved, or put through by an administrator',
  'executions.reject_step': 'a step that waited for approvals was rejected',
  'deployments.rollback': 'an earlier release was asked to serve again',
  'deployments.deploy': 'an image or an artifact was asked to be put into service by the API',
  'deployments.promote': 'a release was asked to serve in another environment too',
  'deployments.cancel': 'a deployment was asked to stop before its switch',
  'services.register': 'a service was registered',
  'services.change': 'what is registered of a service was changed',
  'services.remove': 'a service was removed from the registry',
  'services.stop': 'a service was asked to stop',
  'services.start': 'a service that was stopped was asked to start',
  'services.restart': 'a service was asked to restart',
  'services.maintain': 'a maintenance window of a service was begun',
  'services.end_maintenance': 'a maintenance window of a service was ended',
  'services.set_channel': 'a channel for the alerts of a service was made or replaced',
  'services.remove_channel': 'a channel for the alerts of a service was removed',
  'services.heartbeat': 'a service was registered by its first heartbeat',
  'deployments.approve': 'a deployment was approved, or put through by an administrator',
  'deployments.reject': 'a deployment that waited for approvals was rejected',
  'environments.set': 'who may deploy to an environment, and who approves, was said',
  'environments.delete': 'the limits of an environment were taken away',
  'workers.drain': 'a worker was told to take nothing more',
  'workers.resume': 'a drained worker was let take executions again',
  'log_level.set': "the level of the server's own log was changed",
  'log_level.reset': "the level of the server's own log was set back",
  'requests.call': 'a request was refused that is of no other action',
  'audit.retention': 'records at their age were removed',
  'audit.lost': 'records could not be kept, and were counted',
} as const satisfies Readonly<Record<`${string}.${string}`, string>>;

export type AuditAction = keyof typeof AUDIT_ACTIONS;

export const AUDIT_ACTION_NAMES = Object.keys(AUDIT_ACTIONS) as AuditAction[];

/**
 * `success`: it was done. `refused`: 401 or 403. `failed`: the server failed (5xx), and whether it
 * was done is not known.
 */
export const AUDIT_OUTCOMES = ['success', 'refused', 'failed'] as const;

export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];
