import type { RestDialect } from './rest-forge.js';

/** Source: https://docs.github.com/en/rest (version 2022-11-28) */
export const githubRest: RestDialect = {
  kind: 'github',
  headers: (token) => ({
    Accept: 'application/vnd.github+json',
    'X-GitHub-Api-Version': '2022-11-28',
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
  }),
  page: (number) => `per_page=100&page=${number}`,
  pageSize: 100,
  newWebhook: ({ url, secret }) => ({
    name: 'web',
    active: true,
    events: ['push', 'pull_request'],
    config: { url, secret, content_type: 'json', insecure_ssl: '0' },
  }),
  takesNewSecrets: true,
  redelivers: true,
  headOf: (branch) => branch.at('commit', 'sha').sha,
};

/** Gitea and Forgejo. Source: https://docs.gitea.com/api */
export const giteaRest: RestDialect = {
  kind: 'gitea',
  headers: (token) => ({ ...(token !== undefined && { Authorization: `token ${token}` }) }),
  page: (number) => `limit=50&page=${number}`,
  pageSize: 50,
  newWebhook: ({ url, secret }) => ({
    type: 'gitea',
    active: true,
    events: ['push', 'pull_request', 'pull_request_sync'],
    config: { url, secret, content_type: 'json' },
  }),
  // It answers 200 to a change, and signs with the first secret for ever.
  takesNewSecrets: false,
  redelivers: false,
  headOf: (branch) => branch.at('commit', 'id').sha,
};
