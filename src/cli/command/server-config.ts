import { resolve } from 'node:path';
import { nameRecord } from '../../common/values/name-record.js';
import { type Environment, readEnvironment } from '../../config/environment.js';
import { loadConfig } from '../../config/load-config.js';
import type { MillraceConfig } from '../../config/millrace-config.js';
import type { ServerFlags } from './flags.js';

export interface EffectiveConfig {
  readonly config: MillraceConfig;
  /** The environment with the flags on top: what children are given. */
  readonly environment: Environment;
}

/**
 * The configuration of a server command: flags over environment over defaults. @throws ConfigError
 */
export function effectiveConfig(flags: ServerFlags): EffectiveConfig {
  const overrides: Environment = {
    PORT: flags.port,
    HOST: flags.host,
    MILLRACE_HOME: flags.home === undefined ? undefined : resolve(flags.home),
    WORKERS: flags.workers,
    WORKER_CONCURRENCY: flags.concurrency,
    WORKER_LABELS: flags.labels,
  };
  const given = nameRecord(Object.entries(overrides).filter(([, value]) => value !== undefined));
  return { config: loadConfig(given), environment: { ...readEnvironment(), ...given } };
}
