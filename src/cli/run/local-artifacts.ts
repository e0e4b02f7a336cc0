import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unpackTree } from '../../common/archive/unpack-tree.js';
import type { Artifact } from '../../executions/artifacts/artifact.js';
import { ArtifactKeeper } from '../../executions/artifacts/artifact-keeper.js';
import { ArtifactRecords } from '../../executions/artifacts/artifact-records.js';
import { diskObjectStore } from '../../integrations/object-store/disk/disk-object-store.js';
import type { ArtifactSources } from '../../executions/artifacts/artifact-sources.js';
import { NoUpstreamError } from '../../executions/artifacts/no-upstream.error.js';
import type { ObjectStore } from '../../integrations/object-store/object-store.js';

const NO_LIMIT = Number.MAX_SAFE_INTEGER;

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
    return new LocalArtifacts(await mkdtemp(join(tmpdir(), 'mr-artifacts-')), maxBytes);
  }

  insert(artifacts: readonly Artifact[]): Promise<void> {
    this.artifacts.push(...artifacts);
    return Promise.resolve();
  }

  bytesOf(): Promise<number> {
    return Promise.resolve(this.artifacts.reduce((sum, { size }) => sum + size, 0));
  }

  /**
   * Writes them below a folder, those of each try into one of its own: `build.pack.1`. Gives their
   * names.
   *
   * @throws ArchiveError where something is in the place of one
   */
  async saveTo(folder: string): Promise<readonly string[]> {
    const ofObject = new Map(this.artifacts.map((artifact) => [artifact.objectKey, artifact]));
    const saved: string[] = [];
    for (const [key, { stage, step, attempt }] of ofObject) {
      await mkdir(folder, { recursive: true });
      const name = `${plain(stage)}.${plain(step)}.${attempt}`;
      const { body } = await this.objects.get(key);
      await unpackTree(body, join(folder, name), {
        limits: { maxBytes: NO_LIMIT, maxEntries: NO_LIMIT },
        missingTargets: 'keep',
      });
      saved.push(name);
    }
    return saved;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Names of stages and steps are texts of the pipeline: they must lead nowhere. */
function plain(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 100);
}
