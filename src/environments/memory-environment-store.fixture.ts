import type { Environment } from './environment.js';
import { EnvironmentStore } from './environment-store.js';

/** Stands in for the database. */
export class MemoryEnvironmentStore extends EnvironmentStore {
  private readonly environments = new Map<string, Environment>();

  find(name: string): Promise<Environment | undefined> {
    return Promise.resolve(this.environments.get(name));
  }

  list(): Promise<readonly Environment[]> {
    const all = [...this.environments.values()];
    return Promise.resolve(all.sort((a, b) => (a._id < b._id ? -1 : 1)));
  }

  put(environment: Environment): Promise<Environment> {
    const { created_at } = this.environments.get(environment._id) ?? environment;
    const stored = { ...environment, created_at };
    this.environments.set(environment._id, stored);
    return Promise.resolve(stored);
  }

  remove(name: string): Promise<boolean> {
    return Promise.resolve(this.environments.delete(name));
  }
}
