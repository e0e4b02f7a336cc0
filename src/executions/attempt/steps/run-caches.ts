import { unpackTree } from '../../../common/archive/unpack-tree.js';
import { messageOf } from '../../../common/values/error-message.js';
import { mergedNames, nameRecord, type NameRecord } from '../../../common/values/name-record.js';
import { toolCache, toolOptions, toolVariables } from '../../../engine/caches/tool-caches.js';
import type { CachePlan } from '../../../engine/plan/caches-plan.js';
import type { RunContext } from '../../../engine/plan/plan.js';
import type { Reason } from '../../../engine/plan/run-state.js';
import type { StepAttempt } from '../../../engine/runtime/step-handler.js';
import { kindOf } from '../../../engine/steps/step-kind-registry.js';
import type { Mount } from '../../../integrations/container-runtime/container-runtime.js';
import type { WorkspaceOwnership } from '../../../workspaces/workspace-ownership.js';
import type { WorkspaceStore } from '../../../workspaces/workspace-store.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import { type Cache, scopesOf } from '../../caches/cache.js';
import {
  type CacheOrigin,
  type CacheStore,
  type FoundCache,
  isBroken,
  type SavedTree,
} from '../../caches/cache-store.js';
import {
  HIT,
  missed,
  notSaved,
  OF_STEP,
  restoredReason,
  savedReason,
  withoutKey,
} from './cache-reasons.js';
import type { ContainerAdditions } from './step-additions.js';
import { scratchOf } from './scratch-folder.js';
import type { StepOutput } from './step-output.js';
import { ToolFolders } from './tool-folders.js';
import { wantedKey, type WantedKey } from './wanted-key.js';

/** Where steps in containers see what tools keep. */
const CONTAINER_FOLDER = '/millrace/cache';

/** A cache of one try, from its restore to its saving. */
export interface OpenCache {
  readonly plan: CachePlan;
  readonly name: string;
  /** Undefined: nothing fits the files of its key, so it is not saved. */
  readonly key: string | undefined;
  readonly restored: Reason;
  readonly saved?: Reason;
}

/** What became of a cache that was found; a text: why it is a miss. */
type Brought = 'restored' | 'taken' | { readonly miss: string };

export interface RestoredCaches {
  /** Over the environment of the step. */
  readonly variables: NameRecord<string>;
  /** For a step in a container. */
  readonly additions: ContainerAdditions;
  readonly open: readonly OpenCache[];
}

/** Restores and saves the caches of one run, and says in the log what was found and why not. */
export class RunCaches {
  private readonly origin: CacheOrigin;
  private readonly folders: ToolFolders;

  constructor(
    private readonly store: CacheStore,
    private readonly workspaces: WorkspaceStore,
    context: Pick<RunContext, 'executionId' | 'pipelineId' | 'trigger'>,
    private readonly workspace: Workspace,
    private readonly ownership: WorkspaceOwnership,
    private readonly output: Pick<StepOutput, 'systemLine'>,
  ) {
    const { executionId, pipelineId, trigger } = context;
    this.origin = { executionId, pipelineId, scopes: scopesOf(trigger) };
    this.folders = new ToolFolders(workspaces, workspace, ownership);
  }

  /**
   * A cache that cannot be read is none: a step never fails for want of one.
   *
   * @throws the reason of the signal
   */
  async restore(
    attempt: StepAttempt,
    plans: readonly CachePlan[],
    signal: AbortSignal,
  ): Promise<RestoredCaches> {
    const open: OpenCache[] = [];
    const mounts: Mount[] = [];
    const options: string[] = [];
    let variables = nameRecord<string>([]);
    const isImage = kindOf(attempt.action).runsIn === 'image';
    for (const plan of plans) {
      open.push(await this.restoreOne(attempt, plan, signal));
      // Without a folder of ours the tool has its own.
      if (!('tool' in plan) || !this.folders.isThere(plan.tool)) continue;
      const folder = this.folders.pathOf(plan.tool);
      const target = isImage ? `${CONTAINER_FOLDER}/${plan.tool}` : folder;
      if (isImage) {
        mounts.push({ source: folder, target });
        options.push(...toolOptions(plan.tool, target, attempt.environment));
      }
      const environment = mergedNames(attempt.environment, variables);
      variables = mergedNames(variables, toolVariables(plan.tool, target, environment));
    }
    return { variables, additions: { mounts, options }, open };
  }

  /** What cannot be saved is told, and fails nothing. */
  async save(
    { address }: StepAttempt,
    { open }: RestoredCaches,
    ended: 'success' | 'failure',
    signal: AbortSignal,
  ): Promise<OpenCache[]> {
    const all: OpenCache[] = [];
    for (const one of open) {
      const { plan, key, restored } = one;
      const when = 'tool' in plan ? 'success' : plan.when;
      const isWanted = key !== undefined && restored.code !== HIT;
      if (!isWanted || (when !== 'always' && when !== ended) || signal.aborted) {
        all.push(one);
        continue;
      }
      const saved = await this.saveOne(plan, key, signal).catch((error: unknown) =>
        notSaved(messageOf(error)),
      );
      if (!signal.aborted) this.tell(address, one.name, saved.message);
      all.push({ ...one, saved });
    }
    return all;
  }

  private async restoreOne(
    { address, action }: StepAttempt,
    plan: CachePlan,
    signal: AbortSignal,
  ): Promise<OpenCache> {
    const name = 'tool' in plan ? plan.tool : plan.paths.join(' ');
    const isImage = kindOf(action).runsIn === 'image';
    let wanted: WantedKey = { restoreKeys: [], why: '' };
    let restored: Reason;
    try {
      wanted = await this.ready(plan, isImage, signal);
      restored = await this.found(plan, wanted, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      const why = messageOf(error);
      restored = wanted.key === undefined ? withoutKey(why) : missed(why);
    }
    this.tell(address, name, restored.message);
    return { plan, name, key: wanted.key, restored };
  }

  /** Restores what there is. */
  private async found(plan: CachePlan, wanted: WantedKey, signal: AbortSignal): Promise<Reason> {
    const { key, restoreKeys, why } = wanted;
    if (key === undefined) return withoutKey(why);
    if ('tool' in plan && !this.folders.isEmpty(plan.tool)) return OF_STEP;
    const found = await this.store.find(this.origin, { globs: globsOf(plan), key, restoreKeys });
    if (found === undefined) return missed(`there is no ${key}`);
    const { cache, isExact } = found;
    const brought = await this.bring(plan, found, signal);
    if (brought === 'taken') return OF_STEP;
    if (brought !== 'restored') return missed(brought.miss);
    return restoredReason(key, cache, isExact);
  }

  private async ready(plan: CachePlan, isImage: boolean, signal: AbortSignal): Promise<WantedKey> {
    if ('tool' in plan) await this.folders.prepare(plan.tool, isImage);
    return this.ownership.asServer(() => wantedKey(plan, this.workspace.directory, signal));
  }

  /** Checks all of it before a file of it is in its place. A broken one is removed. */
  private async bring(
    plan: CachePlan,
    { cache }: FoundCache,
    signal: AbortSignal,
  ): Promise<Brought> {
    const staged = await this.workspaces.stage(this.workspace);
    try {
      if (!(await this.unpack(cache, staged, signal))) {
        return { miss: `the archive of ${cache.key} is gone` };
      }
      if ('tool' in plan) {
        const isShared = await this.workspaces.share(staged, this.folders.pathOf(plan.tool));
        return isShared ? 'restored' : 'taken';
      }
      return await this.merge(staged);
    } catch (error) {
      if (!isBroken(error)) throw error;
      await this.store.drop(cache);
      const why = messageOf(error);
      return { miss: `the archive of ${cache.key} was broken and is removed: ${why}` };
    } finally {
      await this.workspaces.discard(staged);
    }
  }

  private async merge(staged: string): Promise<Brought> {
    try {
      await this.ownership.asSteps(() => this.workspaces.merge(this.workspace, staged));
      return 'restored';
    } catch (error) {
      return { miss: `${messageOf(error)}; some files of it may be there` };
    }
  }

  /** False: it is gone. */
  private async unpack(cache: Cache, folder: string, signal: AbortSignal): Promise<boolean> {
    const body = await this.store.open(cache, signal);
    if (body === undefined) return false;
    await unpackTree(body, folder, {
      limits: this.store.limits,
      ...{ missingTargets: 'keep', signal },
    });
    return true;
  }

  private async saveOne(plan: CachePlan, key: string, signal: AbortSignal): Promise<Reason> {
    const tree = await this.treeOf(plan);
    const result = await this.ownership.asServer(() =>
      this.store.save(this.origin, key, tree, signal),
    );
    return savedReason(key, result);
  }

  private async treeOf(plan: CachePlan): Promise<SavedTree> {
    const scratch = await scratchOf(this.workspace);
    if (!('tool' in plan)) {
      return { root: this.workspace.directory, globs: globsOf(plan), scratch };
    }
    await this.folders.readable(plan.tool);
    return { root: this.folders.pathOf(plan.tool), globs: globsOf(plan), scratch };
  }

  private tell(address: StepAttempt['address'], name: string, line: string): void {
    this.output.systemLine(address, `cache ${name}: ${line}`);
  }
}

/** What of its folder a cache holds. */
function globsOf(plan: CachePlan): readonly string[] {
  return 'tool' in plan ? toolCache(plan.tool).kept : plan.paths;
}
