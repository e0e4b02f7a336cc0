import { chmodSync, mkdirSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ArchiveError } from '../../../common/archive/archive-error.js';
import { unpackTree } from '../../../common/archive/unpack-tree.js';
import { mergedNames, nameRecord, type NameRecord } from '../../../common/values/name-record.js';
import { megabytes } from '../../../common/values/megabytes.js';
import { toolCache, toolVariables } from '../../../engine/caches/tool-caches.js';
import type { CachePlan, CacheTool } from '../../../engine/plan/caches-plan.js';
import type { RunContext } from '../../../engine/plan/plan.js';
import type { Reason } from '../../../engine/plan/run-state.js';
import type { StepAttempt } from '../../../engine/runtime/step-handler.js';
import { kindOf } from '../../../engine/steps/step-kind-registry.js';
import type { Mount } from '../../../integrations/container-runtime/container-runtime.js';
import type { WorkspaceOwnership } from '../../../workspaces/workspace-ownership.js';
import type { WorkspaceStore } from '../../../workspaces/workspace-store.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import { scopesOf } from '../../caches/cache.js';
import { hashOfFiles } from '../../caches/cache-files.js';
import type { CacheOrigin, CacheStore, FoundCache, SavedTree } from '../../caches/cache-store.js';
import type { StepOutput } from './step-output.js';

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

/** The key itself was found: there is nothing new to save under it. */
const HIT = 'cache_hit';

/** By which a cache is looked for. */
interface WantedKey {
  /** Undefined: there is none, and why. */
  readonly key?: string;
  readonly restoreKeys: readonly string[];
  readonly why: string;
}

export interface RestoredCaches {
  /** Over the environment of the step. */
  readonly variables: NameRecord<string>;
  readonly mounts: readonly Mount[];
  readonly open: readonly OpenCache[];
}

/** Restores and saves the caches of one run, and says in the log what was found and why not. */
export class RunCaches {
  private readonly origin: CacheOrigin;
  /** Tools whose folders a step in a container may have written since this process had them. */
  private readonly written = new Set<CacheTool>();

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
  }

  /** A cache that cannot be read is none: a step never fails for want of one. */
  async restore(
    attempt: StepAttempt,
    plans: readonly CachePlan[],
    signal: AbortSignal,
  ): Promise<RestoredCaches> {
    const open: OpenCache[] = [];
    const mounts: Mount[] = [];
    let variables = nameRecord<string>([]);
    const isImage = kindOf(attempt.action).runsIn === 'image';
    for (const plan of plans) {
      open.push(await this.restoreOne(attempt, plan, signal));
      if (!('tool' in plan)) continue;
      const folder = this.folderOf(plan.tool);
      const target = isImage ? `${CONTAINER_FOLDER}/${plan.tool}` : folder;
      if (isImage) {
        mounts.push({ source: folder, target });
        this.written.add(plan.tool);
      }
      const environment = mergedNames(attempt.environment, variables);
      variables = mergedNames(variables, toolVariables(plan.tool, target, environment));
    }
    return { variables, mounts, open };
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
    { address }: StepAttempt,
    plan: CachePlan,
    signal: AbortSignal,
  ): Promise<OpenCache> {
    const name = 'tool' in plan ? plan.tool : plan.paths.join(' ');
    const wanted = await this.ready(plan).catch((error: unknown) => ({
      ...{ key: undefined, restoreKeys: [], why: messageOf(error) },
    }));
    const restored = await this.found(plan, wanted, signal);
    this.tell(address, name, restored.message);
    return { plan, name, key: wanted.key, restored };
  }

  /** Restores what there is. @throws the reason of the signal */
  private async found(plan: CachePlan, wanted: WantedKey, signal: AbortSignal): Promise<Reason> {
    const { key, restoreKeys, why } = wanted;
    if (key === undefined) {
      return { code: 'cache_no_key', message: `neither restored nor saved: ${why}` };
    }
    if ('tool' in plan && !this.isEmpty(plan.tool)) {
      return { code: 'cache_of_step', message: 'as a step before has left it' };
    }
    try {
      const found = await this.store.find(this.origin, key, restoreKeys);
      if (found && (await this.unpack(plan, found, signal))) {
        const { cache, isExact } = found;
        const what = `${cache.key}, ${megabytes(cache.size)} MB, saved ${cache.createdAt.toISOString()}`;
        return isExact
          ? { code: HIT, message: `hit: ${what}` }
          : { code: 'cache_older', message: `no ${key}; restored ${what}` };
      }
      return { code: 'cache_miss', message: `miss: there is no ${key}` };
    } catch (error) {
      if (signal.aborted) throw error;
      return { code: 'cache_miss', message: `miss: ${messageOf(error)}` };
    }
  }

  private async ready(plan: CachePlan): Promise<WantedKey> {
    if ('tool' in plan) await this.makeFolder(plan.tool);
    return this.ownership.asServer(() => this.keyOf(plan));
  }

  private async keyOf(plan: CachePlan): Promise<WantedKey> {
    const { directory } = this.workspace;
    const machine = `${process.platform}-${process.arch}`;
    if ('tool' in plan) {
      const { keyFiles } = toolCache(plan.tool);
      const hash = await hashOfFiles(directory, keyFiles);
      const prefix = `${plan.tool}-${machine}-`;
      const why = `no file fits ${keyFiles.filter((glob) => !glob.startsWith('!')).join(', ')}`;
      return { ...(hash && { key: `${prefix}${hash}` }), restoreKeys: [prefix], why };
    }
    const { key, restoreKeys } = plan;
    if ('text' in key) return { key: key.text, restoreKeys, why: '' };
    const hash = await hashOfFiles(directory, key.files);
    const prefix = key.prefix === undefined ? '' : `${key.prefix}-`;
    const why = `no file fits ${key.files.join(', ')}`;
    return { ...(hash && { key: `${prefix}${hash}` }), restoreKeys, why };
  }

  /** All of it, checked, or nothing: a broken one is removed. */
  private async unpack(plan: CachePlan, found: FoundCache, signal: AbortSignal): Promise<boolean> {
    const body = await this.store.open(found.cache, signal);
    if (body === undefined) return false;
    const staged = await this.workspaces.stage(this.workspace);
    try {
      await unpackTree(body, staged, {
        limits: this.store.limits,
        ...{ missingTargets: 'keep', signal },
      });
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      await this.store.drop(found.cache);
      return false;
    }
    if ('tool' in plan) return this.workspaces.share(staged, this.folderOf(plan.tool));
    await this.ownership.asSteps(() => this.workspaces.merge(this.workspace, staged));
    return true;
  }

  private async saveOne(plan: CachePlan, key: string, signal: AbortSignal): Promise<Reason> {
    const tree = await this.treeOf(plan);
    const result = await this.ownership.asServer(() =>
      this.store.save(this.origin, key, tree, signal),
    );
    switch (result.kind) {
      case 'saved': {
        const size = `${megabytes(result.cache.size)} MB`;
        const message = `saved as ${key}, ${size}${evictedText(result.evicted)}`;
        return { code: 'cache_saved', message };
      }
      case 'there':
        return notSaved(`another run has saved ${key}`);
      case 'nothing':
        return notSaved('there is nothing to save');
      case 'too_large':
        return notSaved(`${result.message} (MAX_CACHE_SIZE)`);
    }
  }

  private async treeOf(plan: CachePlan): Promise<SavedTree> {
    const scratch = join(this.workspace.root, 'scratch');
    await mkdir(scratch, { recursive: true, mode: 0o700 });
    if ('tool' in plan) await this.takeBack(plan.tool);
    return 'tool' in plan
      ? { root: this.folderOf(plan.tool), globs: toolCache(plan.tool).kept, scratch }
      : { root: this.workspace.directory, globs: plan.paths, scratch };
  }

  private folderOf(tool: CacheTool): string {
    return join(this.workspace.root, `cache-${tool}`);
  }

  private isEmpty(tool: CacheTool): boolean {
    return readdirSync(this.folderOf(tool)).length === 0;
  }

  /** Whatever user a step in a container is: nobody but this execution comes here. */
  private async makeFolder(tool: CacheTool): Promise<void> {
    mkdirSync(this.folderOf(tool), { recursive: true });
    await this.takeBack(tool);
    chmodSync(this.folderOf(tool), 0o777);
  }

  private async takeBack(tool: CacheTool): Promise<void> {
    if (this.written.delete(tool)) await this.ownership.readable(this.folderOf(tool));
  }

  private tell(address: StepAttempt['address'], name: string, line: string): void {
    this.output.systemLine(address, `cache ${name}: ${line}`);
  }
}

function notSaved(why: string): Reason {
  return { code: 'cache_not_saved', message: `not saved: ${why}` };
}

function evictedText(count: number): string {
  return count === 0 ? '' : `; ${count} that were not used for longest were removed`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
