import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from '../../support/seeded-random.js';

const given = process.env['FAULT_SEED'];
/** `npm run faults` gives each round another one; without it every run is the same. */
const seed = Number(given ?? '1');
/** One of `npm run faults`, which has time for every point. */
export const IS_WHOLE_ROUND = given !== undefined;

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
