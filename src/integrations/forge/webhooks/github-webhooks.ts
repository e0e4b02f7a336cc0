import { githubLikeEvent, githubLikeRepository } from './github-like.js';
import { isHmac, oneHeader } from './signatures.js';
import type { WebhookDialect } from './webhook-dialect.js';

/** Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads */
export const githubWebhooks: WebhookDialect = {
  kind: 'github',
  keptHeaders: [
    'content-type',
    'user-agent',
    'x-github-delivery',
    'x-github-event',
    'x-github-hook-id',
  ],
  deliveryId: (headers) => oneHeader(headers['x-github-delivery']) ?? null,
  eventName: (headers) => oneHeader(headers['x-github-event']) ?? null,
  repositoryHint: (headers) =>
    headers['x-github-hook-installation-target-type'] === 'repository'
      ? (oneHeader(headers['x-github-hook-installation-target-id']) ?? null)
      : null,
  verify: (headers, body, secret) => {
    const signature = oneHeader(headers['x-hub-signature-256']);
    const hex = signature?.startsWith('sha256=') ? signature.slice('sha256='.length) : undefined;
    return isHmac(hex, body, secret);
  },
  repositoryMembers: ['repository'],
  repository: githubLikeRepository,
  read: (event, payload) =>
    event === 'ping'
      ? { ignored: 'ping', message: 'The forge has reached the webhook.' }
      : githubLikeEvent(event, payload),
};
