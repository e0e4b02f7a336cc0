import { ArchiveError } from '../../common/archive/archive-error.js';
import { packIndexed } from '../../common/archive/indexed-tree.js';
import { OneByOne } from '../../common/async/one-by-one.js';
import { failPoint } from '../../common/fail-point.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import type { LeftOutList } from '../../common/tree/left-out.js';
import { Globs } from '../../common/values/globs/globs.js';
import { MAX_TREE_ENTRIES } from '../../common/tree/tree-limits.js';
import type { ArtifactsPlan } from '../../engine/plan/artifacts-plan.js';
import { objectKey, type ObjectKey } from '../../integrations/object-store/object-key.js';
import type { ObjectStore } from '../../integrations/object-store/object-store.js';
import type { Artifact, ArtifactPlace } from './artifact.js';
import type { ArtifactRecords } from './artifact-records.js';

/** Files, folders and links of one try. */
const MAX_ENTRIES = 100_000;

/** Of all objects that are artifacts; the next segment is the execution. */
export const ARTIFACT_OBJECTS = 'artifacts';

/** Whose artifacts they are. */
export type ArtifactOrigin = Omit<ArtifactPlace, 'path'> & { readonly pipelineId: string };

/** What a try left, and a folder of ours alone for what is copied meanwhile. */
export interface LeftTree {
  readonly root: string;
  readonly scratch: string;
}

export interface KeptArtifacts {
  readonly files: number;
  /** Bytes of the files. */
  readonly bytes: number;
  /** Paths that have fitted nothing. */
  readonly unmatched: readonly string[];
  readonly leftOut: LeftOutList;
}

/** The files of an execution would have more bytes, or be more, than one may keep. */
export class ArtifactsTooLargeError extends Error {}

/**
 * Keeps what tries leave behind: the files as one archive in the object store, which is put whole
 * or not at all, and then one record for each file. An archive without records is removed with its
 * execution. Steps that run at once pack at once, and are counted one after another: an attempt
 * runs on one worker.
 */
export class ArtifactKeeper {
  private readonly counted = new OneByOne();

  constructor(
    private readonly objects: ObjectStore,
    private readonly records: ArtifactRecords,
    /** Bytes of all artifacts of one execution. */
    private readonly maxBytes: number,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /**
   * @throws ArtifactsTooLargeError, ObjectStoreError, the reason of the signal, or an error of the
   * records
   */
  async keep(
    origin: ArtifactOrigin,
    plan: ArtifactsPlan,
    tree: LeftTree,
    signal: AbortSignal,
  ): Promise<KeptArtifacts> {
    const { executionId, executionAttempt, step } = origin;
    const maxBytes = await this.roomOf(executionId, signal);
    const packed = packIndexed(tree.root, {
      globs: new Globs(plan.paths),
      limits: { maxBytes, maxEntries: MAX_ENTRIES, maxWalked: MAX_TREE_ENTRIES },
      ...{ scratch: tree.scratch, signal },
    });
    const id = uuidV7();
    const key = objectKey(ARTIFACT_OBJECTS, executionId, String(executionAttempt), id);
    try {
      await this.objects.put(key, packed.stream, { signal });
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      throw new ArtifactsTooLargeError(error.message, { cause: error });
    }
    failPoint('artifacts_stored');
    const { files, contentBytes: bytes, unmatched, leftOut } = packed.result();
    const kept = { files: files.length, bytes, unmatched, leftOut };
    if (files.length === 0) {
      await this.objects.delete(key);
      return kept;
    }
    const createdAt = this.now();
    const expiresAt =
      plan.expireInMs === undefined ? undefined : new Date(createdAt.getTime() + plan.expireInMs);
    const artifacts = files.map((file) => ({
      ...{ ...origin, ...file, objectKey: key, createdAt },
      name: plan.name ?? step,
      ...(expiresAt && { expiresAt }),
    }));
    const record = () => this.record(executionId, key, bytes, artifacts, signal);
    await this.counted.run(executionId, record, signal);
    return kept;
  }

  /** What was kept since the room was asked for counts as well. */
  private async record(
    executionId: string,
    key: ObjectKey,
    bytes: number,
    artifacts: readonly Artifact[],
    signal: AbortSignal,
  ): Promise<void> {
    const room = await this.roomOf(executionId, signal);
    if (bytes > room) {
      await this.objects.delete(key);
      throw new ArtifactsTooLargeError(`the files have more than ${room} bytes`);
    }
    await this.records.insert(artifacts, signal);
  }

  /** Bytes that the execution may still keep. */
  private async roomOf(executionId: string, signal: AbortSignal): Promise<number> {
    return Math.max(0, this.maxBytes - (await this.records.bytesOf(executionId, signal)));
  }
}
