import type { Logger } from 'pino';
import { ConfigError } from './config/load-config.js';

/** Ends the process on SIGTERM or SIGINT, once, after `close`; exit code 1 when that fails. */
export function endOnSignal(logger: Logger, close: () => Promise<void>): void {
  let ending = false;
  const end = (signal: string): void => {
    if (ending) return;
    ending = true;
    logger.info({ signal }, 'ending');
    close()
      .catch((error: unknown) => {
        logger.error({ err: error }, 'the end failed');
        process.exitCode = 1;
      })
      .finally(() => process.exit());
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}

/** Before the logger stands, and for people who read a terminal: one message, no stack for what they can mend. */
export function failedStart(error: unknown): void {
  const text =
    error instanceof ConfigError ? error.message : error instanceof Error ? error.stack : error;
  process.stderr.write(`${String(text)}\n`);
  process.exit(1);
}
