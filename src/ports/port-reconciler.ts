import { Injectable } from '@nestjs/common';
import { BackgroundRounds } from '../integrations/database/background-rounds.js';
import type { HeldLease } from '../leases/held-lease.js';
import { Leases } from '../leases/leases.js';
import { HostPorts } from './host/host-ports.js';
import { ownerName, type PortLease, type PortOwner } from './port-lease.js';
import { PortLeaseStore } from './port-lease-store.js';
import { PortOwners } from './port-owners.js';
import { PortReturns } from './port-returns.js';

const ROUND_MS = 20_000;
/** A process that was heard of no more for so long has lost its turn. */
const TURN_MS = 30_000;
/**
 * An owner is gone when it was so for this long, by every look of this process. Whoever ended it
 * was killed before it gave the port back.
 */
export const GRACE_MS = 30_000;
/** What no process of its own host has looked at for so long is of a host that is gone. */
export const HOST_GONE_MS = 7 * 86_400_000;

/**
 * Gives ports back that nobody gave back: those of owners that are gone, those where somebody
 * listened still, and those that programs of others had. One process of a host at a time; what two
 * do at once is safe all the same. An owner that cannot be asked keeps its ports.
 */
@Injectable()
export class PortReconciler extends BackgroundRounds {
  /** Milliseconds. */
  protected readonly graceMs: number = GRACE_MS;
  private turn: HeldLease | undefined;
  /** When an owner was first seen to be gone (performance.now), by lease and claim. */
  private readonly goneSince = new Map<string, number>();
  /** Owners of which was told that they cannot be asked. */
  private readonly told = new Set<string>();

  constructor(
    private readonly store: PortLeaseStore,
    private readonly host: HostPorts,
    private readonly owners: PortOwners,
    private readonly returns: PortReturns,
    private readonly leases: Leases,
  ) {
    super({ everyMs: ROUND_MS, firstAfterMs: 5_000, unref: true });
  }

  override async onApplicationShutdown(): Promise<void> {
    await super.onApplicationShutdown();
    await this.endTurn();
  }

  protected async work(now: number): Promise<void> {
    const all = await this.store.list({});
    if (all.length === 0) return this.endTurn();
    if (!(await this.isMyTurn())) return;
    await this.askOwners(all);
    for (const lease of all) {
      if (this.isStopping || this.turn?.isLost !== false) return;
      if (lease.state === 'in_use' || lease.state === 'releasing') await this.lookAgain(lease, now);
    }
  }

  /** The turn is kept from round to round: who has it remembers since when owners are gone. */
  private async isMyTurn(): Promise<boolean> {
    if (this.turn?.isLost === false) return true;
    this.goneSince.clear();
    this.turn = await this.leases.take(`ports.${this.host.host}`, TURN_MS);
    return this.turn !== undefined;
  }

  private async endTurn(): Promise<void> {
    const { turn } = this;
    this.turn = undefined;
    this.goneSince.clear();
    if (turn?.isLost !== false) return;
    try {
      await turn.release();
    } catch (error) {
      this.logger.debug({ err: error }, 'the turn was not given back; it runs out by itself');
    }
  }

  private async askOwners(all: readonly PortLease[]): Promise<void> {
    const owned = all.filter(({ state }) => state === 'taking' || state === 'held');
    const keys = new Set(owned.map(({ claim }) => claim));
    for (const seen of [this.goneSince, this.told]) {
      for (const key of seen.keys()) if (!keys.has(key)) seen.delete(key);
    }
    for (const lease of owned) {
      if (this.isStopping || this.turn?.isLost !== false) return;
      if (lease.owner !== null) await this.askOwner(lease, lease.owner);
    }
  }

  private async askOwner(lease: PortLease, owner: PortOwner): Promise<void> {
    if (!(await this.isGone(lease.claim, owner))) {
      this.goneSince.delete(lease.claim);
      return;
    }
    const now = performance.now();
    const since = this.goneSince.get(lease.claim) ?? now;
    this.goneSince.set(lease.claim, since);
    if (now - since < this.graceMs) return;
    const { port, host } = lease;
    const outcome = await this.returns.giveBack(lease, 'its owner is gone');
    this.logger.log(
      { port, host, owner: ownerName(owner), outcome },
      'the owner of a port is gone',
    );
  }

  private async isGone(claim: string, owner: PortOwner): Promise<boolean> {
    try {
      const answer = await this.owners.ask(owner);
      this.told.delete(claim);
      return answer === 'gone';
    } catch (error) {
      const level = this.told.has(claim) ? 'debug' : 'warn';
      this.told.add(claim);
      const facts = { err: error, owner: ownerName(owner) };
      this.logger[level](facts, 'the owner of a port cannot be asked: it keeps the port');
      return false;
    }
  }

  private async lookAgain(lease: PortLease, now: number): Promise<void> {
    const { port, host } = lease;
    if (host === this.host.host) {
      await this.returns.finish(lease);
    } else if (now - lease.checkedAt.getTime() > HOST_GONE_MS && (await this.store.remove(lease))) {
      this.logger.warn({ port, host }, 'a lease of a host that is gone was removed');
    }
  }
}
