import type { RepositoryDocument } from '../../repositories/repository.schema.js';

/**
 * Port: what a forge has now. Two adapters: the API of the forge, and git where no API is used. All
 * methods reject with a `ForgeError`.
 */
export abstract class HeadsSource {
  /** Whether it is this one that is asked about a repository. */
  abstract isOf(repository: RepositoryDocument): boolean;

  /** Commits of all branches by their names. */
  abstract heads(repository: RepositoryDocument): Promise<ReadonlyMap<string, string>>;

  /** Has the forge send again what has failed since then. Answers how many deliveries. */
  abstract redeliver(repository: RepositoryDocument, since: Date): Promise<number>;
}
