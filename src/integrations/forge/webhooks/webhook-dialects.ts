import type { ForgeKind } from '../forge-event.js';
import { giteaWebhooks } from './gitea-webhooks.js';
import { githubWebhooks } from './github-webhooks.js';
import { gitlabWebhooks } from './gitlab-webhooks.js';
import type { WebhookDialect } from './webhook-dialect.js';

export function webhookDialect(kind: ForgeKind): WebhookDialect {
  switch (kind) {
    case 'github':
      return githubWebhooks;
    case 'gitea':
      return giteaWebhooks;
    case 'gitlab':
      return gitlabWebhooks;
  }
}
