import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { createApiApp } from '../app/api-app.js';
import { closeInTime } from '../app/close-in-time.js';
import { endOnSignal, endWithSupervisor, reportAndExit } from '../app/process-life.js';
import { linkToSupervisor } from '../app/supervisor-link.js';
import { armFailPoint } from '../common/fail-point.js';
import { createRootLogger } from '../common/logging/root-logger.js';
import { readEnvironment } from '../config/environment.js';
import { ConfigError, loadConfig } from '../config/load-config.js';

/** Runs the API until a signal ends the process; a start that fails ends it at once. */
export function runApi(): void {
  start().catch(reportAndExit);
}

async function start(): Promise<void> {
  const supervisor = linkToSupervisor(endWithSupervisor);
  const config = loadConfig();
  armFailPoint(readEnvironment()['FAIL_POINT']);
  if (config.role === 'worker') {
    const message = 'cannot be worker here: this program is the API; start dist/worker.js instead';
    throw new ConfigError([{ name: 'ROLE', message }]);
  }
  const logger = createRootLogger({ level: config.logLevel, role: config.role });
  const app = await createApiApp(config.role, config, logger);
  endOnSignal(logger, () => closeInTime(app));
  await app.listen(config.port, config.host.replace(/^\[|\]$/g, ''));
  const { address, port } = app.getHttpServer().address() as AddressInfo;
  logger.info({ address, port }, 'the API listens');
  supervisor.ready();
}
