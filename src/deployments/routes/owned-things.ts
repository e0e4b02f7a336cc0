import { hostPort } from '../../common/net/host-port.js';
import type { PortLeases } from '../../ports/port-leases.js';
import type { OwnedThings } from '../../service-registry/deployed-services.js';
import { GONE, hostOf, type Release, type Service, sshOf } from '../record/deployment.js';
import type { DeploymentStore } from '../record/deployment-store.js';
import { instanceName, listenOf, releasePath } from './service-route.js';

/** Stands for the data folder of the host, which only its workers know. */
const HOME = 'MILLRACE_HOME';
/** An instance of such a release may run. */
const RUNNING: readonly Release['status'][] = ['prepared', 'serving', 'draining'];

/** What a service has, by the record. Rejects when the store is away. */
export async function ownedBy(
  { _id: id, service_type: type, host, release_id: serving }: Service,
  store: Pick<DeploymentStore, 'releasesOf'>,
  ports: Pick<PortLeases, 'list'> | undefined,
): Promise<OwnedThings> {
  const all = await store.releasesOf(id);
  const left = all.filter(({ status }) => !GONE.includes(status)).reverse();
  const leases =
    type === 'hybrid' ? [] : ((await ports?.list({ host, owner: { service: id } })) ?? []);
  const current = left.find(({ _id }) => _id === serving);
  return {
    ...{ id, type, host, releases: left.map(({ number }) => number) },
    folders: left.flatMap((release) => foldersOf(release, release === current)),
    instances: left.flatMap(instancesOf),
    images: distinct(left.flatMap(({ settings }) => ('image' in settings ? [settings.image] : []))),
    ports: distinct(leases.map(({ port }) => port)).sort((a, b) => a - b),
    routes: current && ports ? await routesOf(current, ports) : [],
  };
}

/** Services that are parts of a unit, in the order in which they are removed. */
export async function partsOfUnit(
  unit: string,
  store: Pick<DeploymentStore, 'releasesOf' | 'service'>,
): Promise<readonly Service[]> {
  const all = (await store.releasesOf(unit)).flatMap(({ parts = [] }) => parts);
  const ids = distinct(all.map(({ service_id: id }) => id)).reverse();
  const known = await Promise.all(ids.map((id) => store.service(id)));
  return known.filter((one) => one?.unit === unit && one.status !== 'removed') as Service[];
}

/** What is said before it is removed. Pure. */
export function ownedLines(owned: OwnedThings): readonly string[] {
  const { releases, folders, instances, images, ports, routes } = owned;
  const lines: readonly (readonly [what: string, all: readonly (string | number)[]])[] = [
    ['removed are the releases', releases],
    ['removed are the folders', folders],
    ['ended are the instances', instances],
    ['removed, where nothing else needs them, are the images', images],
    ['given back are the ports', ports],
    ['removed are the routes', routes],
  ];
  return lines.flatMap(([what, all]) => (all.length === 0 ? [] : [`${what} ${all.join(', ')}`]));
}

function foldersOf({ service_id: id, number, settings }: Release, isServing: boolean): string[] {
  switch (settings.type) {
    case 'local_directory': {
      const top = `${sshOf(settings) ? hostOf(settings, '') : ''}${settings.path}`;
      return [`${top}/releases/${number}`, ...(isServing ? [`${top}/current`] : [])];
    }
    case 'local_service':
      return [`${HOME}/${releasePath(id, number)}`];
    case 'docker_container':
    case 'hybrid':
      return [];
  }
}

function instancesOf(release: Release): string[] {
  const { service_id: id, number, status, settings, instance = 0 } = release;
  if (!('published' in settings) || !RUNNING.includes(status)) return [];
  const before = (release.draining_instances ?? []).map((one) => one.instance);
  return distinct([...before, instance]).map((one) => instanceName(id, number, one));
}

async function routesOf(
  { service_id: id, settings, host }: Release,
  ports: Pick<PortLeases, 'list'>,
): Promise<string[]> {
  if (!('published' in settings)) return [];
  const listen = await listenOf(id, settings.published, ports, host);
  if (listen === undefined) return [];
  return 'domain' in listen
    ? [`${listen.domain}${listen.path ?? '/'}`]
    : [hostPort(listen.address, listen.port)];
}

function distinct<T>(all: readonly T[]): T[] {
  return [...new Set(all)];
}
