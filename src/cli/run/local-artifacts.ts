import { createHash } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../common/values/error-message.js';
import { unpackTree } from '../../common/archive/unpack-tree.js';
import type { Plan } from '../../engine/plan/plan.js';
import type { Artifact } from '../../executions/artifacts/artifact.js';
import { ArtifactKeeper } from '../../executions/artifacts/artifact-keeper.js';
import { ArtifactRecords } from '../../executions/artifacts/artifact-records.js';
import { diskObjectStore } from '../../integrations/object-store/disk/disk-object-store.js';
import type { ArtifactSources } from '../../executions/artifacts/artifact-sources.js';
import { NoUpstreamError } from '../../executions/artifacts/no-upstream.error.js';
import type { ObjectStore } from '../../integrations/object-store/object-store.js';
import { temporaryFolder } from '../command/file-problem.js';

const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/** A folder that was written, or why it was not. */
export interface SavedArtifacts {
  readonly folder: string;
  readonly problem: string | undefined;
}

/** Artifacts of one run on this machine, in a temporary folder until they are saved. */
export class LocalArtifacts extends ArtifactRecords {
  readonly keeper: ArtifactKeeper;
  private readonly artifacts: Artifact[] = [];
  readonly objects: ObjectStore;
  /** There are no other pipelines here. */
  readonly sources: ArtifactSources = {
    ofExecution: () => Promise.resolve(this.artifacts),
    lastSuccess: (pipeline) =>
      Promise.reject(
        new NoUpstreamError(`without a server there is no other pipeline: ${pipeline}`),
      ),
  };

  private constructor(
    private readonly folder: string,
    maxBytes: number,
  ) {
    super();
    this.objects = diskObjectStore(folder);
    this.keeper = new ArtifactKeeper(this.objects, this, maxBytes);
  }

  static async make(maxBytes: number): Promise<LocalArtifacts> {
    return new LocalArtifacts(await temporaryFolder('mr-artifacts-'), maxBytes);
  }

  insert(artifacts: readonly Artifact[]): Promise<void> {
    this.artifacts.push(...artifacts);
    return Promise.resolve();
  }

  bytesOf(): Promise<number> {
    return Promise.resolve(this.artifacts.reduce((sum, { size }) => sum + size, 0));
  }

  /**
   * Writes them below a folder, those of each try into one of its own: `build.pack.1`. What cannot
   * be written does not keep the others.
   */
  async saveTo(folder: string): Promise<readonly SavedArtifacts[]> {
    const ofObject = new Map(this.artifacts.map((artifact) => [artifact.objectKey, artifact]));
    const saved: SavedArtifacts[] = [];
    for (const [key, { stage, step, attempt }] of ofObject) {
      const target = join(folder, `${folderPrefix(stage, step)}${attempt}`);
      saved.push({ folder: target, problem: await this.save(key, folder, target) });
    }
    return saved;
  }

  private async save(
    key: Artifact['objectKey'],
    folder: string,
    target: string,
  ): Promise<string | undefined> {
    try {
      await mkdir(folder, { recursive: true });
      const { body } = await this.objects.get(key);
      await unpackTree(body, target, {
        limits: { maxBytes: NO_LIMIT, maxEntries: NO_LIMIT },
        missingTargets: 'keep',
      });
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/**
 * What in a folder is in the way of the artifacts of a plan: asked before it runs, as afterwards
 * they would be lost.
 *
 * @throws an error of the disk, as of a file in the place of the folder
 */
export async function takenNames(folder: string, { stages }: Plan): Promise<readonly string[]> {
  const there = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [] as string[];
    throw error;
  });
  const prefixes = stages.flatMap((stage) =>
    stage.steps
      .filter(({ artifacts }) => artifacts !== undefined)
      .map((step) => folderPrefix(stage.name, step.name)),
  );
  return there.filter((name) =>
    prefixes.some((prefix) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length))),
  );
}

/** Of the folders of the tries of a step. */
function folderPrefix(stage: string, step: string): string {
  return `${plain(stage)}.${plain(step)}.`;
}

/** Names of stages and steps are texts of the pipeline: they must lead nowhere, and stay apart. */
function plain(name: string): string {
  const safe = name.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 90);
  if (safe === name) return name;
  return `${safe}-${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}
