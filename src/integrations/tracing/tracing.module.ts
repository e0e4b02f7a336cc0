import {
  type DynamicModule,
  Inject,
  Logger,
  Module,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { hostname } from 'node:os';
import { MillraceConfig } from '../../config/millrace-config.js';
import { packageVersion } from '../../config/paths.js';
import { NoTracing, Tracing } from './tracing.js';

/**
 * Global: gives everybody `Tracing`. OpenTelemetry is loaded only when a collector is configured.
 */
@Module({})
export class TracingModule implements OnApplicationShutdown {
  constructor(@Inject(Tracing) private readonly tracing: Tracing) {}

  /** `role` becomes part of the service's name in the traces. */
  static forRoot(role: string): DynamicModule {
    return {
      module: TracingModule,
      global: true,
      providers: [
        {
          provide: Tracing,
          inject: [MillraceConfig],
          useFactory: (config: MillraceConfig) => createTracing(role, config.otlpEndpoint),
        },
      ],
      exports: [Tracing],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.tracing.close();
  }
}

async function createTracing(role: string, endpoint: string | undefined): Promise<Tracing> {
  if (endpoint === undefined) return new NoTracing();
  const logger = new Logger('Tracing');
  const { OtelTracing } = await import('./otel-tracing.js');
  return new OtelTracing({
    endpoint,
    service: `millrace-${role}`,
    version: packageVersion(),
    instance: `${hostname()}-${process.pid}`,
    onOutage: (error) => {
      if (error) logger.warn({ err: error }, 'the collector takes no traces: they are dropped');
      else logger.log('the collector takes traces again');
    },
  });
}
