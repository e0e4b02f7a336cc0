import { Injectable } from '@nestjs/common';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { readEntries } from '../../common/archive/read-entries.js';
import { notFound } from '../../common/errors/millrace.error.js';
import type { Page, PageRequest } from '../../common/http/paging.js';
import type { Globs } from '../../common/values/globs/globs.js';
import type { ObjectKey } from '../../integrations/object-store/object-key.js';
import {
  type ByteRange,
  ObjectStore,
  ObjectStoreError,
} from '../../integrations/object-store/object-store.js';
import { type Artifact, lastArtifact } from './artifact.js';
import { ArtifactsRepository } from './artifacts.repository.js';

/** Which of several files of one path; what is not given may be any. */
export interface ArtifactChoice {
  readonly stage?: string;
  readonly step?: string;
  /** Of the step. */
  readonly attempt?: number;
  readonly executionAttempt?: number;
}

const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/** Gives the artifacts of executions to readers, as streams. */
@Injectable()
export class ArtifactReader {
  constructor(
    private readonly artifacts: ArtifactsRepository,
    private readonly objects: ObjectStore,
  ) {}

  list(executionId: string, page: PageRequest): Promise<Page<Artifact>> {
    return this.artifacts.list(executionId, page);
  }

  /**
   * The one that is meant; of several the last, see `lastArtifact`.
   *
   * @throws NotFoundError
   */
  async find(executionId: string, path: string, choice: ArtifactChoice): Promise<Artifact> {
    const all = await this.artifacts.ofPath(executionId, path);
    const found = lastArtifact(all.filter((artifact) => isChosen(artifact, choice)));
    if (found === undefined) throw notFound('artifact', path);
    return found;
  }

  /** @throws NotFoundError where it has expired meanwhile; ObjectStoreError */
  async open(artifact: Artifact, { offset, length }: ByteRange): Promise<Readable> {
    const range = { offset: artifact.offset + offset, length: length ?? artifact.size - offset };
    try {
      return (await this.objects.get(artifact.objectKey, { range })).body;
    } catch (error) {
      if (!(error instanceof ObjectStoreError) || error.code !== 'not_found') throw error;
      throw notFound('artifact', artifact.path);
    }
  }

  /**
   * A tar.gz of all files whose paths fit; of several of one path the last. It is filled as fast as
   * the stream is read, but for what the pipes hold. It has no links: those of several tries
   * together could lead out of the folder into which somebody unpacks them.
   */
  async archive(executionId: string, globs: Globs | undefined): Promise<Readable> {
    const wanted = await this.lastOfEach(executionId, globs);
    const tar = pack();
    const out = new PassThrough();
    void pipeline(tar, createGzip(), out).catch(() => undefined);
    void this.fill(tar, wanted).catch((error: Error) => out.destroy(error));
    return out;
  }

  /** By the archive that holds them. */
  private async lastOfEach(
    executionId: string,
    globs: Globs | undefined,
  ): Promise<ReadonlyMap<ObjectKey, ReadonlyMap<string, Artifact>>> {
    const ofPath = new Map<string, Artifact[]>();
    for await (const artifact of this.artifacts.all(executionId)) {
      if (globs?.matches(artifact.path) === false) continue;
      ofPath.set(artifact.path, [...(ofPath.get(artifact.path) ?? []), artifact]);
    }
    const byObject = new Map<ObjectKey, Map<string, Artifact>>();
    for (const [path, all] of ofPath) {
      const last = lastArtifact(all);
      if (last === undefined) continue;
      const { objectKey: key } = last;
      byObject.set(key, (byObject.get(key) ?? new Map<string, Artifact>()).set(path, last));
    }
    return byObject;
  }

  private async fill(
    tar: ReturnType<typeof pack>,
    wanted: ReadonlyMap<ObjectKey, ReadonlyMap<string, Artifact>>,
  ): Promise<void> {
    const limits = { maxBytes: NO_LIMIT, maxEntries: NO_LIMIT };
    for (const [key, files] of wanted) {
      const { body } = await this.objects.get(key);
      for await (const { entry, content } of readEntries(body, { limits })) {
        if (entry.kind !== 'file' || !files.has(entry.path)) continue;
        const { path: name, size, mode, mtime } = entry;
        const sink = tar.entry({ name, size, mode, mtime });
        await pipeline(Readable.from(content), sink);
      }
    }
    tar.finalize();
  }
}

function isChosen(artifact: Artifact, choice: ArtifactChoice): boolean {
  const { stage, step, attempt, executionAttempt } = choice;
  return (
    (stage === undefined || artifact.stage === stage) &&
    (step === undefined || artifact.step === step) &&
    (attempt === undefined || artifact.attempt === attempt) &&
    (executionAttempt === undefined || artifact.executionAttempt === executionAttempt)
  );
}
