import { SetMetadata } from '@nestjs/common';
import type { AuditAction } from './audit-actions.js';

export const AUDITED_KEY = 'millrace:audited';
export const NOT_AUDITED_KEY = 'millrace:not-audited';

/** What a route has been asked and has answered; `undefined` where there is no such property. */
export interface AuditFacts {
  readonly param: (name: string) => unknown;
  readonly query: (name: string) => unknown;
  readonly body: (name: string) => unknown;
  readonly answer: (name: string) => unknown;
}

export interface AuditedRoute {
  readonly action: AuditAction;
  /** Kind of what it is done to. */
  readonly target: string;
  /** Default: the parameter `id`, else the property `id` of the answer. */
  readonly id?: (facts: AuditFacts) => unknown;
  /** Of what it is done to. Default: the property `name` of the answer. */
  readonly name?: (facts: AuditFacts) => unknown;
  /**
   * What else is kept, under names of ours. Values that are no text, number or flag are left out.
   * Never a secret: it stands in the record as it is.
   */
  readonly details?: (facts: AuditFacts) => Readonly<Record<string, unknown>>;
  /**
   * Who records a success; of what was so before there is none (`changedValue`). `interceptor`
   * (default): the record is stored before the answer is sent. `later`: the interceptor too, but
   * the answer does not wait for it. `route`: the route itself; `action` is then that of its
   * refusals.
   */
  readonly recordedBy?: 'interceptor' | 'later' | 'route';
}

/**
 * What the route does is kept in the audit: its success by `AuditInterceptor`, its refusals by
 * `Refusals`. Every route that changes something has this or `@NotAudited`.
 */
export function Audited(
  action: AuditAction,
  target: string,
  options: Omit<AuditedRoute, 'action' | 'target'> = {},
): MethodDecorator {
  const route: AuditedRoute = { action, target, ...options };
  return SetMetadata(AUDITED_KEY, route);
}

/** The route has the method of one that changes something, but has nothing to keep. */
export function NotAudited(reason: string): MethodDecorator {
  return SetMetadata(NOT_AUDITED_KEY, reason);
}

/** What `@Audited` says of a handler. */
export function auditedRoute(handler: object): AuditedRoute | undefined {
  return Reflect.getMetadata(AUDITED_KEY, handler) as AuditedRoute | undefined;
}

/** What `@NotAudited` says of a handler. */
export function notAudited(handler: object): string | undefined {
  return Reflect.getMetadata(NOT_AUDITED_KEY, handler) as string | undefined;
}
