import type { NextFunction, Request, Response } from 'express';
import { serviceUnavailable, type MillraceError } from '../errors/millrace.error.js';

export interface LoadLimits {
  /** Requests at work at once. */
  readonly atWork: number;
  /** Requests that wait for one of those places. */
  readonly waiting: number;
  /** A request waits so long for its place, milliseconds. */
  readonly waitMs: number;
}

/**
 * Of one process. More at work would only wait for the same few connections to the database; a
 * burst of a few hundred requests of honest users finds a place at once.
 */
export const defaultLoadLimits: LoadLimits = { atWork: 256, waiting: 512, waitMs: 1_000 };

type Middleware = (request: Request, response: Response, next: NextFunction) => void;

const RETRY_AFTER_SECONDS = 2;
/** What tells how the server is must answer above all when it has too much to do. */
const ALWAYS_SERVED = /^\/(?:api\/health|metrics(?:$|\/))/;

/** 503 with the code `busy`: it is told apart from a part that is away. */
export function serverBusy(cause?: unknown): MillraceError {
  return serviceUnavailable('The server has more requests at work than it can serve in time.', {
    details: { code: 'busy' },
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    suggestions: [
      'Wait for the time in Retry-After, then send the request again; send fewer requests at once. More API processes serve more.',
    ],
    cause,
  });
}

/**
 * Refuses what cannot be served in time, before it costs anything. A request has a place from the
 * end of its body to the begin of its answer, so that neither a slow client nor an event stream
 * holds one.
 */
export class LoadShedding {
  private atWork = 0;
  private readonly waiting = new Set<() => void>();

  constructor(private readonly limits: LoadLimits) {}

  /** Requests that have a place now. */
  get working(): number {
    return this.atWork;
  }

  /** Before anything is read or looked up: no place is going to be free in time. */
  readonly shed: Middleware = ({ path }, _response, next) => {
    const isFull = this.waiting.size >= this.limits.waiting;
    next(isFull && !ALWAYS_SERVED.test(path) ? serverBusy() : undefined);
  };

  /** Behind the body: continues as soon as there is a place. */
  readonly admit: Middleware = ({ path }, response, next) => {
    if (ALWAYS_SERVED.test(path)) next();
    else if (this.atWork < this.limits.atWork) this.begin(response, next);
    else if (this.waiting.size >= this.limits.waiting) next(serverBusy());
    else this.wait(response, next);
  };

  private wait(response: Response, next: NextFunction): void {
    let isWaiting = true;
    const leave = (): void => {
      isWaiting = false;
      clearTimeout(timer);
      response.off('close', leave);
      this.waiting.delete(enter);
    };
    /** Takes over the place of another. */
    const enter = (): void => {
      if (!isWaiting) return this.handOver();
      leave();
      this.work(response, next);
    };
    const timer = setTimeout(() => {
      leave();
      next(serverBusy());
    }, this.limits.waitMs);
    response.once('close', leave);
    this.waiting.add(enter);
  }

  /** The place of a request that is answered goes to the next one that waits, or is free. */
  private handOver(): void {
    const [first] = this.waiting;
    if (!first) {
      this.atWork -= 1;
      return;
    }
    // In a turn of its own, or hundreds that are answered at once would call each other; until then
    // the place is taken.
    this.waiting.delete(first);
    setImmediate(first);
  }

  private begin(response: Response, next: NextFunction): void {
    this.atWork += 1;
    this.work(response, next);
  }

  /** Its place is counted already. */
  private work(response: Response, next: NextFunction): void {
    let isAtWork = true;
    const end = (): void => {
      if (!isAtWork) return;
      isAtWork = false;
      this.handOver();
    };
    const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => Response;
    response.writeHead = (...args: unknown[]): Response => {
      end();
      return writeHead(...args);
    };
    response.once('close', end);
    next();
  }
}
