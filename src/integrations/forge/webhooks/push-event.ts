import {
  BLANK_EVENT,
  type ForgeEvent,
  type ForgePerson,
  type IgnoredEvent,
} from '../forge-event.js';
import type { Payload } from './payload.js';

const BRANCHES = 'refs/heads/';
const TAGS = 'refs/tags/';

/** More commits than these are not all in a payload. */
const MOST_COMMITS = 20;

/** What a push has, whatever the forge; `change` are the members that differ. */
export function pushEvent(
  payload: Payload,
  change: Pick<ForgeEvent, 'actor' | 'message' | 'author'> & { readonly headCommit: string | null },
): ForgeEvent | IgnoredEvent {
  const { headCommit, ...people } = change;
  const ref = payload.at('ref').text;
  const isTag = ref?.startsWith(TAGS) === true;
  if (ref === null || !(isTag || ref.startsWith(BRANCHES))) {
    const message = 'The push is neither of a branch nor of a tag.';
    return { ignored: 'unknown_ref', message };
  }
  const after = payload.at('after').sha;
  const before = payload.at('before').sha;
  return {
    ...BLANK_EVENT,
    ...people,
    kind: isTag ? 'tag' : 'push',
    branch: isTag ? null : ref.slice(BRANCHES.length),
    tag: isTag ? ref.slice(TAGS.length) : null,
    before,
    // Of an annotated tag, `after` is the tag object.
    commit: after === null ? null : isTag ? (headCommit ?? after) : after,
    changedPaths: isTag || before === null ? 'unknown' : changedPaths(payload),
  };
}

/** The files of the commits of a push; `unknown` where the payload does not have all of them. */
function changedPaths(payload: Payload): ForgeEvent['changedPaths'] {
  const commits = payload.at('commits').list;
  const total = payload.at('total_commits').number ?? payload.at('total_commits_count').number;
  if (payload.at('forced').flag || commits === null || commits.length === 0) return 'unknown';
  if (commits.length >= MOST_COMMITS || (total ?? 0) > commits.length) return 'unknown';
  const paths = new Set<string>();
  for (const commit of commits) {
    for (const kind of ['added', 'removed', 'modified']) {
      const texts = commit.at(kind).texts;
      if (texts === null) return 'unknown';
      for (const path of texts) paths.add(path);
    }
  }
  return [...paths];
}

/** A person as commits name one. */
export function commitPerson(payload: Payload): ForgePerson | null {
  if (!payload.isObject) return null;
  return { id: null, name: payload.at('name').text, email: payload.at('email').text };
}

/** A user of GitHub or Gitea. */
export function userOf(payload: Payload): ForgePerson | null {
  if (!payload.isObject) return null;
  return {
    id: payload.at('id').id,
    name: payload.at('login').text ?? payload.at('username').text,
    email: payload.at('email').text,
  };
}
