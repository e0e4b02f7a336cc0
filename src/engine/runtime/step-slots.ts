/** A request for a slot. `position` is the place in the text: the lower one is served first. */
interface SlotRequest {
  readonly position: number;
  readonly grant: () => void;
  readonly onHeld: (by: HeldBy) => void;
  /** What it was last told. */
  heldBy?: HeldBy['limit'];
}

/** The limit that keeps a request from its slot: that of its lane, or the one over all. */
export interface HeldBy {
  readonly limit: 'lane' | 'all';
  readonly atOnce: number;
}

interface Lane {
  readonly limit: number;
  used: number;
  /** Sorted by position. */
  readonly requests: SlotRequest[];
}

/**
 * Hands out the right to run: at most `limit` at once over all, and at most its own limit in each
 * lane (stage). Free slots go to the request that stands first in the text among those whose lane
 * has room, however long others wait.
 *
 * Nothing is granted from inside `ask` or `release`: `serve` does, so that everything that became
 * ready in one turn competes by its place in the text and not by who asked first.
 */
export class StepSlots {
  private used = 0;
  private readonly lanes = new Map<number, Lane>();
  /** Keys of lanes with requests, sorted. */
  private readonly open: number[] = [];

  constructor(private readonly limit: number) {
    if (!(limit >= 1)) throw new RangeError(`at least one step must be able to run, not ${limit}`);
  }

  /** Declares a lane; lanes are served in the order of their keys. */
  addLane(key: number, limit: number): void {
    this.lanes.set(key, { limit: Math.max(1, limit), used: 0, requests: [] });
  }

  /**
   * Returns what takes the request back; that does nothing once it is granted. A request that
   * `serve` leaves gets to know what holds it, again when that changes.
   */
  ask(
    key: number,
    position: number,
    grant: () => void,
    onHeld: (by: HeldBy) => void = () => undefined,
  ): () => void {
    const lane = this.lane(key);
    const request: SlotRequest = { position, grant, onHeld };
    if (lane.requests.length === 0) insertSorted(this.open, key, (a, b) => a - b);
    insertSorted(lane.requests, request, (a, b) => a.position - b.position);
    return () => this.forget(key, request);
  }

  release(key: number): void {
    this.lane(key).used -= 1;
    this.used -= 1;
  }

  /** Grants what can be granted. */
  serve(): void {
    for (let next = this.take(); next !== undefined; next = this.take()) next.grant();
    for (const key of this.open) this.tellHeld(this.lane(key));
  }

  private tellHeld(lane: Lane): void {
    const isFull = lane.used >= lane.limit;
    const by: HeldBy = isFull
      ? { limit: 'lane', atOnce: lane.limit }
      : { limit: 'all', atOnce: this.limit };
    for (const request of lane.requests) {
      if (request.heldBy === by.limit) continue;
      request.heldBy = by.limit;
      request.onHeld(by);
    }
  }

  private take(): SlotRequest | undefined {
    if (this.used >= this.limit) return undefined;
    const key = this.open.find((candidate) => {
      const lane = this.lane(candidate);
      return lane.used < lane.limit;
    });
    if (key === undefined) return undefined;
    const lane = this.lane(key);
    const request = lane.requests.shift();
    if (lane.requests.length === 0) this.open.splice(this.open.indexOf(key), 1);
    lane.used += 1;
    this.used += 1;
    return request;
  }

  private forget(key: number, request: SlotRequest): void {
    const { requests: requests } = this.lane(key);
    const index = requests.indexOf(request);
    if (index < 0) return;
    requests.splice(index, 1);
    if (requests.length === 0) this.open.splice(this.open.indexOf(key), 1);
  }

  private lane(key: number): Lane {
    const lane = this.lanes.get(key);
    if (lane === undefined) throw new Error(`no lane ${key}`);
    return lane;
  }
}

function insertSorted<T>(list: T[], item: T, compare: (a: T, b: T) => number): void {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = list[middle];
    if (other !== undefined && compare(other, item) <= 0) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, item);
}
