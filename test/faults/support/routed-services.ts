import { join } from 'node:path';
import { isAlive } from '../../../src/common/child-process/process-stat.js';
import type { FailPoint } from '../../../src/common/fail-point.js';
import { shortName } from '../../../src/deployments/routes/service-route.js';
import { homeCaddy } from '../../../src/embedded/caddy/home-caddy.js';
import { livingProcess } from '../../../src/embedded/system/process-identity.js';
import { CaddyProxy } from '../../../src/integrations/reverse-proxy/caddy-proxy.js';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/free-port.js';
import type { MillraceServer } from '../../support/millrace-server.js';
import { END_MS } from './deployment-rig.js';
import { idOf } from './service-id.js';

/** Where the proxy alone knows of the switch: with it that is gone. */
export const UNRECORDED: readonly FailPoint[] = ['deployment_switching', 'release_switched'];

interface PortsBody {
  readonly items: readonly {
    readonly port: number;
    readonly owner: { readonly service: string; readonly release: string } | null;
  }[];
}

/** Services of a server behind its proxy, each published at a port of its own. */
export class RoutedServices {
  private readonly ports = new Map<string, number>();
  private readonly proxy: CaddyProxy;

  constructor(private readonly server: MillraceServer) {
    this.proxy = new CaddyProxy(homeCaddy(server.home, { progress: () => undefined }));
  }

  /** Where the outside reaches it: the same port for the same name. */
  async portOf(name: string): Promise<number> {
    const port = this.ports.get(name) ?? (await freePort());
    this.ports.set(name, port);
    return port;
  }

  /** What the outside is answered. */
  async served(name: string): Promise<string> {
    const url = `http://127.0.0.1:${await this.portOf(name)}/`;
    return (await fetch(url, { headers: { connection: 'close' } })).text();
  }

  /** Some release answers, whatever becomes of the deployment that is under way. */
  async expectAnswer(name: string): Promise<void> {
    expect(['old', 'new']).toContain(await this.served(name));
  }

  /** Whose ports are leased for it: numbers of releases, and `route`. */
  async leasesOf(name: string): Promise<readonly string[]> {
    return (await this.leased(name)).map(({ release }) => release).sort();
  }

  /** Where the release listens. */
  async portOfRelease(name: string, number: string): Promise<number | undefined> {
    return (await this.leased(name)).find(({ release }) => release === number)?.port;
  }

  private async leased(
    name: string,
  ): Promise<readonly { readonly release: string; readonly port: number }[]> {
    const { items } = await this.server.call<PortsBody>('GET', '/api/ports?limit=200');
    return items.flatMap(({ owner, port }) =>
      owner?.service === idOf(name) ? [{ release: owner.release, port }] : [],
    );
  }

  /**
   * Where the proxy sends requests of it, by its own configuration: a port for each route.
   * Undefined: the proxy has something that none of its routes makes.
   */
  async upstreamsOf(name: string): Promise<readonly (number | undefined)[] | undefined> {
    const { routes, isWhole } = await this.proxy.current();
    const own = routes.filter(({ id }) => id === shortName(idOf(name)));
    return isWhole ? own.map(({ upstream }) => upstream?.port) : undefined;
  }

  /** Of a service that was removed: it has no port, and the proxy no route. */
  async isGone(name: string): Promise<boolean> {
    const routes = await this.upstreamsOf(name);
    return routes?.length === 0 && (await this.leasesOf(name)).length === 0;
  }

  /** Of a service that was stopped: its route leads nowhere, and has its only port. */
  async isClosed(name: string): Promise<boolean> {
    const [upstream, ...others] = (await this.upstreamsOf(name)) ?? [0];
    const leases = await this.leasesOf(name);
    return upstream === undefined && others.length === 0 && leases.join() === 'route';
  }

  killProxy(): Promise<void> {
    return this.killNamed('caddy/process.json');
  }

  /**
   * Resolves when it is gone: until then it may still accept, and what it knows counts.
   *
   * @param identity file of the data folder that says which process it is
   */
  async killNamed(identity: string): Promise<void> {
    const path = join(this.server.home, identity);
    const killed = await eventually(() => livingProcess(path), END_MS);
    process.kill(killed.pid, 'SIGKILL');
    await eventually(() => !isAlive(killed) || undefined, END_MS);
  }
}
