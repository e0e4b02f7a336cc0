import type { NextFunction, Request, Response } from 'express';
import type { MillraceError } from '../errors/millrace.error.js';
import { type ClientLimiter, type LimitVerdict, rateLimit, userLimit } from './rate-limit.js';

/** Allows a number of requests of each client, and tells whom it was asked about. */
class CountingLimiter implements ClientLimiter {
  readonly clients: string[] = [];

  constructor(private readonly limit: number) {}

  take(client: string): LimitVerdict {
    this.clients.push(client);
    const used = this.clients.filter((each) => each === client).length;
    return {
      allowed: used <= this.limit,
      limit: this.limit,
      windowSeconds: 60,
      remaining: Math.max(0, this.limit - used),
      resetSeconds: 30,
      retryAfterSeconds: 7,
      isNews: false,
    };
  }
}

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly principal?: { readonly id: string; readonly kind: string };
  /** What is left of another limit. */
  readonly left?: number;
}

type Limit = (request: Request, response: Response, next: NextFunction) => void;

function ask(limit: Limit, { method = 'GET', path = '/api/ci/pipelines', principal, left }: Asked) {
  const headers = new Map<string, unknown>(
    left === undefined ? [] : [['RateLimit-Remaining', left]],
  );
  const next = jest.fn();
  limit(
    { method, path, principal, clientAddress: '192.0.2.1' } as unknown as Request,
    {
      getHeader: (name: string) => headers.get(name),
      setHeader: (name: string, value: unknown) => headers.set(name, value),
    } as unknown as Response,
    next,
  );
  const [error] = next.mock.calls[0] as [MillraceError | undefined];
  return { refused: error?.message, remaining: headers.get('RateLimit-Remaining') };
}

const ADA = { id: 'u-ada', kind: 'user' };

describe('the limit of an account', () => {
  it('counts people and service accounts by who they are, whatever their address', () => {
    const limiter = new CountingLimiter(1);
    const limit = userLimit(limiter);
    expect(ask(limit, { principal: ADA }).refused).toBeUndefined();
    expect(ask(limit, { principal: ADA }).refused).toBe('The account sends too many requests.');
    expect(ask(limit, { principal: { id: 'bot', kind: 'service_account' } }).refused).toBe(
      undefined,
    );
    expect(limiter.clients).toEqual(['u-ada', 'u-ada', 'bot']);
  });

  it("counts neither strangers, nor the server's own token, nor event streams", () => {
    const limiter = new CountingLimiter(0);
    const limit = userLimit(limiter);
    for (const asked of [
      {},
      { principal: { id: 'token', kind: 'token' } },
      { principal: { id: 'anonymous', kind: 'anonymous' } },
      { principal: ADA, path: '/api/ci/executions/x/events' },
    ]) {
      expect(ask(limit, asked).refused).toBeUndefined();
    }
    expect(limiter.clients).toEqual([]);
  });

  it('tells what is left where that is less than of the address', () => {
    const limit = userLimit(new CountingLimiter(3));
    expect(ask(limit, { principal: ADA, left: 100 }).remaining).toBe(2);
    expect(ask(limit, { principal: ADA, left: 0 }).remaining).toBe(0);
  });
});

describe('the limit of an address', () => {
  it.each([
    ['POST', '/api/webhooks/github', true],
    ['POST', '/api/repositories/x/webhook', true],
    ['POST', '/api/ci/pipelines/x/webhook', true],
    ['POST', '/API/Webhooks/github/', true],
    ['GET', '/api/webhooks/github', false],
    ['POST', '/api/repositories', false],
    ['POST', '/api/repositories/x/webhook-secret', false],
  ])('%s %s counts as a delivery: %s', (method, path, isDelivery) => {
    const requests = new CountingLimiter(0);
    const webhooks = new CountingLimiter(0);
    const { refused } = ask(rateLimit({ requests, webhooks }), { method, path });
    const what = isDelivery ? 'webhook deliveries' : 'requests';
    expect(refused).toBe(`The client sends too many ${what}.`);
    expect([requests.clients.length, webhooks.clients.length]).toEqual(
      isDelivery ? [0, 1] : [1, 0],
    );
  });
});
