import { Injectable } from '@nestjs/common';
import { uuidV7 } from '../common/ids/uuid.js';
import { HostPorts, holderName } from './host/host-ports.js';
import type { PortLease } from './port-lease.js';
import { PortLeaseStore } from './port-lease-store.js';

/**
 * `released`: anybody may have the port; `releasing`: somebody listens there still, or its host has
 * not looked yet: it is given again once nobody does.
 */
export type ReturnOutcome = 'released' | 'releasing';

/** How often a lease that others change at the same time is looked at again. */
const MOST_LOOKS = 10;
/** A look that finds the same as the one before is noted so often, for the hosts of others. */
const NOTED_MS = 3_600_000;

/** Takes ports back: each stays leased for as long as somebody listens there. */
@Injectable()
export class PortReturns {
  constructor(
    private readonly store: PortLeaseStore,
    private readonly host: HostPorts,
  ) {}

  /**
   * Ends the owner's right to it; from then on the owner gets another port by the same name.
   * Idempotent.
   * @param why for people, while somebody listens there still
   */
  async giveBack(lease: PortLease, why: string): Promise<ReturnOutcome> {
    const { claim } = lease;
    let seen: PortLease | undefined = lease;
    for (let look = 0; look < MOST_LOOKS && seen !== undefined; look += 1) {
      if (seen.state === 'releasing') return this.finish(seen);
      const releasing: PortLease = {
        ...seen,
        ...renewed(),
        claim: seen.id,
        state: 'releasing',
        since: new Date(),
        reason: why,
      };
      if (await this.store.replace(seen, releasing)) return this.finish(releasing);
      const now: PortLease | undefined = await this.store.find(lease.id);
      seen = now?.claim === claim || now?.state === 'releasing' ? now : undefined;
    }
    return seen === undefined ? 'released' : 'releasing';
  }

  /**
   * Looks at a port that is `releasing` or `in_use`, and removes its lease when nobody has the port
   * any more. A port of another host is left to that one.
   */
  async finish(lease: PortLease): Promise<ReturnOutcome> {
    if (lease.host !== this.host.host) return 'releasing';
    if (await this.host.isFree(lease.port)) {
      return (await this.isGone(lease)) ? 'released' : 'releasing';
    }
    const reason = `${holderName(await this.host.holderOf(lease.port))} has it`;
    const age = Date.now() - lease.checkedAt.getTime();
    if (reason !== lease.reason || age >= NOTED_MS) {
      await this.store.replace(lease, { ...lease, ...renewed(), reason });
    }
    return 'releasing';
  }

  /** Who looked at it at the same time may have removed it, and others may have it by now. */
  private async isGone(lease: PortLease): Promise<boolean> {
    if (await this.store.remove(lease)) return true;
    const now = await this.store.find(lease.id);
    return now?.state !== lease.state || now.since.getTime() !== lease.since.getTime();
  }
}

/** What changes with every look of its own host. */
function renewed(): Pick<PortLease, 'token' | 'checkedAt'> {
  return { token: uuidV7(), checkedAt: new Date() };
}
