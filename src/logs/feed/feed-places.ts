/** How many clients a feed serves at once. */
export interface FeedLimits {
  /** Of all callers, in this process. */
  readonly clients: number;
  /** Of one caller. */
  readonly clientsOfOne: number;
}

/**
 * A client that reads nothing holds at most one event (200 KiB), its socket's buffer, and
 * the chunk that the event is of (up to 1.3 MB; clients at one place share it), until it is cut:
 * with these limits some 120 MB, and some 800 MB if all of them stop at different places.
 */
export const defaultFeedLimits: FeedLimits = { clients: 512, clientsOfOne: 64 };

/** The places that clients of a feed take. */
export class FeedPlaces {
  private readonly taken = new Map<string, number>();
  private all = 0;

  constructor(private readonly limits: FeedLimits) {}

  /** `full`: nobody gets one; `too_many`: this caller has enough. */
  enter(caller: string): 'entered' | 'full' | 'too_many' {
    const own = this.taken.get(caller) ?? 0;
    if (own >= this.limits.clientsOfOne) return 'too_many';
    if (this.all >= this.limits.clients) return 'full';
    this.taken.set(caller, own + 1);
    this.all += 1;
    return 'entered';
  }

  /** Gives back what `enter` gave. */
  leave(caller: string): void {
    const own = (this.taken.get(caller) ?? 1) - 1;
    if (own === 0) this.taken.delete(caller);
    else this.taken.set(caller, own);
    this.all -= 1;
  }
}
