import type { IncomingHttpHeaders } from 'node:http';
import type { ForgeEvent, ForgeKind, ForgeRepository, IgnoredEvent } from '../forge-event.js';
import type { Payload } from './payload.js';

/** How a forge sends webhooks. Pure: it asks nobody. */
export interface WebhookDialect {
  readonly kind: ForgeKind;
  /** Headers of a request that are kept with it; none of them holds a secret. */
  readonly keptHeaders: readonly string[];
  /** Id that the forge gave to this delivery; the same when it sends it again. Null: none. */
  deliveryId(headers: IncomingHttpHeaders): string | null;
  /** `push`, as the forge names it. */
  eventName(headers: IncomingHttpHeaders): string | null;
  /** Id of the repository where a header tells it; a guess until the signature is verified. */
  repositoryHint(headers: IncomingHttpHeaders): string | null;
  /** Whether the sender knows the secret. Takes the same time whatever is wrong. */
  verify(headers: IncomingHttpHeaders, body: Buffer, secret: string): boolean;
  /** What `repository` reads of the payload: all that is read before the signature is verified. */
  readonly repositoryMembers: readonly string[];
  /** The repository that the payload is about; null = it names none. */
  repository(payload: Payload): ForgeRepository | null;
  read(event: string, payload: Payload): ForgeEvent | IgnoredEvent;
}
