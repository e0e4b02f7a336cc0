import { createHash } from 'node:crypto';
import type { Published } from '../../engine/steps/deploy/deploy-action.js';
import type { Route } from '../../integrations/reverse-proxy/reverse-proxy.js';
import type { LeaseList } from '../../ports/lease-list.js';
import type { PortOwner } from '../../ports/port-lease.js';

/** Names of services are longer than ids of routes and of containers may be. */
const SHOWN = 40;
const HASH_LENGTH = 12;
/** Folder of `MILLRACE_HOME`. */
export const SERVICE_RELEASES = 'service-releases';
/** Stands for the number of a release: the port is that of the service, whichever one serves. */
const ROUTE = 'route';

/** Of a service, wherever a name is short and has few characters: unique, and readable. */
export function shortName(serviceId: string): string {
  const hash = createHash('sha256').update(serviceId).digest('hex').slice(0, HASH_LENGTH);
  const name = serviceId.slice(serviceId.indexOf('/') + 1, serviceId.indexOf('/') + 1 + SHOWN);
  return `${name}-${hash}`;
}

/**
 * Of an instance of a release, on what runs it.
 * @param instance how often the release was restarted before it; absent: never
 */
export function instanceName(serviceId: string, release: number, instance = 0): string {
  return `${shortName(serviceId)}.${numbered(release, instance)}`;
}

/**
 * Which instance a name is of, of the instances of one release; undefined: of another release.
 * @param first name of the first instance of the release
 */
export function instanceNamed(name: string, first: string): number | undefined {
  if (name === first) return 0;
  return name.startsWith(`${first}-`) ? Number(name.slice(first.length + 1)) : undefined;
}

/** Whether `instanceName` could have made it. */
export function isInstanceName(text: string): boolean {
  return /-[0-9a-f]{12}\.[1-9][0-9]*(?:-[1-9][0-9]*)?$/.test(text);
}

/** Of the files of a release of a program, in `MILLRACE_HOME`. */
export function releasePath(serviceId: string, release: number): string {
  return `${SERVICE_RELEASES}/${shortName(serviceId)}/${release}`;
}

/** Who has the port by which the outside reaches a service. */
export function routeOwner(serviceId: string): PortOwner {
  return { service: serviceId, release: ROUTE };
}

/**
 * Who has the port at which an instance of a release listens. Two instances of one release are
 * owners apart: what is given back of one is never that of the other.
 */
export function instanceOwner(serviceId: string, release: number, instance = 0): PortOwner {
  return { service: serviceId, release: numbered(release, instance) };
}

/** Of an instance's port, the number of its release; undefined: it is that of the route. */
export function releaseOf({ release }: PortOwner): number | undefined {
  return release === ROUTE ? undefined : Number(release.split('-')[0]);
}

/** Of an instance's port, which instance of its release it is; undefined: it is the route's. */
export function instanceOf({ release }: PortOwner): number | undefined {
  return release === ROUTE ? undefined : Number(release.split('-')[1] ?? 0);
}

function numbered(release: number, instance: number): string {
  return instance === 0 ? String(release) : `${release}-${instance}`;
}

/** Where a service is reached, with the port that it was given where it wants none by number. */
export async function listenOf(
  serviceId: string,
  published: Published,
  ports: Pick<LeaseList, 'list'>,
  host: string,
): Promise<Route['listen'] | undefined> {
  if ('domain' in published) return published;
  // Before it is held somebody looks whether it is free: nobody may listen there at that moment.
  const leases = await ports.list({ host, owner: routeOwner(serviceId) });
  const lease = leases.find(({ state }) => state === 'held');
  return lease && { address: published.address, port: lease.port };
}

/** What no other service of the host may hold. */
export function routePlace(serviceId: string, published: Published): string {
  if ('domain' in published) {
    // As the proxy tells paths apart. What is below one may be another service's: no place is a
    // part of another one, hence the end.
    const path = (published.path ?? '/').toLowerCase();
    return `domain ${published.domain}#${path}#`;
  }
  // With any port, it holds nothing that another one could want.
  return published.port === undefined ? `service ${serviceId}` : `port ${published.port}`;
}
