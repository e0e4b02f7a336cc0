import { createHash } from 'node:crypto';

/** What uses a port. */
export interface PortOwner {
  /** The service, as its feature names it. */
  readonly service: string;
  /** The release of the service. */
  readonly release: string;
  /** Where several instances of a release run at once. */
  readonly instance?: string;
}

/** Owners of a service, of one of its releases, or one instance. */
export type PortOwnerMatch = Pick<PortOwner, 'service'> & Partial<PortOwner>;

/**
 * `taking`: it is being looked at; `held`: it is the owner's; `releasing`: given back, while
 * somebody listens there still; `in_use`: nobody's here, a program that is not Millrace's has it.
 */
export const PORT_STATES = ['taking', 'held', 'releasing', 'in_use'] as const;

export type PortState = (typeof PORT_STATES)[number];

/** What is stored of one port of one host. */
export interface PortLease {
  /** `portId`: two leases never have one port. */
  readonly id: string;
  readonly host: string;
  readonly port: number;
  /** Null exactly when it is `in_use`. */
  readonly owner: PortOwner | null;
  /** What the owner calls the port. */
  readonly name: string;
  /** Unique: while it is the owner's, by owner and name; else the id. */
  readonly claim: string;
  readonly state: PortState;
  /** Another one with every change. */
  readonly token: string;
  /** When it came into this state. */
  readonly since: Date;
  /** Why it is `releasing` or `in_use`. */
  readonly reason: string | null;
  /** When its host has last looked at it. */
  readonly checkedAt: Date;
}

/** In order of hosts and ports. */
export function portId(host: string, port: number): string {
  return `${host}:${String(port).padStart(5, '0')}`;
}

/** One port for each owner and name on a host. Of one length, however long the names are. */
export function portClaim(host: string, owner: PortOwner, name: string): string {
  const key = JSON.stringify([host, owner.service, owner.release, owner.instance ?? null, name]);
  return createHash('sha256').update(key).digest('hex');
}

/** `shop, release 7, instance 2`, for a sentence. */
export function ownerName({ service, release, instance }: PortOwner): string {
  const whole = `${service}, release ${release}`;
  return instance === undefined ? whole : `${whole}, instance ${instance}`;
}
