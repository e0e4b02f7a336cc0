import { Injectable } from '@nestjs/common';
import { MillraceError } from '../../common/errors/millrace.error.js';
import { clientNetwork } from '../../common/http/client-address.js';
import { tooManyRequests } from '../../common/http/rate-limit.js';
import type { MillraceRequest } from '../../common/http/request-context.js';
import { RateLimits } from '../../integrations/rate-limit/rate-limits.js';

/**
 * Counts deliveries whose signature is not good as wrong tokens of their client
 * (`AUTH_FAILURE_LIMIT`). Only afterwards: many repositories of a forge send from one address, so a
 * good signature is taken whatever others have sent from there.
 */
@Injectable()
export class WebhookRefusals {
  constructor(private readonly limits: RateLimits) {}

  /**
   * What `receive` comes to.
   * @throws MillraceError RateLimitError in the place of AuthenticationError when it is too often
   */
  async counted<T>(request: MillraceRequest, receive: () => Promise<T>): Promise<T> {
    try {
      return await receive();
    } catch (error) {
      if (!(error instanceof MillraceError && error.kind === 'AuthenticationError')) throw error;
      const verdict = this.limits.authFailures.take(clientNetwork(request.clientAddress));
      if (verdict.allowed) throw error;
      const message = 'The client sends too many webhooks whose signature is not good.';
      throw tooManyRequests(request, verdict, message);
    }
  }
}
