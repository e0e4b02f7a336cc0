import type { Published } from '../../engine/steps/deploy/deploy-action.js';
import type { ProgramAddress } from '../../integrations/reverse-proxy/reverse-proxy.js';
import { LeaseList } from '../../ports/lease-list.js';
import type { PortLeases } from '../../ports/port-leases.js';
import type { Release, Service } from '../record/deployment.js';
import type { DeploymentStore } from '../record/deployment-store.js';
import { instanceOwner, listenOf, shortName } from './service-route.js';
import { RouteSource, type WantedRoute } from './route-source.js';

/** A host and its leases. */
interface HostPorts {
  readonly host: string;
  readonly ports: LeaseList;
}

interface Routed {
  readonly published: Published;
  /** That serves by the record. */
  readonly serving: Release | undefined;
  /** The deployment that made that serve; null: nothing serves. */
  readonly madeBy: string | null;
  /** Somebody has stopped the service. */
  readonly isStopped: boolean;
  readonly isSwitching: boolean;
}

/** Routes of the services that were deployed as programs. */
export class DeployedRoutes extends RouteSource {
  constructor(
    private readonly store: DeploymentStore,
    private readonly ports: Pick<PortLeases, 'list'>,
  ) {
    super();
  }

  async routesOn(host: string): Promise<readonly WantedRoute[]> {
    const before = (await this.store.servicesOn(host)).filter(isRouted);
    if (before.length === 0) return [];
    const active = new Map(
      await Promise.all(
        before.map(async ({ _id, active: id }) => {
          const deployment = id === null ? undefined : await this.store.find(id);
          return [_id, deployment] as const;
        }),
      ),
    );
    // What serves is read behind what is switching; see `RouteSource`.
    const now = (await this.store.servicesOn(host)).filter(isRouted);
    const releases = await this.store.releasesWith(now.flatMap(({ release_id: id }) => id ?? []));
    const ports = await LeaseList.ofHosts(this.ports, [host]);
    const routes = await Promise.all(
      now.map(
        async ({
          _id,
          release_id: id,
          deployment_id: madeBy,
          stopped,
        }): Promise<WantedRoute | undefined> => {
          const deployment = active.get(_id);
          const serving = id === null ? undefined : releases.get(id);
          const isRemoved = deployment?.kind === 'remove' && id === null;
          // Until its gate is passed, a deployment changes nothing that the outside reaches.
          const isArmed = deployment?.is_armed === true || serving === undefined;
          const settings = isArmed ? (deployment ?? serving)?.settings : serving.settings;
          if (isRemoved || settings === undefined || !('published' in settings)) return undefined;
          const { published } = settings;
          // A stop is made by the record alone.
          const isSwitching = deployment?.phase === 'switch' && deployment.kind !== 'stop';
          const routed = { published, serving, madeBy, isStopped: Boolean(stopped), isSwitching };
          return this.routeOf(_id, { host, ports }, routed);
        },
      ),
    );
    return routes.filter((route) => route !== undefined);
  }

  private async routeOf(
    serviceId: string,
    at: HostPorts,
    { published, serving, madeBy, isStopped, isSwitching }: Routed,
  ): Promise<WantedRoute | undefined> {
    const listen = await listenOf(serviceId, published, at.ports, at.host);
    if (listen === undefined) return undefined;
    const route = { id: shortName(serviceId), listen, isSwitching };
    if (isStopped) return { ...route, isStopped };
    const address = serving && (await addressOf(serving, at));
    const assetsFrom = address && serving && (await this.assetsBeside(madeBy, serving, at));
    const upstream = address && { ...address, ...(assetsFrom && { assetsFrom }) };
    return { ...route, ...(upstream && { upstream }) };
  }

  /** The release before, as long as its static files are kept. */
  private async assetsBeside(
    deploymentId: string | null,
    { settings }: Release,
    at: HostPorts,
  ): Promise<ProgramAddress | undefined> {
    if (!('keep_assets' in settings) || deploymentId === null) return undefined;
    // Others that drain, as one that was gone back from, have never been asked for files of this.
    const id = (await this.store.find(deploymentId))?.previous_release_id ?? null;
    const before = id === null ? undefined : await this.store.release(id);
    return before?.status === 'draining' ? addressOf(before, at) : undefined;
  }
}

async function addressOf(
  { service_id: id, number, instance }: Release,
  { host, ports }: HostPorts,
): Promise<ProgramAddress | undefined> {
  const [lease] = await ports.list({ host, owner: instanceOwner(id, number, instance) });
  return lease && { host: '127.0.0.1', port: lease.port };
}

function isRouted({ service_type: type }: Service): boolean {
  return type !== 'local_directory' && type !== 'hybrid';
}
