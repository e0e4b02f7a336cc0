import type { KnownCaller, MillraceRequest } from '../http/request-context.js';
import { UNKNOWN_ACTOR, type AuditActor, type AuditEntry } from './audit.js';

/** Who sends a request, from where. */
export function requestSource(
  request: Pick<MillraceRequest, 'id' | 'clientAddress' | 'principal'>,
): Pick<AuditEntry, 'actor' | 'client' | 'requestId'> {
  const { principal, clientAddress, id } = request;
  return {
    actor: principal === undefined ? UNKNOWN_ACTOR : actorOf(principal),
    client: clientAddress,
    requestId: id,
  };
}

export function actorOf({ id, kind, name, credential }: KnownCaller): AuditActor {
  return {
    kind,
    id,
    name: name ?? '',
    credential: credential === undefined ? '' : `${credential.kind} ${credential.id}`,
  };
}
