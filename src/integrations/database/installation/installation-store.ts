/**
 * Port: where the id of the installation is kept. May be called concurrently and from several
 * processes; rejects when the store is away, and may be called again then. Two adapters: the
 * database and memory.
 */
export abstract class InstallationStore {
  /** Stores the id where none is stored yet, and gives the one that is. */
  abstract claim(id: string): Promise<string>;
}
