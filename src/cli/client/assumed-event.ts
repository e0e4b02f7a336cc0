import type { ForgeEvent, ForgeKind, IgnoredEvent } from '../../integrations/forge/forge-event.js';
import { Payload } from '../../integrations/forge/webhooks/payload.js';
import { webhookDialect } from '../../integrations/forge/webhooks/webhook-dialects.js';
import type {
  AssumedEvent,
  AssumedPullRequest,
} from '../../pipelines/trigger-request/assumed-trigger.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { readSource } from '../command/read-source.js';

/** What `plan` is told of an event. */
export interface EventFlags {
  readonly event: string;
  readonly branch?: string;
  readonly tag?: string;
  readonly commit?: string;
  readonly repository?: string;
  readonly changed?: readonly string[];
  readonly message?: string;
  readonly base?: string;
  readonly head?: string;
  readonly action?: string;
  readonly title?: string;
  readonly draft?: boolean;
  readonly fork?: boolean;
}

/** @throws CommandError for values that no such event has */
export function assumedEventOf(flags: EventFlags): AssumedEvent {
  const { event, branch, tag, commit, repository, changed: changedPaths, message } = flags;
  const pullRequest = pullRequestOf(flags);
  if (branch !== undefined && tag !== undefined) {
    throw new CommandError('An event is of a branch or of a tag, not of both.', exitCodes.usage, [
      'Leave one of them out; --commit may come with either.',
    ]);
  }
  if (pullRequest !== undefined && event !== 'pull_request') {
    throw new CommandError(
      '--base, --head, --action, --title, --draft and --fork are of pull requests.',
      exitCodes.usage,
      ['Add --event pull_request.'],
    );
  }
  return {
    event,
    actor: 'cli',
    branch,
    tag,
    commit: commit?.toLowerCase(),
    repository,
    message,
    changedPaths,
    pullRequest,
  };
}

function pullRequestOf(flags: EventFlags): AssumedPullRequest | undefined {
  const { base: baseBranch, head: headBranch, action, title, draft, fork } = flags;
  const values = { baseBranch, headBranch, action, title, draft, fork };
  return Object.values(values).every((value) => value === undefined) ? undefined : values;
}

/**
 * The event of a payload as a forge sends it.
 * @throws CommandError when it is no JSON, or of no form that is known
 */
export async function eventOfFile(
  file: string,
  forge: ForgeKind | undefined,
): Promise<ForgeEvent | IgnoredEvent> {
  const payload = parse(file, await readSource(file));
  const name = eventName(payload);
  if (name === undefined) {
    throw new CommandError(
      `${file}: this is no payload of a push, a tag or a pull request.`,
      exitCodes.usage,
      ['Copy the whole body of a delivery from the webhooks page of the forge.'],
    );
  }
  const isGitLab = payload.at('object_kind').text !== null;
  return webhookDialect(forge ?? (isGitLab ? 'gitlab' : 'github')).read(name, payload);
}

function parse(file: string, text: string): Payload {
  try {
    return Payload.parse(Buffer.from(text));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CommandError(`${file}: this is no JSON.`, exitCodes.usage);
  }
}

/** A forge says it in a header, which no file has; the form of the body says the same. */
function eventName(payload: Payload): string | undefined {
  const kind = payload.at('object_kind').text;
  if (kind !== null) return kind;
  if (payload.at('pull_request').isObject) return 'pull_request';
  return payload.at('ref').text !== null && payload.at('after').text !== null ? 'push' : undefined;
}
