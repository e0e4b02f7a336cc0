import { startedByPeople } from '../../engine/triggers/rule-parts.js';
import type { SecretScope } from './secret-owner.js';

/** What a secret may be for, in the words of `trigger.event`. */
export const SECRET_EVENTS = [
  'push',
  'tag',
  'pull_request',
  'schedule',
  'webhook',
  'manual',
  'cli',
] as const;

export type SecretEvent = (typeof SECRET_EVENTS)[number];

/** Which runs get a secret, of those that may use it. */
export interface SecretRules {
  /** Null = whatever the event is. `manual` is `cli` too, as it is of a trigger. */
  readonly events: readonly SecretEvent[] | null;
  /** Only runs of the default branch and of protected tags. */
  readonly protected: boolean;
}

/** What of a run decides which secrets it is given. */
export interface SecretRun {
  /** As in `trigger.event`. */
  readonly event: string;
  /** Why it is given no protected secret, as the end of a sentence; undefined = it is. */
  readonly unprotected: string | undefined;
}

/** A secret that is there and is not given to a run. */
export interface WithheldSecret extends SecretRules {
  readonly name: string;
  readonly scope: SecretScope;
  readonly why: 'event' | 'protected';
}

/** The rules of a stored secret; older versions have stored none. */
export function rulesOf(stored: Partial<SecretRules>): SecretRules {
  return { events: stored.events ?? null, protected: stored.protected ?? false };
}

/** Why a run is not given a secret of these rules; undefined = it is. */
export function whyWithheld(
  { events, protected: isProtected }: SecretRules,
  { event, unprotected }: SecretRun,
): WithheldSecret['why'] | undefined {
  if (events !== null && !isFor(events, event)) return 'event';
  return isProtected && unprotected !== undefined ? 'protected' : undefined;
}

function isFor(events: readonly string[], event: string): boolean {
  return events.includes(event) || (startedByPeople(event) && events.includes('manual'));
}
