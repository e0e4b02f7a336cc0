import type { Artifact } from './artifact.js';

/** Port: what is known of artifacts. Adapters: the database, and a list for `millrace run`. */
export abstract class ArtifactRecords {
  /**
   * Stores them; those that are there stay as they are. Idempotent. The signal ends the wait for a
   * store that is away.
   */
  abstract insert(artifacts: readonly Artifact[], signal: AbortSignal): Promise<void>;
  /** Bytes of all of an execution; waits as `insert` does. */
  abstract bytesOf(executionId: string, signal: AbortSignal): Promise<number>;
}
