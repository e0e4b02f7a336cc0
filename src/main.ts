import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Logger } from 'pino';
import { createApiApp } from './api-app.js';
import { createRootLogger } from './common/logging/root-logger.js';
import { ConfigError, loadConfig } from './config/load-config.js';

/** Requests that are under way at the end get this long; then their connections are cut. */
const drainMs = 8_000;

async function start(): Promise<void> {
  const config = loadConfig();
  const role = config.role === 'worker' ? 'api' : config.role;
  const logger = createRootLogger({ level: config.logLevel, role });
  const app = await createApiApp(role, config, logger);
  endOnSignal(app, logger);
  await app.listen(config.port, config.host);
  const { address, port } = app.getHttpServer().address() as AddressInfo;
  logger.info({ address, port }, 'the API listens');
}

function endOnSignal(app: NestExpressApplication, logger: Logger): void {
  let ending = false;
  const end = (signal: string): void => {
    if (ending) return;
    ending = true;
    logger.info({ signal }, 'the API ends');
    const cut = setTimeout(() => app.getHttpServer().closeAllConnections(), drainMs);
    app
      .close()
      .then(() => clearTimeout(cut))
      .catch((error: unknown) => {
        logger.error({ err: error }, 'the end failed');
        process.exitCode = 1;
      })
      .finally(() => process.exit());
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}

start().catch((error: unknown) => {
  // Before the logger stands, and for people who read a terminal: one message, no stack for what they can mend.
  const text =
    error instanceof ConfigError ? error.message : error instanceof Error ? error.stack : error;
  process.stderr.write(`${String(text)}\n`);
  process.exit(1);
});
