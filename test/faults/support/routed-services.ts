import { join } from 'node:path';
import { livingProcess } from '../../../src/embedded/system/process-identity.js';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/free-port.js';
import type { MillraceServer } from '../../support/millrace-server.js';
import { END_MS } from './deployment-rig.js';

interface PortsBody {
  readonly items: readonly {
    readonly owner: { readonly service: string; readonly release: string } | null;
  }[];
}

/** Services of a server behind its proxy, each published at a port of its own. */
export class RoutedServices {
  private readonly ports = new Map<string, number>();

  constructor(private readonly server: MillraceServer) {}

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
    const { items } = await this.server.call<PortsBody>('GET', '/api/ports?limit=200');
    return items
      .flatMap(({ owner }) => (owner?.service === `default/${name}` ? [owner.release] : []))
      .sort();
  }

  killProxy(): Promise<void> {
    return this.killNamed('caddy/process.json');
  }

  /** @param identity file of the data folder that says which process it is */
  async killNamed(identity: string): Promise<void> {
    const { pid } = await eventually(() => livingProcess(join(this.server.home, identity)), END_MS);
    process.kill(pid, 'SIGKILL');
  }
}
