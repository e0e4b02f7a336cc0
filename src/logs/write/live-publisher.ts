import {
  type EventBus,
  liveTopic,
  type LiveLogEntry,
} from '../../integrations/event-bus/event-bus.js';
import { storedHint } from '../store/stored-hint.js';
import type { EncodedBatch, Packet } from './chunk-queue.js';

/**
 * Readers hold a few entries at once: one has at most so many bytes, or a single batch that has
 * more.
 */
const ENTRY_BYTES = 64 * 1024;

/**
 * Sends packets to live readers. It never makes the log wait and never fails it: what the bus does
 * not take, readers get from the store, which is why the stream is trimmed only of what is stored.
 */
export class LivePublisher {
  /** What the stream holds of ours, oldest first. */
  private readonly kept: { readonly lastSeq: number; readonly bytes: number }[] = [];
  private keptBytes = 0;
  private inFlightBytes = 0;
  private readonly inFlight = new Set<Promise<void>>();

  constructor(
    private readonly owner: { readonly executionId: string; readonly fence: number },
    private readonly bus: EventBus,
    private readonly maxBytes: number,
    private readonly storedSeq: () => number,
    private readonly onProblem: (error: unknown) => void,
  ) {}

  /** `true`, or what resolves when less is on its way: the bus hangs, or much came at once. */
  room(): true | Promise<void> {
    return this.inFlightBytes <= this.maxBytes || Promise.race(this.inFlight);
  }

  publish({ batches }: Packet): void {
    for (const group of entriesOf(batches)) this.publishEntry(group);
  }

  /** Tells readers that the store has everything up to `seq`, of which they may have nothing. */
  tellStored(seq: number): void {
    this.track(this.bus.publish(liveTopic(this.owner.executionId), storedHint(seq)));
  }

  /** Resolves when nothing is on its way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.inFlight);
  }

  private publishEntry(batches: readonly EncodedBatch[]): void {
    const [first, last] = [batches[0], batches.at(-1)];
    if (first === undefined || last === undefined) return;
    const payload = Buffer.concat(batches.flatMap(({ pieces }) => pieces));
    const { firstSeq } = first;
    const { lastSeq } = last;
    this.kept.push({ lastSeq, bytes: payload.length });
    this.keptBytes += payload.length;
    const entry: LiveLogEntry = { fence: this.owner.fence, firstSeq, lastSeq, payload };
    const appended = this.bus.appendLog(this.owner.executionId, entry, this.keepFrom());
    this.track(appended, payload.length);
  }

  private track(call: Promise<unknown>, bytes = 0): void {
    this.inFlightBytes += bytes;
    const sent: Promise<void> = call
      .then(() => undefined, this.onProblem)
      .finally(() => {
        this.inFlightBytes -= bytes;
        this.inFlight.delete(sent);
      });
    this.inFlight.add(sent);
  }

  /**
   * The first number to keep: the newest `maxBytes`, and whatever is not stored. Goes with what an
   * attempt before left.
   */
  private keepFrom(): number {
    const stored = this.storedSeq();
    let oldest = this.kept[0];
    while (oldest && this.keptBytes > this.maxBytes && oldest.lastSeq <= stored) {
      this.keptBytes -= oldest.bytes;
      this.kept.shift();
      oldest = this.kept[0];
    }
    return oldest?.lastSeq ?? 0;
  }
}

/** The batches of each entry. */
function entriesOf(batches: readonly EncodedBatch[]): EncodedBatch[][] {
  const entries: EncodedBatch[][] = [];
  let room = 0;
  for (const batch of batches) {
    if (batch.byteLength > room) {
      entries.push([]);
      room = ENTRY_BYTES;
    }
    entries.at(-1)?.push(batch);
    room -= batch.byteLength;
  }
  return entries;
}
