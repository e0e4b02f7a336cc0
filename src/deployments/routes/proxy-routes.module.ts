import { type BeforeApplicationShutdown, type DynamicModule, Logger, Module } from '@nestjs/common';
import { hostname } from 'node:os';
import type { AsyncModuleOptions } from '../../common/async-module-options.js';
import { readEnvironment } from '../../config/environment.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { homeCaddy } from '../../embedded/caddy/home-caddy.js';
import { SupervisedServices } from '../../integrations/local-services/client/supervised-services.js';
import { SupervisorProcess } from '../../integrations/local-services/client/supervisor-process.js';
import { ApartCaddy } from '../../integrations/reverse-proxy/apart-caddy.js';
import { CaddyProxy, type CaddySource } from '../../integrations/reverse-proxy/caddy-proxy.js';
import { ReverseProxy } from '../../integrations/reverse-proxy/reverse-proxy.js';
import { Leases } from '../../leases/leases.js';
import { LeasesModule } from '../../leases/leases.module.js';
import { askForProxy } from './ask-for-proxy.js';
import { ProxyRoutes } from './proxy-routes.js';
import { RouteSource } from './route-source.js';

/** Ends with the worker: a build of the proxy that would hold it up for minutes, not the proxy. */
class ProxyStart {
  readonly end = new AbortController();
}

/** The Caddy of this host, which is started from here only where nobody else does that. */
function caddyFor(
  { home, servicesApart: isApart }: MillraceConfig,
  progress: (line: string) => void,
  signal: AbortSignal,
): CaddySource {
  const caddy = homeCaddy(home, { progress, signal });
  if (!isApart) return caddy;
  const options = { home, env: readEnvironment(), progress, signal, isApart };
  const supervisor = new SupervisorProcess(options);
  const services = new SupervisedServices(() => supervisor.ensure());
  return new ApartCaddy(caddy, () => askForProxy(services));
}

/**
 * The reverse proxy of this host, for a worker. It is one process of its own for all workers of a
 * data folder, built and started when a route is first wanted.
 */
@Module({})
export class ProxyRoutesModule implements BeforeApplicationShutdown {
  /** @param source what the record wants; its factory may inject what `imports` export */
  static forRootAsync(source: AsyncModuleOptions<RouteSource>): DynamicModule {
    const { imports = [], ...factory } = source;
    return {
      module: ProxyRoutesModule,
      imports: [LeasesModule, ...imports],
      providers: [
        ProxyStart,
        { provide: RouteSource, ...factory },
        {
          provide: ReverseProxy,
          inject: [MillraceConfig, ProxyStart],
          useFactory: (config: MillraceConfig, { end: { signal } }: ProxyStart) => {
            const logger = new Logger('ReverseProxy');
            const progress = (line: string): void => logger.log(line);
            return new CaddyProxy(caddyFor(config, progress, signal));
          },
        },
        {
          provide: ProxyRoutes,
          inject: [RouteSource, ReverseProxy, Leases],
          useFactory: (wanted: RouteSource, proxy: ReverseProxy, leases: Leases) =>
            // By this name the worker's list shows the host too.
            new ProxyRoutes(wanted, proxy, leases, hostname()),
        },
      ],
      exports: [ReverseProxy, ProxyRoutes],
    };
  }

  constructor(private readonly start: ProxyStart) {}

  beforeApplicationShutdown(): void {
    this.start.end.abort();
  }
}
