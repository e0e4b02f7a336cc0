import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import {
  getOptionsToken,
  getStorageToken,
  ThrottlerGuard,
  type ThrottlerLimitDetail,
  type ThrottlerModuleOptions,
  type ThrottlerStorage,
} from '@nestjs/throttler';
import { clientNetwork } from '../../common/http/client-address.js';
import { tooManyRequests } from '../../common/http/rate-limit.js';
import type { MillraceRequest } from '../../common/http/request-context.js';
import { RedisConnections } from '../redis/redis-connections.js';

/**
 * For routes that compile YAML, which takes a child process for a moment: one count for each client address over all of these
 * routes and all API processes (`COMPILE_LIMIT`). Over it the client is refused for a minute. Without Redis nobody is refused.
 */
@Injectable()
export class CompileLimitGuard extends ThrottlerGuard {
  constructor(
    @Inject(getOptionsToken()) options: ThrottlerModuleOptions,
    @Inject(getStorageToken()) storage: ThrottlerStorage,
    @Inject(Reflector) reflector: Reflector,
    @Inject(RedisConnections) private readonly redis: RedisConnections,
  ) {
    super(options, storage, reflector);
  }

  protected override getTracker(request: Record<string, unknown>): Promise<string> {
    return Promise.resolve(clientNetwork((request as unknown as MillraceRequest).clientAddress));
  }

  protected override generateKey(_context: ExecutionContext, client: string): string {
    return this.redis.key('limit', 'compile', client);
  }

  protected override throwThrottlingException(
    context: ExecutionContext,
    { limit, ttl, totalHits, timeToBlockExpire }: ThrottlerLimitDetail,
  ): Promise<void> {
    const verdict = {
      allowed: false,
      limit,
      windowSeconds: ttl / 1_000,
      remaining: 0,
      resetSeconds: timeToBlockExpire,
      retryAfterSeconds: timeToBlockExpire,
      isNews: totalHits === limit + 1,
    };
    const message = 'The client has too many pipelines compiled.';
    throw tooManyRequests(context.switchToHttp().getRequest<MillraceRequest>(), verdict, message);
  }
}
