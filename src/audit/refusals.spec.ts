import type { AuditEntry } from '../common/audit/audit.js';
import { Audited } from '../common/audit/audited.decorator.js';
import { MemoryAudit } from '../common/audit/memory-audit.fixture.js';
import { MillraceError, serviceUnavailable } from '../common/errors/millrace.error.js';
import type { MillraceRequest } from '../common/http/request-context.js';
import { uuidV7 } from '../common/ids/uuid.js';
import { Refusals, type RefusedRoute } from './refusals.js';

class Routes {
  plain(): void {}

  @Audited('pipelines.delete', 'pipeline')
  changing(): void {}

  @Audited('webhooks.receive', 'repository', { recordedBy: 'route' })
  webhook(): void {}
}

function routeOf(handler: keyof Routes, path: string): RefusedRoute {
  return { method: 'POST', path, handler: Routes.prototype[handler] };
}

const plain = routeOf('plain', '/api/plain');
const changing = routeOf('changing', '/api/ci/pipelines/:id');
const webhook = routeOf('webhook', '/api/repositories/:id/webhook');
const unauthenticated = new MillraceError('AuthenticationError', 'Who?');
const forbidden = new MillraceError('AuthorizationError', 'No.', {
  details: { code: 'scope_missing', required_scope: 'pipelines:delete' },
});

describe('Refusals', () => {
  let audit: MemoryAudit;
  let refusals: Refusals;
  const id = uuidV7();
  const request = (change: object = {}): MillraceRequest =>
    ({
      id: 'r-1',
      method: 'POST',
      clientAddress: '192.0.2.7',
      headers: {},
      params: { id },
      ...change,
    }) as unknown as MillraceRequest;
  const kept = (
    error: MillraceError,
    asked: MillraceRequest,
    route: RefusedRoute | undefined,
  ): AuditEntry | undefined => {
    refusals.answered(error, asked, route);
    return audit.entries.at(-1);
  };

  beforeEach(() => {
    audit = new MemoryAudit();
    refusals = new Refusals(audit);
  });
  afterEach(() => refusals.onApplicationShutdown());

  it('are not the ordinary request without a token, nor other errors', () => {
    expect(kept(unauthenticated, request(), plain)).toBeUndefined();
    expect(kept(unauthenticated, request(), changing)).toBeUndefined();
    for (const kind of ['ValidationError', 'NotFoundError', 'RateLimitError'] as const) {
      expect(kept(new MillraceError(kind, ''), request(), changing)).toBeUndefined();
    }
    expect(kept(serviceUnavailable('away'), request(), plain)).toBeUndefined();
  });

  it('are a token that is not good, without the token', () => {
    const headers = { authorization: 'Bearer secret-text' };
    expect(kept(unauthenticated, request({ headers }), plain)).toMatchObject({
      action: 'requests.call',
      outcome: 'refused',
      reason: 'bad_token',
      actor: { kind: 'unknown' },
      client: '192.0.2.7',
      requestId: 'r-1',
      target: { kind: 'route', id: 'POST /api/plain' },
    });
    expect(JSON.stringify(audit.entries)).not.toContain('secret-text');
    expect(kept(unauthenticated, request({ headers: { cookie: 'x' } }), plain)).toBeDefined();
  });

  it('are what somebody may not do', () => {
    const principal = { id: 'u', kind: 'user', name: 'eve' };
    expect(kept(forbidden, request({ principal }), changing)).toMatchObject({
      action: 'pipelines.delete',
      reason: 'scope_missing',
      actor: { kind: 'user', id: 'u', name: 'eve' },
      target: { kind: 'pipeline', id },
      details: { scope: 'pipelines:delete' },
    });
  });

  it('are webhooks whose signature is not good, of a repository where there may be one', () => {
    expect(kept(unauthenticated, request(), webhook)).toMatchObject({
      action: 'webhooks.receive',
      reason: 'no_token',
      target: { kind: 'repository', id },
    });
    const made = request({ params: { id: 'x'.repeat(5_000) }, clientAddress: '192.0.2.8' });
    expect(kept(unauthenticated, made, webhook)).toMatchObject({
      target: { kind: 'route', id: 'POST /api/repositories/:id/webhook' },
    });
  });

  it('are failures of what changes something: whether it was done is not known', () => {
    expect(kept(serviceUnavailable('away'), request(), changing)).toMatchObject({
      action: 'pipelines.delete',
      outcome: 'failed',
      reason: 'ServiceUnavailableError',
    });
  });

  it('of paths that are no route name none', () => {
    expect(kept(forbidden, request(), undefined)).toMatchObject({
      target: { kind: 'route', id: '' },
    });
  });

  it('are counted by action, reason, network and actor, whatever else a client changes', () => {
    const headers = { authorization: 'Bearer x' };
    for (let number = 0; number < 50; number++) {
      const clientAddress = `2001:db8::${number.toString(16)}`;
      refusals.answered(unauthenticated, request({ headers, clientAddress, id: `${number}` }), {
        ...plain,
        path: `/api/${number}`,
      });
    }
    expect(audit.entries).toHaveLength(1);
    refusals.onApplicationShutdown();
    expect(audit.entries).toHaveLength(2);
    expect(audit.entries[1]).toMatchObject({ details: { repeated: 49 } });
  });
});
