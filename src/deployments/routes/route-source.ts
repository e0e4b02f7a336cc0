import type { Route } from '../../integrations/reverse-proxy/reverse-proxy.js';

/** A route as the record wants it. */
export interface WantedRoute extends Route {
  /**
   * A deployment of its service is in its phase `switch`: where the route leads at the moment only
   * the proxy knows, and `upstream` may be the old one or the new one.
   */
  readonly isSwitching: boolean;
}

/** Port: what the record says of the routes of a host; the proxy has them and no others. */
export abstract class RouteSource {
  /**
   * All routes of the services that live on a host, whether something was deployed there yet or
   * not. Whoever answers reads first which services are switching, and then what serves: in the
   * other order a switch in between would be undone. Rejects when the record cannot be read.
   */
  abstract routesOn(host: string): Promise<readonly WantedRoute[]>;
}
