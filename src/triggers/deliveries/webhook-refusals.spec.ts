import { standIn } from '../../../test/support/stand-in.js';
import { MillraceError } from '../../common/errors/millrace.error.js';
import type { MillraceRequest } from '../../common/http/request-context.js';
import { MemorySharedCounts } from '../../integrations/rate-limit/memory-shared-counts.js';
import { RateLimits } from '../../integrations/rate-limit/rate-limits.js';
import type { DeliveryInbox } from './delivery-inbox.js';
import { WebhookRefusals } from './webhook-refusals.js';
import { WebhooksController } from './webhooks.controller.js';

const LIMIT = 3;

describe('WebhookRefusals', () => {
  let limits: RateLimits;
  let failure: MillraceError | undefined;
  let controller: WebhooksController;
  beforeEach(() => {
    failure = new MillraceError('AuthenticationError', 'The signature is not good.');
    const options = {
      requests: 0,
      authFailures: LIMIT,
      compilations: 0,
      logIns: 0,
      users: 0,
      webhooks: 0,
    };
    limits = new RateLimits(options, new MemorySharedCounts());
    const receive = async (): Promise<string> => {
      if (failure) throw failure;
      return 'd';
    };
    const inbox = standIn<DeliveryInbox>({ receiveFromForge: receive, receiveFor: receive });
    controller = new WebhooksController(inbox, new WebhookRefusals(limits));
  });
  afterEach(() => limits.onApplicationShutdown());

  const from = (clientAddress: string): MillraceRequest =>
    standIn<MillraceRequest>({
      clientAddress,
      headers: {},
      log: standIn<MillraceRequest['log']>({ warn: () => undefined }),
    });
  const post = (clientAddress = '192.0.2.1'): Promise<unknown> =>
    controller
      .ofForge('gitlab', from(clientAddress), Buffer.alloc(0))
      .catch((error: MillraceError) => error.kind);
  const postToOne = (): Promise<unknown> =>
    controller
      .ofRepository('r', from('192.0.2.1'), Buffer.alloc(0))
      .catch((error: MillraceError) => error.kind);

  it('answers a flood of bad signatures by 429, on both routes', async () => {
    for (let each = 0; each < LIMIT; each++) expect(await post()).toBe('AuthenticationError');
    expect(await post()).toBe('RateLimitError');
    expect(await postToOne()).toBe('RateLimitError');
    expect(await post('192.0.2.2')).toBe('AuthenticationError');
  });

  it('takes a good signature from there all the same', async () => {
    for (let each = 0; each <= LIMIT; each++) await post();
    failure = undefined;
    expect(await post()).toEqual({ delivery_id: 'd' });
  });

  it('counts nothing else: neither what is good, nor that the database is away', async () => {
    failure = new MillraceError('ServiceUnavailableError', 'away');
    for (let each = 0; each <= LIMIT; each++) expect(await post()).toBe('ServiceUnavailableError');
    failure = undefined;
    for (let each = 0; each <= LIMIT; each++) await post();
    failure = new MillraceError('AuthenticationError', 'The signature is not good.');
    expect(await post()).toBe('AuthenticationError');
  });
});
