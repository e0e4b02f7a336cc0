import { Module, type DynamicModule } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import type { Logger } from 'pino';

/**
 * Routes Nest's loggers into the process's root logger (`app.useLogger(app.get(Logger))`). Request lines are written
 * by `requestLog`, which runs before everything else, so that refusals at the edge have one too.
 */
@Module({})
export class LoggingModule {
  static forRoot(logger: Logger): DynamicModule {
    return {
      module: LoggingModule,
      imports: [LoggerModule.forRoot({ pinoHttp: { logger }, useExisting: true })],
      exports: [LoggerModule],
    };
  }
}
