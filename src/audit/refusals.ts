import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Audit, type AuditDetails, type AuditEntry } from '../common/audit/audit.js';
import { auditedRoute, type AuditedRoute } from '../common/audit/audited.decorator.js';
import { requestSource } from '../common/audit/request-source.js';
import type { MillraceError } from '../common/errors/millrace.error.js';
import { clientNetwork } from '../common/http/client-address.js';
import type { MillraceRequest } from '../common/http/request-context.js';
import type { Route } from '../common/http/route-table.js';
import { isUuid } from '../common/ids/uuid.js';
import { RepeatedEntries } from './repeated-entries.js';
import { routeFacts, targetOf } from './route-facts.js';

/** The fields of a route that are used here. */
export type RefusedRoute = Route & { readonly handler?: object };

/**
 * Hears of every error that is answered, and keeps those that say something of who asks: 403, 401
 * but for the ordinary request without a token, and failures (5xx) of what is audited. Whoever
 * causes them as often as they like fills no store: those of one action, reason, network and actor
 * are one record in a minute, with their number.
 */
@Injectable()
export class Refusals implements OnApplicationShutdown {
  private readonly repeated: RepeatedEntries;

  constructor(audit: Audit) {
    this.repeated = new RepeatedEntries((entry) => audit.note(entry));
  }

  answered(error: MillraceError, request: MillraceRequest, route: RefusedRoute | undefined): void {
    const audited = route?.handler === undefined ? undefined : auditedRoute(route.handler);
    if (!isKept(error, request, audited)) return;
    const entry: AuditEntry = {
      ...requestSource(request),
      action: audited?.action ?? 'requests.call',
      outcome: error.status >= 500 ? 'failed' : 'refused',
      reason: reasonOf(error, request),
      target: targetOfRefusal(audited, request, route),
      details: detailsOfRefusal(error, request, route),
    };
    const { actor, action, reason = '' } = entry;
    const network = clientNetwork(entry.client ?? '');
    this.repeated.add(JSON.stringify([action, reason, network, actor.kind, actor.id]), entry);
  }

  onApplicationShutdown(): void {
    this.repeated.flush();
  }
}

function isKept(
  { status }: MillraceError,
  request: MillraceRequest,
  audited: AuditedRoute | undefined,
): boolean {
  if (status === 403) return true;
  if (status >= 500) return audited !== undefined;
  if (status !== 401) return false;
  // Routes that record by themselves (log-in, webhooks) are open to anybody: there each counts.
  // Elsewhere a request without a token is an ordinary one.
  return audited?.recordedBy === 'route' || bringsCredentials(request);
}

function bringsCredentials({ headers }: MillraceRequest): boolean {
  return headers.authorization !== undefined || headers.cookie !== undefined;
}

function reasonOf(error: MillraceError, request: MillraceRequest): string {
  const code = ownText(error, 'code');
  if (code !== undefined) return code;
  if (error.status === 401) return bringsCredentials(request) ? 'bad_token' : 'no_token';
  return error.kind;
}

/** What a client has made up is in no record: of what it names, only an id that may be one. */
function targetOfRefusal(
  audited: AuditedRoute | undefined,
  request: MillraceRequest,
  route: RefusedRoute | undefined,
): AuditEntry['target'] {
  const named = audited && targetOf(audited, routeFacts(request));
  if (named !== undefined && isUuid(named.id)) return named;
  const path = route?.path ?? '';
  return { kind: 'route', id: path === '' ? '' : `${request.method} ${path}`, name: '' };
}

function detailsOfRefusal(
  error: MillraceError,
  request: MillraceRequest,
  route: RefusedRoute | undefined,
): AuditDetails {
  const scope = ownText(error, 'required_scope');
  const login = ownText(error, 'login');
  return {
    ...(route !== undefined && { route: `${request.method} ${route.path}` }),
    ...(scope !== undefined && { scope }),
    ...(login !== undefined && { login }),
  };
}

function ownText({ details }: MillraceError, name: string): string | undefined {
  if (typeof details !== 'object' || !Object.hasOwn(details, name)) return undefined;
  const value = (details as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' ? value : undefined;
}
