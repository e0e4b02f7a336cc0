import { createHash } from 'node:crypto';
import type { ObjectKey } from '../../integrations/object-store/object-key.js';

/** Which file of which try of a step it is. No two artifacts have the same ones. */
export interface ArtifactPlace {
  readonly executionId: string;
  readonly stage: string;
  readonly step: string;
  /** Of a matrix; absent: the step has none. */
  readonly cell?: string;
  /** Of the execution, from 1. */
  readonly executionAttempt: number;
  /** Of the step in it, from 1. */
  readonly attempt: number;
  /** In the workspace: `dist/app.js`. */
  readonly path: string;
}

/** One file that a step has left behind. */
export interface Artifact extends ArtifactPlace {
  readonly pipelineId: string;
  /** Of the artifacts that it belongs to. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256, 64 hex digits. */
  readonly digest: string;
  /** Permission bits of the file. */
  readonly mode: number;
  /** The archive in the object store that holds the content, and of other files of the same try. */
  readonly objectKey: ObjectKey;
  /** Bytes of the archive before it. */
  readonly offset: number;
  readonly createdAt: Date;
  /** Absent: it goes with its execution. */
  readonly expiresAt?: Date;
}

/** Characters of a path that stand in an id: an index takes no keys of any length. */
const PATH_IN_ID = 400;
/** Sorts before everything that a path may continue with, so `a` comes before `a/b`. */
const END_OF_PATH = '\u0001';

/**
 * The id of an artifact: ids of an execution are in the order of the paths, of one path in an order
 * that means nothing.
 */
export function artifactId(place: ArtifactPlace): string {
  const { executionId, stage, step, cell, executionAttempt, attempt, path } = place;
  const whole = JSON.stringify([stage, step, cell ?? null, executionAttempt, attempt, path]);
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, 32);
  return `${pathPrefix(executionId, path)}${hash}`;
}

/** Ids of a path of an execution begin with it, and with a long path those of others too. */
export function pathPrefix(executionId: string, path: string): string {
  return `${executionId}/${path.slice(0, PATH_IN_ID).toWellFormed()}${END_OF_PATH}`;
}

/**
 * Which of several artifacts of one path is meant when only the path is given: the one of the last
 * attempt of the execution, there the one that was kept last, then the one of the last attempt of
 * its step. Of those that are equal in all of this, the last id.
 */
export function lastArtifact(artifacts: readonly Artifact[]): Artifact | undefined {
  return artifacts.toSorted(
    (one, other) =>
      other.executionAttempt - one.executionAttempt ||
      other.createdAt.getTime() - one.createdAt.getTime() ||
      other.attempt - one.attempt ||
      (artifactId(one) < artifactId(other) ? 1 : -1),
  )[0];
}
