import type { TriggerEvent } from '../../engine/triggers/trigger-event.js';
import type { ForgeEvent } from '../../integrations/forge/forge-event.js';

/** What the rules of a pipeline are asked with. */
export function triggerEventOf(event: ForgeEvent): TriggerEvent {
  const { kind, branch, tag, base, action, changedPaths, title, message } = event;
  const skipText = kind === 'pull_request' ? title : kind === 'push' ? subjectOf(message) : null;
  const isKnownBranch = kind === 'pull_request' ? (base?.branch ?? null) : branch;
  return {
    event: kind,
    ...(isKnownBranch !== null && { branch: isKnownBranch }),
    ...(tag !== null && { tag }),
    changedPaths,
    ...(action !== null && { pullRequestType: action }),
    ...(kind === 'pull_request' && {
      baseChanged: event.baseChanged,
      draft: event.draft,
      fork: event.fork,
    }),
    ...(skipText !== null && { skipText }),
  };
}

/** The first line, and a trailer that asks for no checks. */
function subjectOf(message: string | null): string | null {
  if (message === null) return null;
  const [subject = '', ...rest] = message.split('\n');
  const trailer = rest.find((line) => /^skip-checks: *true$/i.test(line));
  return trailer === undefined ? subject : `${subject}\n${trailer}`;
}
