import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from '../../support/seeded-random.js';

/** `npm run faults` gives each round another one; without it every run is the same. */
const seed = Number(process.env['FAULT_SEED'] ?? '1');

/** The chance of one fault: when its blow lands, and where. */
export class Jitter extends SeededRandom {
  constructor(fault: string) {
    super(seed, fault);
  }

  /** Waits for a moment before the blow, at most so long. */
  async before(mostMs: number): Promise<void> {
    await sleep(Math.round(this.next() * mostMs));
  }
}
