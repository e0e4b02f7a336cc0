import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Collection, Model } from 'mongoose';
import { pageOf, type Page, type PageRequest } from '../../common/http/paging.js';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { type ObjectKey, parseObjectKey } from '../../integrations/object-store/object-key.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { ArtifactRecords } from './artifact-records.js';
import { type Artifact, artifactId, pathPrefix } from './artifact.js';
import { ARTIFACT_MODEL, type ArtifactDocument } from './artifact.schema.js';

const SAVE_DEADLINE_MS = 15 * 60_000;
const REQUEST_DEADLINE_MS = 3_000;
const INSERTED_AT_ONCE = 1_000;
const READ_AT_ONCE = 1_000;

/** An artifact whose time is over, as far as its removal needs it. */
export interface ExpiredArtifact {
  readonly id: string;
  readonly objectKey: ObjectKey;
}

/** `artifacts`: one document for each file. */
@Injectable()
export class ArtifactsRepository extends ArtifactRecords {
  /** The driver's collection: there may be 10,000 documents of one step. */
  private readonly artifacts: Collection<ArtifactDocument>;

  constructor(@InjectModel(ARTIFACT_MODEL) model: Model<ArtifactDocument>) {
    super();
    this.artifacts = model.db.collection<ArtifactDocument>(model.collection.name);
  }

  /**
   * Stores them; those that are there stay as they are. Idempotent, and safe to be called twice at
   * once. Waits for a database that is away, until the signal.
   */
  async insert(artifacts: readonly Artifact[], signal: AbortSignal): Promise<void> {
    for (let at = 0; at < artifacts.length; at += INSERTED_AT_ONCE) {
      const documents = artifacts.slice(at, at + INSERTED_AT_ONCE).map(documentOf);
      await databaseRetry(() => this.insertNew(documents), {
        deadlineMs: SAVE_DEADLINE_MS,
        signal,
      });
    }
  }

  /**
   * Artifacts of an execution in the order of their paths. Costs by the page, not by how many there
   * are.
   */
  async list(executionId: string, { limit, after }: PageRequest): Promise<Page<Artifact>> {
    const range = rangeOf(executionId);
    // A cursor of another execution leads nowhere else.
    const from = after !== undefined && after > range.$gt ? after : range.$gt;
    const rows = await this.find({ _id: { $gt: from, $lt: range.$lt } }, limit + 1);
    return pageOf(rows.map(artifactOf), limit, artifactId);
  }

  /** All of an execution, in the same order; read by pages. */
  async *all(executionId: string): AsyncGenerator<Artifact, void, void> {
    for (let after: string | undefined; ;) {
      const request = { limit: READ_AT_ONCE, ...(after !== undefined && { after }) };
      const { items, next } = await this.list(executionId, request);
      yield* items;
      if (next === undefined) return;
      after = next;
    }
  }

  /** All of an execution at once, in the same order. */
  async ofExecution(executionId: string): Promise<readonly Artifact[]> {
    const all: Artifact[] = [];
    for await (const artifact of this.all(executionId)) all.push(artifact);
    return all;
  }

  /** All of one path: of each step, cell and attempt that has left it. */
  async ofPath(executionId: string, path: string): Promise<Artifact[]> {
    const prefix = pathPrefix(executionId, path);
    // Behind the prefix an id has hex digits.
    const rows = await this.find({ _id: { $gt: prefix, $lt: `${prefix}g` } });
    return rows.filter((row) => row.path === path).map(artifactOf);
  }

  /** Those whose time was over at `now`, the first ones first. */
  async expired(now: Date, limit: number): Promise<ExpiredArtifact[]> {
    const rows = await databaseRetry(
      () =>
        this.artifacts
          .find({ expires_at: { $lte: now } })
          .project<Pick<ArtifactDocument, '_id' | 'object_key'>>({ object_key: 1 })
          .sort({ expires_at: 1 })
          .limit(limit)
          .toArray(),
      { deadlineMs: REQUEST_DEADLINE_MS },
    );
    return rows.map(({ _id, object_key }) => ({ id: _id, objectKey: keyOf(object_key) }));
  }

  /** Bytes of all of an execution. Waits as `insert` does. */
  async bytesOf(executionId: string, signal: AbortSignal): Promise<number> {
    const sums = await databaseRetry(
      () =>
        this.artifacts
          .aggregate<{ bytes: number }>([
            { $match: { _id: rangeOf(executionId) } },
            { $group: { _id: null, bytes: { $sum: '$size' } } },
          ])
          .toArray(),
      { deadlineMs: SAVE_DEADLINE_MS, signal },
    );
    return sums[0]?.bytes ?? 0;
  }

  /** Call it when their contents are gone. Idempotent. */
  async remove(ids: readonly string[]): Promise<void> {
    await databaseRetry(() => this.artifacts.deleteMany({ _id: { $in: [...ids] } }), {
      deadlineMs: REQUEST_DEADLINE_MS,
    });
  }

  /** Call it when the contents of all its artifacts are gone. Idempotent. */
  async removeExecution(executionId: string): Promise<void> {
    await databaseRetry(() => this.artifacts.deleteMany({ _id: rangeOf(executionId) }), {
      deadlineMs: REQUEST_DEADLINE_MS,
    });
  }

  /**
   * The first execution, in the order of ids, of which there are artifacts, if it is below
   * `before`.
   */
  async firstExecution(before: string): Promise<string | undefined> {
    const [first] = await this.find({ _id: { $lt: before } }, 1);
    return first?.execution_id;
  }

  /** An answer that was lost is asked for again: what is there was stored by the call before. */
  private async insertNew(documents: readonly ArtifactDocument[]): Promise<void> {
    try {
      await this.artifacts.insertMany([...documents], { ordered: false });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  }

  private find(
    filter: Parameters<typeof this.artifacts.find>[0],
    limit?: number,
  ): Promise<ArtifactDocument[]> {
    const options = {
      sort: { _id: 1 } as const,
      ...(limit !== undefined && { limit, batchSize: limit }),
    };
    return databaseRetry(
      () => this.artifacts.find(filter, options).toArray() as Promise<ArtifactDocument[]>,
      { deadlineMs: REQUEST_DEADLINE_MS },
    );
  }
}

/** Ids of an execution. `0` is what follows `/`. */
function rangeOf(executionId: string): { readonly $gt: string; readonly $lt: string } {
  return { $gt: `${executionId}/`, $lt: `${executionId}0` };
}

/** @throws Error for what is no key: nothing here stores such a one */
function keyOf(text: string): ObjectKey {
  const key = parseObjectKey(text);
  if (key === undefined) throw new Error(`a record names no object: ${text}`);
  return key;
}

function documentOf(artifact: Artifact): ArtifactDocument {
  return {
    _id: artifactId(artifact),
    execution_id: artifact.executionId,
    pipeline_id: artifact.pipelineId,
    stage: artifact.stage,
    step: artifact.step,
    cell: artifact.cell ?? null,
    execution_attempt: artifact.executionAttempt,
    attempt: artifact.attempt,
    name: artifact.name,
    path: artifact.path,
    size: artifact.size,
    digest: artifact.digest,
    mode: artifact.mode,
    object_key: artifact.objectKey,
    offset: artifact.offset,
    created_at: artifact.createdAt,
    expires_at: artifact.expiresAt ?? null,
  };
}

function artifactOf(document: ArtifactDocument): Artifact {
  return {
    executionId: document.execution_id,
    pipelineId: document.pipeline_id,
    stage: document.stage,
    step: document.step,
    ...(document.cell !== null && { cell: document.cell }),
    executionAttempt: document.execution_attempt,
    attempt: document.attempt,
    name: document.name,
    path: document.path,
    size: document.size,
    digest: document.digest,
    mode: document.mode,
    objectKey: keyOf(document.object_key),
    offset: document.offset,
    createdAt: document.created_at,
    ...(document.expires_at && { expiresAt: document.expires_at }),
  };
}
