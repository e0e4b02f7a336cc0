import type { Route } from '../../integrations/reverse-proxy/reverse-proxy.js';
import { RouteSource, type WantedRoute } from './route-source.js';

/** What the record wants, in memory. */
export class MemoryRouteSource extends RouteSource {
  isAway = false;
  /** Something happens right before the record is read. */
  before: (() => Promise<void>) | undefined;
  private readonly wanted = new Map<string, WantedRoute>();

  want(route: Route, isSwitching = false): void {
    this.wanted.set(route.id, { ...route, isSwitching });
  }

  forget(id: string): void {
    this.wanted.delete(id);
  }

  async routesOn(host: string): Promise<readonly WantedRoute[]> {
    const { before } = this;
    this.before = undefined;
    await before?.();
    if (this.isAway) throw new Error('the record cannot be read');
    return host === 'here' ? [...this.wanted.values()] : [];
  }
}
