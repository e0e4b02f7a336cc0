import type { EventBus } from '../../integrations/event-bus/event-bus.js';
import type { Packet } from './chunk-queue.js';

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

  publish(packet: Packet): void {
    const bytes = packet.bytes.length;
    // The bus hangs: more would only fill the memory.
    if (this.inFlightBytes > this.maxBytes) return;
    this.kept.push({ lastSeq: packet.lastSeq, bytes });
    this.keptBytes += bytes;
    this.inFlightBytes += bytes;
    const sent: Promise<void> = this.send(packet).finally(() => {
      this.inFlightBytes -= bytes;
      this.inFlight.delete(sent);
    });
    this.inFlight.add(sent);
  }

  /** Resolves when nothing is on its way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.inFlight);
  }

  private async send(packet: Packet): Promise<void> {
    const entry = {
      fence: this.owner.fence,
      firstSeq: packet.firstSeq,
      lastSeq: packet.lastSeq,
      payload: packet.bytes,
    };
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
