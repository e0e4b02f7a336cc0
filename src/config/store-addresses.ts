import type { ConfigProblem } from './config-problem.js';
import { ConfigError } from './load-config.js';
import type { MillraceConfig } from './millrace-config.js';

export interface StoreAddresses {
  readonly mongodbUri: string;
  readonly redisUrl: string;
}

/**
 * The addresses of the stores, which every server process needs; `./millrace start` fills in those
 * of the embedded services.
 * @throws ConfigError naming each that is missing
 */
export function storeAddresses(config: MillraceConfig): StoreAddresses {
  const { mongodbUri, redisUrl } = config;
  if (mongodbUri !== undefined && redisUrl !== undefined) return { mongodbUri, redisUrl };
  const problems: ConfigProblem[] = [
    { name: 'MONGODB_URI', value: mongodbUri },
    { name: 'REDIS_URL', value: redisUrl },
  ]
    .filter(({ value }) => value === undefined)
    .map(({ name }) => ({
      name,
      message: 'is not set: set it, or use `./millrace start`, which brings up its own',
    }));
  throw new ConfigError(problems);
}
