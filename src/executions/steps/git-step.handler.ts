import { readdir, realpath, rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { GitAction } from '../../engine/plan/plan.js';
import type { Reason } from '../../engine/plan/run-state.js';
import {
  type StepAttempt,
  StepHandler,
  type StepOutcome,
} from '../../engine/runtime/step-handler.js';
import { type GitClient, GitError } from '../../integrations/git/git-client.js';
import type { Workspace } from '../../workspaces/workspace.js';
import type { WorkspaceStore } from '../../workspaces/workspace-store.js';
import type { StepOutput } from './step-output.js';
import { resolveInWorkspace } from './workspace-path.js';

/** Clones a repository into the workspace of one execution attempt. */
export class GitStepHandler extends StepHandler<GitAction> {
  readonly kind = 'git';

  constructor(
    private readonly git: GitClient,
    private readonly workspace: Workspace,
    private readonly output: StepOutput,
    private readonly workspaces: WorkspaceStore,
  ) {
    super();
  }

  async run(attempt: StepAttempt<GitAction>, signal: AbortSignal): Promise<StepOutcome> {
    const target = await this.target(attempt.action.directory);
    if (target === undefined) return outside();
    if (await isTaken(join(this.workspace.directory, ...target))) return taken();
    // Steps that run beside this one can change what is in the workspace, but not what is here.
    const staged = await this.workspaces.stage(this.workspace);
    try {
      const commit = await this.git.clone(
        { ...attempt.action.repository, directory: staged },
        { signal, progress: (line) => this.output.systemLine(attempt.address, line) },
      );
      switch (await this.workspaces.place(this.workspace, staged, target)) {
        case 'placed':
          return { kind: 'success', commit };
        case 'outside':
          return outside();
        case 'not_empty':
          return taken();
      }
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      return outcomeOf(error, signal);
    } finally {
      await rm(staged, { recursive: true, force: true });
    }
  }

  /**
   * The names below the workspace that lead to the folder, links resolved. A folder that does not exist yet is judged by the
   * nearest one above it that does.
   */
  private async target(directory: string | undefined): Promise<string[] | undefined> {
    const parts = (directory ?? '').split('/').filter((part) => part !== '' && part !== '.');
    if (directory?.startsWith('/') || parts.includes('..')) return undefined;
    for (let length = parts.length; length >= 0; length--) {
      const resolved = await resolveInWorkspace(
        this.workspace.directory,
        parts.slice(0, length).join('/'),
      );
      if (resolved.kind === 'outside') return undefined;
      if (resolved.kind === 'inside') {
        const root = await realpath(this.workspace.directory);
        const way = relative(root, await realpath(resolved.path)).split(sep);
        return [...way.filter((name) => name !== ''), ...parts.slice(length)];
      }
    }
    return undefined;
  }
}

function outcomeOf(error: GitError, signal: AbortSignal): StepOutcome {
  if (error.code === 'aborted' && signal.aborted) return { kind: 'aborted' };
  const reason: Reason = { code: `git_${error.code}`, message: error.message };
  return error.retryable ? { kind: 'infrastructure', reason } : { kind: 'failed', reason };
}

function outside(): StepOutcome {
  const message = 'The directory to clone into leads out of the workspace';
  return failed('git_directory_outside', message);
}

function taken(): StepOutcome {
  const message = 'The path to clone into is no directory, or one that is not empty.';
  return failed('git_invalid_request', message);
}

async function isTaken(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length > 0;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

function failed(code: string, message: string): StepOutcome {
  return { kind: 'failed', reason: { code, message } };
}
