import { ArchiveError } from '../../../common/archive/archive-error.js';
import { unpackTree } from '../../../common/archive/unpack-tree.js';
import { MAX_TREE_ENTRIES } from '../../../common/tree/tree-limits.js';
import type { ArtifactsSource } from '../../../engine/plan/artifacts-plan.js';
import type { RunContext } from '../../../engine/plan/plan.js';
import type { StepAddress } from '../../../engine/runtime/step-handler.js';
import {
  type ObjectStore,
  ObjectStoreError,
} from '../../../integrations/object-store/object-store.js';
import type { WorkspaceOwnership } from '../../../workspaces/workspace-ownership.js';
import type { WorkspaceStore } from '../../../workspaces/workspace-store.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import {
  archivesOf,
  type ArtifactSources,
  type FoundArtifacts,
} from '../../artifacts/artifact-sources.js';
import type { Artifact } from '../../artifacts/artifact.js';
import { NoUpstreamError } from '../../artifacts/no-upstream.error.js';
import type { StepOutput } from './step-output.js';

/** Where artifacts are, and how they come into workspaces. */
export interface ArtifactBringing {
  readonly sources: ArtifactSources;
  readonly objects: ObjectStore;
  readonly workspaces: WorkspaceStore;
}

/**
 * Brings artifacts into the workspace of one run. All archives that a step asks for are unpacked
 * and checked first; only then is something put into the workspace. What fails after that may leave
 * a part of it there.
 */
export class BroughtArtifacts {
  constructor(
    private readonly tools: ArtifactBringing,
    private readonly context: Pick<RunContext, 'executionId' | 'trigger'>,
    private readonly workspace: Workspace,
    private readonly ownership: WorkspaceOwnership,
    private readonly output: Pick<StepOutput, 'systemLine'>,
  ) {}

  /**
   * @throws NoUpstreamError, ObjectStoreError, ArchiveError, FolderError, HandOverError, the reason
   * of the signal
   */
  async bring(
    address: StepAddress,
    sources: readonly ArtifactsSource[],
    signal: AbortSignal,
  ): Promise<void> {
    const { workspaces } = this.tools;
    const staged: string[] = [];
    try {
      for (const source of sources) {
        const { executionId, shown } = await this.executionOf(source);
        const all = await this.tools.sources.ofExecution(executionId);
        for (const archive of archivesOf(all, source)) {
          const folder = await workspaces.stage(this.workspace);
          staged.push(folder);
          await this.unpack(archive, folder, bytesOf(all, archive), signal);
          const from = shown === undefined ? '' : ` of ${shown}`;
          this.output.systemLine(address, `artifacts: brings ${archive.shown}${from}`);
        }
      }
      await this.ownership.asSteps(async () => {
        for (const folder of staged) await workspaces.merge(this.workspace, folder);
      });
    } finally {
      for (const folder of staged) await workspaces.discard(folder);
    }
  }

  /** What a stranger has pushed gets nothing of what others made. */
  private async executionOf({
    pipeline,
    branch,
  }: ArtifactsSource): Promise<{ readonly executionId: string; readonly shown?: string }> {
    if (pipeline === undefined) return { executionId: this.context.executionId };
    if (this.context.trigger.fork === true) {
      throw new NoUpstreamError(
        'a pull request of another repository gets no artifacts of other pipelines',
      );
    }
    return this.tools.sources.lastSuccess(pipeline, branch ?? '');
  }

  private async unpack(
    { objectKey: key }: FoundArtifacts,
    folder: string,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { body } = await this.tools.objects.get(key, { signal });
    await unpackTree(body, folder, {
      limits: { maxBytes, maxEntries: MAX_TREE_ENTRIES },
      ...{ missingTargets: 'keep', signal },
    });
  }
}

/** Of all files of an archive, by their records: one that holds more is not what was kept. */
function bytesOf(all: readonly Artifact[], { objectKey: key }: FoundArtifacts): number {
  return all.reduce((sum, { objectKey, size }) => sum + (objectKey === key ? size : 0), 0);
}

/** Whether another try may bring what this one could not. */
export function mayComeLater(error: unknown): boolean {
  if (error instanceof NoUpstreamError || error instanceof ArchiveError) return false;
  return !(error instanceof ObjectStoreError && error.code === 'not_found');
}
