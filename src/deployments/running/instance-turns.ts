import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { Leases } from '../../leases/leases.js';
import type { Release } from '../record/deployment.js';
import { shortName } from '../routes/service-route.js';

/** A process that was killed in its turn keeps others away for so long. */
const TURN_MS = 15_000;
const WAIT_MS = 100;
/** Leases of a service: they are kept for ever, so it has no other one for each release. */
const LEASES = 16;

type Named = Pick<Release, 'service_id' | 'number'>;

/**
 * One process of the installation at a time starts or ends the instance of a release; releases of a
 * service that are far apart may wait for each other, too.
 */
@Injectable()
export class InstanceTurns {
  constructor(private readonly leases: Leases) {}

  /** Does the work in its turn. False: it is another one's turn, and nothing was done. */
  async tryNow({ service_id: id, number }: Named, work: () => Promise<void>): Promise<boolean> {
    const turn = await this.leases.take(leaseOf(id, number), TURN_MS);
    if (turn === undefined) return false;
    try {
      await work();
      return true;
    } finally {
      await turn.release();
    }
  }

  /** Waits for its turn. @throws the reason of the signal */
  async wait(release: Named, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    while (!(await this.tryNow(release, work))) {
      signal.throwIfAborted();
      await delay(WAIT_MS);
    }
  }
}

function leaseOf(serviceId: string, number: number): string {
  return `instance.${shortName(serviceId)}.${number % LEASES}`;
}
