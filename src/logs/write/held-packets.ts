import type { Clock } from '../../engine/runtime/run-ports.js';
import type { Packet } from './chunk-queue.js';
import type { LivePublisher } from './live-publisher.js';
import type { LogLimits } from './log-limits.js';

interface HeldPacket {
  readonly packet: Packet;
  /** When it is published at the latest, by the clock. */
  readonly dueAt: number;
}

/**
 * Decides how live readers get each packet. One that is part of a flood is held: once it is stored
 * readers are told so, and read it from the store; the bus never has its bytes. One that is not
 * stored in time is published, so what is live stays live while the store is slow or away. While
 * the bus takes nothing all is held, and told when it is stored.
 *
 * It is a flood when a chunk was filled within half of the time that a packet is held: the other
 * half is for storing it.
 *
 * All in order: a packet is published when everything before it is published or stored. So what the
 * bus has and the store has not follows the store without a gap, but for what the bus did not take.
 * What is held waits to be stored too, so `unstoredBytes` bounds it.
 */
export class HeldPackets {
  private held: HeldPacket[] = [];
  private cancelTimer: (() => void) | undefined;
  private waitsForRoom = false;
  /** The newest packets, no more of them than fill a chunk. */
  private recent: { readonly at: number; readonly bytes: number }[] = [];

  constructor(
    private readonly live: LivePublisher,
    private readonly clock: Clock,
    private readonly limits: Pick<LogLimits, 'chunkBytes' | 'heldMs'>,
  ) {}

  add(packet: Packet): void {
    const now = this.clock.now();
    const dueAt = now + (this.isFlood(packet.byteLength, now) ? this.limits.heldMs : 0);
    this.held.push({ packet, dueAt });
    this.publishDue();
  }

  /** Everything up to `storedSeq` is in the store. */
  stored(storedSeq: number): void {
    const left = this.held.filter(({ packet }) => packet.lastSeq > storedSeq);
    if (left.length === this.held.length) return;
    this.held = left;
    this.live.tellStored(storedSeq);
    this.publishDue();
  }

  /** Publishes all that is held: nobody stores it here. */
  release(): void {
    for (const { packet } of this.held) this.live.publish(packet);
    this.forget();
  }

  /** Forgets all that is held. */
  forget(): void {
    this.held = [];
    this.cancelTimer?.();
  }

  private isFlood(bytes: number, now: number): boolean {
    const { chunkBytes, heldMs } = this.limits;
    const since = now - heldMs / 2;
    this.recent = [...this.recent.filter(({ at }) => at >= since), { at: now, bytes }];
    let sum = this.recent.reduce((all, one) => all + one.bytes, 0);
    const isFlood = sum >= chunkBytes;
    for (let oldest = this.recent[0]; oldest !== undefined; oldest = this.recent[0]) {
      if (sum - oldest.bytes < chunkBytes) break;
      sum -= oldest.bytes;
      this.recent.shift();
    }
    return isFlood;
  }

  private publishDue(): void {
    this.cancelTimer?.();
    const now = this.clock.now();
    for (let next = this.held[0]; next !== undefined; next = this.held[0]) {
      if (next.dueAt > now) {
        this.cancelTimer = this.clock.after(next.dueAt - now, () => this.publishDue());
        return;
      }
      const room = this.live.room();
      if (room !== true) {
        this.publishAfter(room);
        return;
      }
      this.held.shift();
      this.live.publish(next.packet);
    }
  }

  private publishAfter(room: Promise<void>): void {
    if (this.waitsForRoom) return;
    this.waitsForRoom = true;
    void room.then(() => {
      this.waitsForRoom = false;
      this.publishDue();
    });
  }
}
