import type { EventBus, LiveLogEntry } from '../../integrations/event-bus/event-bus.js';
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

  publish({ batches }: Packet): void {
    for (const group of entriesOf(batches)) this.publishEntry(group);
  }

  /** Resolves when nothing is on its way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.inFlight);
  }

  private publishEntry(batches: readonly EncodedBatch[]): void {
    // The bus hangs: more would only fill the memory.
    if (this.inFlightBytes > this.maxBytes) return;
    const [first, last] = [batches[0], batches.at(-1)];
    if (first === undefined || last === undefined) return;
    const payload = Buffer.concat(batches.flatMap(({ pieces }) => pieces));
    const { firstSeq } = first;
    const { lastSeq } = last;
    this.kept.push({ lastSeq, bytes: payload.length });
    this.keptBytes += payload.length;
    this.inFlightBytes += payload.length;
    const entry = { fence: this.owner.fence, firstSeq, lastSeq, payload };
    const sent: Promise<void> = this.send(entry).finally(() => {
      this.inFlightBytes -= payload.length;
      this.inFlight.delete(sent);
    });
    this.inFlight.add(sent);
  }

  private async send(entry: LiveLogEntry): Promise<void> {
    try {
      await this.bus.appendLog(this.owner.executionId, entry, this.keepFrom());
    } catch (error) {
      this.onProblem(error);
    }
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
