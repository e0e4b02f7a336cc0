import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Logger as NestLogger } from 'nestjs-pino';
import { AppModule } from '../app/app.module.js';
import { endOnSignal, endWithSupervisor, reportAndExit } from '../app/process-life.js';
import { linkToSupervisor } from '../app/supervisor-link.js';
import { armFailPoint } from '../common/fail-point.js';
import { createRootLogger } from '../common/logging/root-logger.js';
import { readEnvironment } from '../config/environment.js';
import { loadConfig } from '../config/load-config.js';

/** Runs a worker until a signal ends the process; a start that fails ends it at once. */
export function runWorker(): void {
  start().catch(reportAndExit);
}

async function start(): Promise<void> {
  const supervisor = linkToSupervisor(endWithSupervisor);
  const config = loadConfig();
  armFailPoint(readEnvironment()['FAIL_POINT']);
  const logger = createRootLogger({ level: config.logLevel, role: 'worker' });
  const app = await NestFactory.createApplicationContext(
    AppModule.forRole('worker', config, logger),
    { bufferLogs: true, abortOnError: false },
  );
  app.useLogger(app.get(NestLogger));
  endOnSignal(logger, () => app.close());
  logger.info('the worker runs');
  supervisor.ready();
}
