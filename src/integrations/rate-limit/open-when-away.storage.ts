import { Logger } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';

type Count = Awaited<ReturnType<ThrottlerStorage['increment']>>;

const uncounted: Count = { totalHits: 0, timeToExpire: 0, isBlocked: false, timeToBlockExpire: 0 };

/** Counts in another storage, and lets everybody pass while that one fails: said once for each outage. */
export class OpenWhenAwayStorage implements ThrottlerStorage {
  private readonly logger = new Logger('CompileLimit');
  private away = false;

  constructor(private readonly storage: ThrottlerStorage) {}

  async increment(...request: Parameters<ThrottlerStorage['increment']>): Promise<Count> {
    try {
      const count = await this.storage.increment(...request);
      this.away = false;
      return count;
    } catch (error) {
      if (!this.away) this.logger.warn({ err: error }, 'not limited until Redis is back');
      this.away = true;
      return uncounted;
    }
  }
}
