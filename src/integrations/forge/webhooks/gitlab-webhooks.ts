import {
  BLANK_EVENT,
  type ForgeEvent,
  type ForgePerson,
  type IgnoredEvent,
} from '../forge-event.js';
import type { Payload } from './payload.js';
import { commitPerson, pushEvent } from './push-event.js';
import { isSameText, oneHeader } from './signatures.js';
import type { WebhookDialect } from './webhook-dialect.js';

/** Source: https://docs.gitlab.com/user/project/integrations/webhook_events/ */
export const gitlabWebhooks: WebhookDialect = {
  kind: 'gitlab',
  keptHeaders: [
    'content-type',
    'idempotency-key',
    'user-agent',
    'x-gitlab-event',
    'x-gitlab-event-uuid',
    'x-gitlab-instance',
  ],
  deliveryId: (headers) =>
    oneHeader(headers['idempotency-key']) ?? oneHeader(headers['x-gitlab-event-uuid']) ?? null,
  eventName: (headers) => oneHeader(headers['x-gitlab-event']) ?? null,
  repositoryHint: () => null,
  verify: (headers, _body, secret) => isSameText(oneHeader(headers['x-gitlab-token']), secret),
  repositoryMembers: ['project', 'project_id'],
  repository: (payload) => {
    const id = payload.at('project', 'id').id ?? payload.at('project_id').id;
    return id === null ? null : { id, fullName: payload.at('project', 'path_with_namespace').text };
  },
  read: (event, payload) => {
    if (!payload.isObject) return { ignored: 'malformed', message: 'The body is no JSON object.' };
    switch (payload.at('object_kind').text) {
      case 'push':
      case 'tag_push':
        return push(payload);
      case 'merge_request':
        return mergeRequest(payload);
      default:
        return { ignored: 'unknown_event', message: `Nothing starts by "${event}".` };
    }
  },
};

function push(payload: Payload): ForgeEvent | IgnoredEvent {
  const sha = payload.at('checkout_sha').sha;
  const head = payload.at('commits').list?.find((commit) => commit.at('id').sha === sha);
  return pushEvent(payload, {
    headCommit: sha,
    message: head?.at('message').text ?? null,
    author: head ? commitPerson(head.at('author')) : null,
    actor: {
      id: payload.at('user_id').id,
      name: payload.at('user_username').text ?? payload.at('user_name').text,
      email: payload.at('user_email').text,
    },
  });
}

/** GitLab's word to GitHub's. `update` is `synchronize` when commits came, else `edited`. */
const ACTIONS: ReadonlyMap<string, string> = new Map([
  ['open', 'opened'],
  ['reopen', 'reopened'],
  ['close', 'closed'],
  ['merge', 'closed'],
]);

function mergeRequest(payload: Payload): ForgeEvent | IgnoredEvent {
  const request = payload.at('object_attributes');
  const number = request.at('iid').number;
  const action = request.at('action').text;
  const commit = request.at('last_commit', 'id').sha;
  if (number === null || action === null || commit === null) {
    const message = 'The merge request names no number, no action or no head commit.';
    return { ignored: 'malformed', message };
  }
  const update = request.at('oldrev').sha === null ? 'edited' : 'synchronize';
  const isReady = payload.at('changes', 'draft', 'current').isSame(false);
  const source = request.at('source_project_id').id;
  const target = request.at('target_project_id').id;
  return {
    ...BLANK_EVENT,
    kind: 'pull_request',
    commit,
    base: {
      branch: request.at('target_branch').text,
      commit: null,
      repositoryId: target,
      cloneUrl: request.at('target', 'git_http_url').text,
    },
    head: {
      branch: request.at('source_branch').text,
      commit,
      repositoryId: source,
      cloneUrl: request.at('source', 'git_http_url').text,
    },
    number,
    action:
      action === 'update'
        ? isReady
          ? 'ready_for_review'
          : update
        : (ACTIONS.get(action) ?? action),
    baseChanged: payload.at('changes', 'target_branch').isObject,
    title: request.at('title').text,
    author: { id: request.at('author_id').id, name: null, email: null },
    actor: gitlabUser(payload.at('user')),
    labels: payload.at('labels').list?.flatMap((label) => label.at('title').text ?? []) ?? [],
    draft: request.at('draft').flag || request.at('work_in_progress').flag,
    fork: source === null || source !== target,
  };
}

function gitlabUser(payload: Payload): ForgePerson | null {
  if (!payload.isObject) return null;
  return { id: payload.at('id').id, name: payload.at('username').text, email: null };
}
