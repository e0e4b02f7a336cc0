import type { Logger } from 'pino';
import { ConfigError } from '../config/load-config.js';

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

/**
 * The supervisor is gone: end at once. An orderly end has nothing to write to (embedded stores go
 * with the supervisor) and nobody to cut it short; what runs is taken over as after any other loss
 * of a worker.
 */
export function endWithSupervisor(): void {
  process.exit(1);
}

/** As the command line says of what is wrong in what it was given. */
const CONFIG_EXIT_CODE = 2;

/**
 * Before the logger stands, and for people who read a terminal: one message, no stack for what they
 * can mend.
 */
export function reportAndExit(error: unknown): void {
  const text =
    error instanceof ConfigError ? error.message : error instanceof Error ? error.stack : error;
  process.stderr.write(`${String(text)}\n`);
  process.exit(error instanceof ConfigError ? CONFIG_EXIT_CODE : 1);
}
