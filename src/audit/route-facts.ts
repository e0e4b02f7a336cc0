import type { AuditDetails, AuditTarget, AuditValue } from '../common/audit/audit.js';
import type { AuditedRoute, AuditFacts } from '../common/audit/audited.decorator.js';
import type { MillraceRequest } from '../common/http/request-context.js';

type Asked = Pick<MillraceRequest, 'params' | 'query' | 'body'>;

/** @param answer what the handler gave; undefined where it refused */
export function routeFacts({ params, query, body }: Asked, answer?: unknown): AuditFacts {
  return {
    param: (name) => ownValue(params, name),
    query: (name) => ownValue(query, name),
    body: (name) => ownValue(body, name),
    answer: (name) => ownValue(answer, name),
  };
}

export function targetOf({ target, id, name }: AuditedRoute, facts: AuditFacts): AuditTarget {
  const own = id === undefined ? (facts.param('id') ?? facts.answer('id')) : id(facts);
  return {
    kind: target,
    id: textOf(own),
    name: textOf(name === undefined ? facts.answer('name') : name(facts)),
  };
}

export function detailsOf({ details }: AuditedRoute, facts: AuditFacts): AuditDetails {
  return Object.fromEntries(
    Object.entries(details?.(facts) ?? {}).flatMap(([name, value]) =>
      isSmall(value) ? [[name, value] as const] : [],
    ),
  );
}

function ownValue(thing: unknown, name: string): unknown {
  if (typeof thing !== 'object' || thing === null || !Object.hasOwn(thing, name)) return undefined;
  return (thing as Readonly<Record<string, unknown>>)[name];
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function isSmall(value: unknown): value is AuditValue {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}
