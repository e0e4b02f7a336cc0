import type { CaddyAddress, CaddySource } from './caddy-proxy.js';
import { ProxyAwayError } from './reverse-proxy.js';

/**
 * A Caddy that another process starts (`SERVICES_APART`): one that this worker started would end
 * with the unit or the container of the worker, and all connections with it.
 */
export class ApartCaddy implements CaddySource {
  constructor(
    private readonly caddy: Pick<CaddySource, 'running'>,
    /** Lets the other process bring it up. */
    private readonly ask: () => Promise<void>,
  ) {}

  async ensure(): Promise<CaddyAddress> {
    const before = await this.running();
    if (before !== undefined) return before;
    await this.ask();
    const address = await this.running();
    if (address !== undefined) return address;
    throw new ProxyAwayError(
      'the supervisor of services has started it, and it is not seen from here: both need the same MILLRACE_HOME and the same processes (`pid` of a container)',
    );
  }

  running(): Promise<CaddyAddress | undefined> {
    return this.caddy.running();
  }
}
