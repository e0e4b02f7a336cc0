import type { Environment } from './environment.js';

/**
 * Port: environments that were configured. All methods may be called concurrently and from several
 * processes, and reject when the store is away; every write may be repeated. Adapters: the database
 * and memory.
 */
export abstract class EnvironmentStore {
  /** Undefined: nobody has configured it. */
  abstract find(name: string): Promise<Environment | undefined>;
  /** All, by their names. */
  abstract list(): Promise<readonly Environment[]>;
  /** In the place of the one of that name, whose `created_at` stays. @returns what is stored */
  abstract put(environment: Environment): Promise<Environment>;
  /** False: it was not configured. */
  abstract remove(name: string): Promise<boolean>;
}
