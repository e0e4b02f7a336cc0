import { join } from 'node:path';
import { ArchiveError } from '../../common/archive/archive-error.js';
import { packTree } from '../../common/archive/pack-tree.js';
import { unpackTree } from '../../common/archive/unpack-tree.js';
import { failPoint } from '../../common/fail-point.js';
import type { LeftOut, LeftOutList } from '../../common/tree/left-out.js';
import { MAX_TREE_ENTRIES } from '../../common/tree/tree-limits.js';
import { Globs } from '../../common/values/globs/globs.js';
import { messageOf } from '../../common/values/error-message.js';
import { shownSize } from '../../common/values/shown-size.js';
import {
  type ObjectStore,
  ObjectStoreError,
} from '../../integrations/object-store/object-store.js';
import type { Workspace } from '../../workspaces/workspace.js';
import type { WorkspaceOwnership } from '../../workspaces/workspace-ownership.js';
import { KeptWorkspaces, keptFolder } from './kept-workspaces.js';
import { FolderError, type WorkspaceStore } from '../../workspaces/workspace-store.js';

/** What steps have written into, and find again. */
const FOLDERS = ['directory', 'home', 'temporary'] as const;
/** All of a tree: repositories of git, which no wildcard means, are named. */
const ALL = new Globs(['**', '**/.git']);
const SHOWN = 100;

export interface KeptWorkspace {
  /** Of its files. */
  readonly bytes: number;
  readonly leftOut: readonly LeftOut[];
}

/** The workspace cannot be kept, or what was kept cannot be restored; whether later is open. */
export class SnapshotError extends Error {}

/**
 * Keeps workspaces of executions that wait, where any worker finds them: an archive of each folder
 * of the steps. Kept are files with rwx and time of change, folders, and links that end inside.
 */
export class WorkspaceSnapshots {
  constructor(
    private readonly objects: ObjectStore,
    private readonly workspaces: WorkspaceStore,
    /** Bytes of the files of one workspace. */
    private readonly maxBytes: number,
    private readonly kept = new KeptWorkspaces(objects),
  ) {}

  /**
   * To be called when nothing works there any more. What is kept under the same number is
   * replaced.
   *
   * @throws SnapshotError, an error of the disk, the reason of the signal
   */
  async keep(
    executionId: string,
    attempt: number,
    workspace: Workspace,
    ownership: WorkspaceOwnership,
    signal: AbortSignal,
  ): Promise<KeptWorkspace> {
    let bytes = 0;
    const leftOut: LeftOut[] = [];
    const scratch = await this.workspaces.stage(workspace);
    try {
      await ownership.asServer(async () => {
        for (const folder of FOLDERS) {
          const maxBytes = this.maxBytes - bytes;
          const packed = packTree(workspace[folder], {
            globs: ALL,
            limits: { maxBytes, maxEntries: MAX_TREE_ENTRIES, maxWalked: MAX_TREE_ENTRIES },
            ...{ scratch, gzip: true, signal },
          });
          await this.objects.put(keptFolder(executionId, attempt, folder), packed.stream, {
            signal,
          });
          failPoint('snapshot_folder_kept');
          const { contentBytes, leftOut: left } = packed.result();
          bytes += contentBytes;
          leftOut.push(...shown(folder, left));
        }
      });
    } catch (error) {
      throw this.asSnapshotError(error);
    } finally {
      await this.workspaces.discard(scratch);
    }
    return { bytes, leftOut };
  }

  /**
   * Fills the folders of a fresh workspace.
   *
   * @throws SnapshotError: it is gone or damaged; an ObjectStoreError where it may come back; an
   *   error of the disk, the reason of the signal
   */
  async restore(
    executionId: string,
    attempt: number,
    workspace: Workspace,
    ownership: WorkspaceOwnership,
    signal: AbortSignal,
  ): Promise<void> {
    for (const folder of FOLDERS) {
      const target = { ...workspace, directory: workspace[folder] };
      const staged = await this.workspaces.stage(workspace);
      try {
        const { body } = await this.objects.get(keptFolder(executionId, attempt, folder), {
          signal,
        });
        await unpackTree(body, join(staged, 'tree'), {
          limits: { maxBytes: this.maxBytes, maxEntries: MAX_TREE_ENTRIES },
          ...{ gzip: true, missingTargets: 'keep', signal },
        });
        await ownership.asSteps(() => this.workspaces.merge(target, join(staged, 'tree')));
        failPoint('snapshot_folder_restored');
      } catch (error) {
        throw restoreError(error);
      } finally {
        await this.workspaces.discard(staged);
      }
    }
  }

  /** Removes what is kept of earlier attempts. Idempotent. */
  async removeBefore(executionId: string, attempt: number): Promise<void> {
    await this.kept.removeOf(executionId, attempt);
  }

  private asSnapshotError(error: unknown): unknown {
    if (error instanceof ArchiveError && error.code === 'too_large') {
      const limit = shownSize(this.maxBytes);
      return new SnapshotError(`its files have more than ${limit} (MAX_WORKSPACE_SIZE)`, {
        cause: error,
      });
    }
    if (error instanceof ArchiveError) return new SnapshotError(error.message, { cause: error });
    if (error instanceof ObjectStoreError && error.code !== 'aborted') {
      return new SnapshotError(messageOf(error), { cause: error });
    }
    return error;
  }
}

/** What will not be better at the next try. */
function restoreError(error: unknown): unknown {
  const isGone =
    error instanceof ObjectStoreError && (error.code === 'not_found' || error.code === 'damaged');
  const isBroken = error instanceof ArchiveError || error instanceof FolderError;
  return isGone || isBroken ? new SnapshotError(messageOf(error), { cause: error }) : error;
}

function shown(folder: (typeof FOLDERS)[number], { listed, unlisted }: LeftOutList): LeftOut[] {
  const all = listed.map(({ path, reason }) => ({
    ...{ path: folder === 'directory' ? path : `$${NAMES[folder]}/${path}`, reason },
  }));
  return unlisted === 0 ? all.slice(0, SHOWN) : all;
}

const NAMES = { directory: 'CI_WORKSPACE', home: 'HOME', temporary: 'TMPDIR' } as const;
