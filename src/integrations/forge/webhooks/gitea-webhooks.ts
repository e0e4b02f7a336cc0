import { githubLikeEvent, githubLikeRepository } from './github-like.js';
import { isHmac, oneHeader } from './signatures.js';
import type { WebhookDialect } from './webhook-dialect.js';

/** Gitea and Forgejo. Source: https://docs.gitea.com/usage/webhooks */
export const giteaWebhooks: WebhookDialect = {
  kind: 'gitea',
  keptHeaders: [
    'content-type',
    'user-agent',
    'x-gitea-delivery',
    'x-gitea-event',
    'x-gitea-event-type',
  ],
  deliveryId: (headers) => oneHeader(headers['x-gitea-delivery']) ?? null,
  eventName: (headers) => oneHeader(headers['x-gitea-event']) ?? null,
  repositoryHint: () => null,
  verify: (headers, body, secret) => isHmac(oneHeader(headers['x-gitea-signature']), body, secret),
  repositoryMembers: ['repository'],
  repository: githubLikeRepository,
  read: githubLikeEvent,
};
