import { Injectable, Logger } from '@nestjs/common';
import type { Response } from 'express';
import { Authenticator } from './authenticator.js';
import type { Principal } from './principal.js';

/** Milliseconds between two checks that the reader of a long answer is still allowed to. */
export const WATCH_MS = 10_000;

/** Ends answers that last (event streams, large logs) when their reader has lost the right. */
@Injectable()
export class PrincipalWatch {
  private readonly logger = new Logger(PrincipalWatch.name);

  constructor(private readonly authenticator: Authenticator) {}

  /** Idempotent for one answer only when it is called once: the guard does that. */
  watch(principal: Principal, response: Pick<Response, 'once' | 'destroy'>): void {
    if (principal.credential === undefined) return;
    let timer: NodeJS.Timeout;
    let isOver = false;
    const schedule = (): void => {
      if (isOver) return;
      timer = setTimeout(() => void look(), WATCH_MS).unref();
    };
    const look = async (): Promise<void> => {
      if (await this.isGone(principal)) response.destroy();
      else schedule();
    };
    response.once('close', () => {
      isOver = true;
      clearTimeout(timer);
    });
    schedule();
  }

  private async isGone(principal: Principal): Promise<boolean> {
    try {
      return !(await this.authenticator.isStillGood(principal));
    } catch (error) {
      // While the database is away nobody is known to be gone.
      this.logger.debug({ err: error }, 'cannot be looked up');
      return false;
    }
  }
}
