import { Injectable, type ExecutionContext } from '@nestjs/common';
import { ThrottlerGuard, type ThrottlerLimitDetail } from '@nestjs/throttler';
import { clientNetwork } from '../../common/http/client-address.js';
import { tooManyRequests } from '../../common/http/rate-limit.js';
import type { MillraceRequest } from '../../common/http/request-context.js';
import { verdictOf } from './limiter.storage.js';

/**
 * For routes whose work is costly, as compiling YAML and detecting projects are: one count for each
 * client address over all of these routes and all API processes (`COMPILE_LIMIT`).
 */
@Injectable()
export class CompileLimitGuard extends ThrottlerGuard {
  protected override getTracker(request: Record<string, unknown>): Promise<string> {
    return Promise.resolve(clientNetwork((request as unknown as MillraceRequest).clientAddress));
  }

  /** The client alone: all routes have one count. */
  protected override generateKey(_context: ExecutionContext, client: string): string {
    return client;
  }

  protected override throwThrottlingException(
    context: ExecutionContext,
    detail: ThrottlerLimitDetail,
  ): Promise<void> {
    const request = context.switchToHttp().getRequest<MillraceRequest>();
    const message = 'The client has too many pipelines compiled, or projects detected.';
    throw tooManyRequests(request, verdictOf(detail), message);
  }
}
