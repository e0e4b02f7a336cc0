import { mkdir, readdir, realpath, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { ArchiveError } from '../../common/archive/archive-error.js';
import { type PackedFile, packTree } from '../../common/archive/pack-tree.js';
import { unpackTree } from '../../common/archive/unpack-tree.js';
import { openBeneath } from '../../common/tree/open-beneath.js';
import { MAX_TREE_ENTRIES } from '../../common/tree/tree-limits.js';
import { Globs } from '../../common/values/globs/globs.js';
import type { Artifact } from '../../executions/artifacts/artifact.js';
import type { ArtifactsRepository } from '../../executions/artifacts/artifacts.repository.js';
import type { PackRequest, StepFiles } from '../../executions/attempt/steps/deployer.js';
import {
  type ObjectStore,
  ObjectStoreError,
} from '../../integrations/object-store/object-store.js';
import { type DirectArtifact, isFinished } from '../record/deployment.js';
import type { DeploymentStore } from '../record/deployment-store.js';
import { deploymentReasons } from './deployment-reasons.js';
import { DeployRefusedError, TargetAwayError } from '../targets/deploy-target.js';

/** The files of direct deployments: those of artifacts, as they were kept. */
export class DirectFiles {
  constructor(
    private readonly artifacts: Pick<ArtifactsRepository, 'ofExecution'>,
    private readonly objects: Pick<ObjectStore, 'get'>,
    private readonly store: Pick<DeploymentStore, 'deploymentsWith'>,
    /** A folder of the server's, for what is unpacked. */
    private readonly scratch: string,
  ) {}

  /** Unpacked for as long as they are packed; each one is what its record says, or nothing is. */
  of(deploymentId: string, artifact: DirectArtifact): StepFiles {
    return {
      packed: async (request, signal, work) => {
        const own = join(this.scratch, deploymentId);
        await this.removeLeft();
        await mkdir(own, { recursive: true, mode: 0o700 });
        try {
          const digests = await this.unpack(artifact, join(own, 'files'), signal);
          return await this.packed({ own, artifact, digests, request, signal }, work);
        } finally {
          await rm(own, { recursive: true, force: true });
        }
      },
    };
  }

  /** What was unpacked by processes that were killed. */
  private async removeLeft(): Promise<void> {
    await mkdir(this.scratch, { recursive: true, mode: 0o700 });
    const ids = await readdir(this.scratch);
    const known = await this.store.deploymentsWith(ids);
    for (const id of ids) {
      const one = known.get(id);
      if (one !== undefined && !isFinished(one)) continue;
      await rm(join(this.scratch, id), { recursive: true, force: true });
    }
  }

  /** @returns SHA-256 in hex, by path */
  private async unpack(
    artifact: DirectArtifact,
    folder: string,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>> {
    const { execution_id: execution, object_key: key } = artifact;
    const all = await this.artifacts.ofExecution(execution);
    const own = all.filter(({ objectKey }) => objectKey === key);
    if (own.length === 0) throw gone(artifact);
    try {
      const { body } = await this.objects.get(key, { signal });
      const limits = { maxBytes: bytesOf(own), maxEntries: MAX_TREE_ENTRIES };
      await unpackTree(body, folder, { limits, missingTargets: 'keep', signal });
    } catch (error) {
      throw problemOf(error, artifact);
    }
    return new Map(own.map(({ path, digest }) => [path, digest]));
  }

  private async packed<T>(
    { own, artifact, digests, request, signal }: Unpacked,
    work: Parameters<StepFiles['packed']>[2],
  ): Promise<T> {
    const files = join(own, 'files');
    const found = await openBeneath(files, artifact.source);
    if (found.kind !== 'folder') {
      throw new DeployRefusedError(deploymentReasons.noFolderOfArtifact(artifact));
    }
    try {
      const below = relative(await realpath(files), await realpath(found.folder.pathOf('.')));
      const { exclude, limits, onFile, onLink } = request;
      const globs = new Globs(['**', ...exclude.map((glob) => `!${glob}`)]);
      const checked = (file: PackedFile): void => {
        if (digests.get(join(below, file.path)) !== file.digest) {
          throw new DeployRefusedError(deploymentReasons.artifactChanged(artifact, file.path));
        }
        onFile(file);
      };
      const options = { globs, limits, scratch: own, signal, onFile: checked, onLink };
      return (await work(packTree(found.folder.pathOf('.'), options))) as T;
    } finally {
      await found.folder.close();
    }
  }
}

interface Unpacked {
  /** Folder of the deployment. */
  readonly own: string;
  readonly artifact: DirectArtifact;
  readonly digests: ReadonlyMap<string, string>;
  readonly request: PackRequest;
  readonly signal: AbortSignal;
}

/** By their records: an archive that holds more is not what was kept. */
function bytesOf(artifacts: readonly Artifact[]): number {
  return artifacts.reduce((sum, { size }) => sum + size, 0);
}

function gone(artifact: DirectArtifact): DeployRefusedError {
  return new DeployRefusedError(deploymentReasons.artifactGone(artifact));
}

function problemOf(error: unknown, artifact: DirectArtifact): unknown {
  if (error instanceof ArchiveError) {
    return new DeployRefusedError(deploymentReasons.artifactBroken(artifact, error.message));
  }
  if (!(error instanceof ObjectStoreError)) return error;
  if (error.code === 'not_found') return gone(artifact);
  return new TargetAwayError({ code: 'artifacts_away', message: error.message });
}
