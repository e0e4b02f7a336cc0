import { type BeforeApplicationShutdown, Logger, Module } from '@nestjs/common';
import { readEnvironment } from '../../../config/environment.js';
import { MillraceConfig } from '../../../config/millrace-config.js';
import { SupervisedServices } from '../../../integrations/local-services/client/supervised-services.js';
import { SupervisorProcess } from '../../../integrations/local-services/client/supervisor-process.js';
import { LocalServices } from '../../../integrations/local-services/local-services.js';

/** Ends with the worker: a start of the supervisor that waits, and not the supervisor. */
class SupervisorStart {
  readonly end = new AbortController();
}

/** Programs of this host, by their supervisor, which is started when it is first asked. */
@Module({
  providers: [
    SupervisorStart,
    {
      provide: LocalServices,
      inject: [MillraceConfig, SupervisorStart],
      useFactory: (
        { home, servicesApart: isApart }: MillraceConfig,
        { end: { signal } }: SupervisorStart,
      ) => {
        const logger = new Logger('LocalServices');
        const progress = (line: string): void => logger.log(line);
        const options = { home, env: readEnvironment(), progress, signal, isApart };
        const supervisor = new SupervisorProcess(options);
        return new SupervisedServices(() => supervisor.ensure());
      },
    },
  ],
  exports: [LocalServices],
})
export class LocalServicesModule implements BeforeApplicationShutdown {
  constructor(private readonly start: SupervisorStart) {}

  beforeApplicationShutdown(): void {
    this.start.end.abort();
  }
}
