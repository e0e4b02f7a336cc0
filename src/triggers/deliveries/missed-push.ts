import { BLANK_EVENT, type ForgeEvent } from '../../integrations/forge/forge-event.js';
import { Payload } from '../../integrations/forge/webhooks/payload.js';

/** A branch has another commit at its forge than the one that was seen last. */
export interface MissedPush {
  readonly branch: string;
  /** Null: the branch is new. */
  readonly before: string | null;
  readonly commit: string;
}

/** The body of its delivery: no webhook has told of it, so it is ours. */
export function missedPushBody({ branch, before, commit }: MissedPush): Buffer {
  return Buffer.from(JSON.stringify({ branch, before, commit }));
}

export function missedPushEvent(body: Buffer): ForgeEvent {
  const payload = Payload.parse(body);
  return {
    ...BLANK_EVENT,
    kind: 'push',
    branch: payload.at('branch').text,
    before: payload.at('before').sha,
    commit: payload.at('commit').sha,
  };
}
