import { Injectable } from '@nestjs/common';
import { conflict, serviceUnavailable, validationError } from '../common/errors/millrace.error.js';
import { uuidV7 } from '../common/ids/uuid.js';
import { holderName, HostPorts, type PortHolder } from './host/host-ports.js';
import {
  portClaim,
  portId,
  type PortLease,
  type PortOwner,
  type PortOwnerMatch,
} from './port-lease.js';
import { PortLeaseStore, type PortLeaseFilter } from './port-lease-store.js';
import { portInUse, portLeased, portsExhausted } from './port-problems.js';
import { PortRange } from './port-range.js';
import { PortReturns, type ReturnOutcome } from './port-returns.js';

export interface PortRequest {
  /** Must be this host: only here can be seen whether a port is free. Default: this host. */
  readonly host?: string;
  readonly owner: PortOwner;
  /** What the owner calls the port, where it has several. Default: `default`. */
  readonly name?: string;
  /** This port, from 1 to 65535, also outside of `PORT_RANGE`; default: any of the range. */
  readonly wanted?: number;
}

export interface ReturnedPorts {
  /** Ports that anybody may have now. */
  readonly released: readonly number[];
  /** Ports where somebody listens still; they are given again once nobody does. */
  readonly releasing: readonly number[];
}

const DEFAULT_NAME = 'default';
/** How often a request begins again, because others took the same at the same time. */
const MOST_ROUNDS = 50;
const MOST_LOOKS = 3;

/** How it went with one port: it is theirs, somebody else's, or in use by a program. */
type Try = { readonly port: number } | 'lost' | { readonly holder: PortHolder | undefined };

/**
 * The ports of hosts that are given to what is deployed: the one class that features use. A port
 * has one owner in the whole installation, is looked at on its host before it is given, and is
 * given again only when nobody listens there any more. All methods may be called concurrently and
 * from several processes, and reject when the database is away.
 */
@Injectable()
export class PortLeases {
  constructor(
    private readonly store: PortLeaseStore,
    private readonly host: HostPorts,
    private readonly range: PortRange,
    private readonly returns: PortReturns,
  ) {}

  /**
   * Leases a port of this host. Idempotent by owner and name: asked again, also after a crash, it
   * gives the same port until that was given back. The port was free a moment ago; who does not
   * listen there at once may find another program there.
   * @throws MillraceError ConflictError: the wanted port is leased or in use (by whom is said), the
   *   owner has another one by this name, or no port of the range is left
   */
  async take({ host, owner, name = DEFAULT_NAME, wanted }: PortRequest): Promise<number> {
    if (host !== undefined && host !== this.host.host) {
      throw new Error('a port is taken by a process of its own host');
    }
    if (wanted !== undefined) mustBePort(wanted);
    const claim = portClaim(this.host.host, owner, name);
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const mine = await this.store.findClaim(claim);
      const port = mine
        ? await this.continueWith(mine, wanted)
        : await this.begin(owner, name, wanted);
      if (port !== undefined) return port;
    }
    throw serviceUnavailable('Too many processes take ports for this service at once.');
  }

  /**
   * Gives back the one port that the owner has by this name; `released` also when there is none.
   * @param name default: `default`
   */
  async release(owner: PortOwner, name = DEFAULT_NAME): Promise<ReturnOutcome> {
    const all = await this.store.list({ owner });
    const same = all.filter(
      (lease) => lease.name === name && lease.owner?.instance === owner.instance,
    );
    let outcome: ReturnOutcome = 'released';
    for (const lease of same) {
      if ((await this.returnOf(lease)) === 'releasing') outcome = 'releasing';
    }
    return outcome;
  }

  /** Gives back all ports of a service, of one of its releases, or of one instance. Idempotent. */
  async releaseAllOf(owner: PortOwnerMatch): Promise<ReturnedPorts> {
    const ports = { released: new Array<number>(), releasing: new Array<number>() };
    for (const lease of await this.store.list({ owner })) {
      ports[await this.returnOf(lease)].push(lease.port);
    }
    return ports;
  }

  /** In order of hosts and ports; also ports that programs of others have (`in_use`). */
  async list(filter: PortLeaseFilter = {}): Promise<PortLease[]> {
    return this.store.list(filter);
  }

  private returnOf(lease: PortLease): Promise<ReturnOutcome> {
    return this.returns.giveBack(lease, 'it was given back');
  }

  /** With what the owner has by this name. `undefined`: it is no more as it was. */
  private async continueWith(
    mine: PortLease,
    wanted: number | undefined,
  ): Promise<number | undefined> {
    if (wanted !== undefined && wanted !== mine.port) {
      throw conflict(`The service has port ${mine.port} by this name already, not ${wanted}.`, {
        details: { code: 'other_port', port: mine.port, wanted },
        suggestions: ['Give that one back first, or take the other by another name.'],
      });
    }
    if (mine.state === 'held') return mine.port;
    // Whoever began with it has ended, or does the same at this moment: one of them counts.
    const taking: PortLease = { ...mine, token: uuidV7() };
    if (!(await this.store.replace(mine, taking))) return undefined;
    return this.settled(await this.look(taking), mine.port, wanted);
  }

  private async begin(
    owner: PortOwner,
    name: string,
    wanted: number | undefined,
  ): Promise<number | undefined> {
    if (wanted === undefined) return this.anyPort(owner, name);
    const lease = this.newLease(owner, name, wanted);
    const seen = await this.store.find(lease.id);
    if (!seen?.owner) return this.settled(await this.tryPort(lease, seen), wanted, wanted);
    if (await this.isReleased(seen)) return undefined;
    const now = await this.store.find(lease.id);
    if (now?.owner) throw portLeased(now, now.owner);
    return undefined;
  }

  private settled(tried: Try, port: number, wanted: number | undefined): number | undefined {
    if (tried === 'lost') return undefined;
    if ('port' in tried) return tried.port;
    if (wanted === undefined) return undefined;
    throw portInUse(port, tried.holder);
  }

  private async isReleased(seen: PortLease): Promise<boolean> {
    return seen.state === 'releasing' && (await this.returns.finish(seen)) === 'released';
  }

  /**
   * Begins somewhere in the range, so that those who ask at once are not in each other's way, and a
   * port that was given back is not the next one that is given.
   */
  private async anyPort(owner: PortOwner, name: string): Promise<number | undefined> {
    const usable = await this.range.usable();
    const known = new Map(
      (await this.store.list({ host: this.host.host })).map((lease) => [lease.port, lease]),
    );
    const start = Math.floor(Math.random() * usable.length);
    const order = [...usable.slice(start), ...usable.slice(0, start)];
    const fresh = order.filter((port) => !known.has(port));
    // What a program had when it was last looked at may be free by now.
    const others = order.filter((port) => known.get(port)?.state === 'in_use');
    for (const port of [...fresh, ...others]) {
      const lease = this.newLease(owner, name, port);
      const tried = await this.tryPort(lease, known.get(port));
      if (tried === 'lost' && (await this.store.findClaim(lease.claim))) return undefined;
      if (tried !== 'lost' && 'port' in tried) return tried.port;
    }
    const all = await this.store.list({ host: this.host.host });
    throw portsExhausted(this.range.configured, usable, all);
  }

  /** @param seen `in_use`, in whose place it comes */
  private async tryPort(lease: PortLease, seen?: PortLease): Promise<Try> {
    const isMine = seen ? await this.store.replace(seen, lease) : await this.store.insert(lease);
    return isMine ? this.look(lease) : 'lost';
  }

  /** Only who has the lease looks at the port: those who only look do not find each other there. */
  private async look(taking: PortLease): Promise<Try> {
    const seen = await this.holderNow(taking.port);
    if (seen === 'free') return this.hold(taking);
    const now = new Date();
    await this.store.replace(taking, {
      ...taking,
      owner: null,
      name: '',
      claim: taking.id,
      state: 'in_use',
      token: uuidV7(),
      since: now,
      reason: `${holderName(seen.holder)} has it`,
      checkedAt: now,
    });
    return seen;
  }

  /**
   * A port that is in use by nobody who can be seen is looked at again: the round that gives ports
   * back may just have looked at it as well.
   */
  private async holderNow(port: number): Promise<'free' | { holder: PortHolder | undefined }> {
    for (let looks = 1; ; looks += 1) {
      if (await this.host.isFree(port)) return 'free';
      const holder = await this.host.holderOf(port);
      if (holder !== undefined || looks === MOST_LOOKS) return { holder };
    }
  }

  /**
   * The port was free under this claim: that counts, also when another process of the same owner
   * continued with it meanwhile.
   */
  private async hold(taking: PortLease): Promise<Try> {
    let seen: PortLease | undefined = taking;
    while (seen?.claim === taking.claim) {
      const held: PortLease = { ...seen, token: uuidV7(), state: 'held', checkedAt: new Date() };
      if (seen.state === 'held' || (await this.store.replace(seen, held))) {
        return { port: taking.port };
      }
      seen = await this.store.find(taking.id);
    }
    return 'lost';
  }

  private newLease(owner: PortOwner, name: string, port: number): PortLease {
    const { host } = this.host;
    const now = new Date();
    return {
      id: portId(host, port),
      host,
      port,
      owner,
      name,
      claim: portClaim(host, owner, name),
      state: 'taking',
      token: uuidV7(),
      since: now,
      reason: null,
      checkedAt: now,
    };
  }
}

function mustBePort(port: number): void {
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return;
  throw validationError(`${port} is no TCP port.`, {
    suggestions: ['Name one from 1 to 65535, or none to get one of PORT_RANGE.'],
  });
}
