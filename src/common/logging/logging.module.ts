import { Module, type DynamicModule } from '@nestjs/common';
import { LoggerModule, PinoLogger } from 'nestjs-pino';
import type { Logger } from 'pino';
import { ProcessLogLevel } from './process-log-level.js';

/**
 * Routes Nest's loggers into the process's root logger (`app.useLogger(app.get(Logger))`). Request
 * lines are written by `requestLog`, which runs before everything else, so that refusals at the
 * edge have one too.
 */
@Module({})
export class LoggingModule {
  static forRoot(logger: Logger): DynamicModule {
    return {
      module: LoggingModule,
      global: true,
      providers: [
        {
          provide: ProcessLogLevel,
          inject: [PinoLogger],
          // Outside of a request: what all of Nest's loggers go by.
          useFactory: (nest: PinoLogger) => new ProcessLogLevel(logger, [nest.logger]),
        },
      ],
      imports: [LoggerModule.forRoot({ pinoHttp: { logger }, useExisting: true })],
      exports: [LoggerModule, ProcessLogLevel],
    };
  }
}
