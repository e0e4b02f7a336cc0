import type { Artifact } from './artifact.js';

/** Port: what is known of artifacts. Adapters: the database, and a list for `millrace run`. */
export abstract class ArtifactRecords {
  /** Stores them; those that are there stay as they are. Idempotent. */
  abstract insert(artifacts: readonly Artifact[]): Promise<void>;
  /** Bytes of all of an execution. */
  abstract bytesOf(executionId: string): Promise<number>;
}
