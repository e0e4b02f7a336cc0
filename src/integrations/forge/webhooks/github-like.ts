import {
  BLANK_EVENT,
  type ForgeEvent,
  type ForgeRef,
  type ForgeRepository,
  type IgnoredEvent,
} from '../forge-event.js';
import type { Payload } from './payload.js';
import { commitPerson, pushEvent, userOf } from './push-event.js';

/** Payloads of GitHub, and of Gitea, which has taken its form. */
export function githubLikeEvent(event: string, payload: Payload): ForgeEvent | IgnoredEvent {
  if (!payload.isObject) {
    return { ignored: 'malformed', message: 'The body is no JSON object.' };
  }
  if (event === 'push') return push(payload);
  if (event === 'pull_request') return pullRequest(payload);
  return { ignored: 'unknown_event', message: `Nothing starts by "${event}".` };
}

export function githubLikeRepository(payload: Payload): ForgeRepository | null {
  const repository = payload.at('repository');
  const id = repository.at('id').id;
  return id === null ? null : { id, fullName: repository.at('full_name').text };
}

function push(payload: Payload): ForgeEvent | IgnoredEvent {
  const head = payload.at('head_commit');
  return pushEvent(payload, {
    headCommit: head.at('id').sha,
    message: head.at('message').text,
    author: commitPerson(head.at('author')),
    actor: userOf(payload.at('sender')),
  });
}

/** What some forges call otherwise. */
const ACTIONS: ReadonlyMap<string, string> = new Map([['synchronized', 'synchronize']]);

function pullRequest(payload: Payload): ForgeEvent | IgnoredEvent {
  const request = payload.at('pull_request');
  const number = payload.at('number').number ?? request.at('number').number;
  const action = payload.at('action').text;
  const base = refOf(request.at('base'));
  const head = refOf(request.at('head'));
  if (number === null || action === null || head.commit === null) {
    const message = 'The pull request names no number, no action or no head commit.';
    return { ignored: 'malformed', message };
  }
  return {
    ...BLANK_EVENT,
    kind: 'pull_request',
    commit: head.commit,
    base,
    head,
    number,
    action: ACTIONS.get(action) ?? action,
    baseChanged: payload.at('changes', 'base').isObject || payload.at('changes', 'ref').isObject,
    title: request.at('title').text,
    author: userOf(request.at('user')),
    actor: userOf(payload.at('sender')),
    labels: request.at('labels').list?.flatMap((label) => label.at('name').text ?? []) ?? [],
    draft: request.at('draft').flag,
    fork: head.repositoryId === null || head.repositoryId !== base.repositoryId,
  };
}

function refOf(payload: Payload): ForgeRef {
  return {
    branch: payload.at('ref').text,
    commit: payload.at('sha').sha,
    repositoryId: payload.at('repo', 'id').id,
    cloneUrl: payload.at('repo', 'clone_url').text,
  };
}
