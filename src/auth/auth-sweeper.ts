import { Injectable } from '@nestjs/common';
import { BackgroundRounds } from '../integrations/database/background-rounds.js';
import { UsedOnce } from './oauth/used-once.repository.js';
import { SessionsRepository } from './sessions/sessions.repository.js';
import { TokensRepository } from './tokens/tokens.repository.js';

const INTERVAL_MS = 10 * 60_000;
/** What has expired is kept as long as this: the clocks of processes may differ. */
const KEPT_MS = 24 * 3600 * 1000;

/**
 * Deletes sessions, tokens and notes of use that expired a day ago, in every API process and
 * without a leader. Nothing depends on when.
 */
@Injectable()
export class AuthSweeper extends BackgroundRounds {
  constructor(
    private readonly sessions: SessionsRepository,
    private readonly tokens: TokensRepository,
    private readonly used: UsedOnce,
  ) {
    super({ everyMs: INTERVAL_MS, unref: true });
  }

  protected async work(now: number): Promise<void> {
    const time = new Date(now - KEPT_MS);
    for (const part of [this.sessions, this.tokens, this.used]) {
      await part.deleteExpiredBefore(time);
    }
  }
}
