import { join } from 'node:path';
import type { GitAction } from '../../engine/plan/plan.js';
import type { Reason } from '../../engine/plan/run-state.js';
import {
  type StepAttempt,
  StepHandler,
  type StepOutcome,
} from '../../engine/runtime/step-handler.js';
import { type GitClient, GitError } from '../../integrations/git/git-client.js';
import type { Workspace } from '../../workspaces/workspace.js';
import type { StepOutput } from './step-output.js';
import { resolveInWorkspace } from './workspace-path.js';

/** Clones a repository into the workspace of one execution attempt. */
export class GitStepHandler extends StepHandler<GitAction> {
  readonly kind = 'git';

  constructor(
    private readonly git: GitClient,
    private readonly workspace: Workspace,
    private readonly output: StepOutput,
    /** Gives what was cloned to the user that steps run as. */
    private readonly handOver: (folder: string) => Promise<void>,
  ) {
    super();
  }

  async run(attempt: StepAttempt<GitAction>, signal: AbortSignal): Promise<StepOutcome> {
    const target = await this.target(attempt.action.directory);
    if (target === undefined) {
      return failed(
        'git_directory_outside',
        'The directory to clone into leads out of the workspace',
      );
    }
    try {
      const commit = await this.git.clone(
        { ...attempt.action.repository, directory: target },
        { signal, progress: (line) => this.output.systemLine(attempt.address, line) },
      );
      await this.handOver(target);
      return { kind: 'success', commit };
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      return outcomeOf(error, signal);
    }
  }

  /** A folder that does not exist yet is judged by the nearest one above it that does. */
  private async target(directory: string | undefined): Promise<string | undefined> {
    const parts = (directory ?? '').split('/').filter((part) => part !== '' && part !== '.');
    if (directory?.startsWith('/') || parts.includes('..')) return undefined;
    for (let length = parts.length; length >= 0; length--) {
      const resolved = await resolveInWorkspace(
        this.workspace.directory,
        parts.slice(0, length).join('/'),
      );
      if (resolved.kind === 'outside') return undefined;
      if (resolved.kind === 'inside') return join(resolved.path, ...parts.slice(length));
    }
    return undefined;
  }
}

function outcomeOf(error: GitError, signal: AbortSignal): StepOutcome {
  if (error.code === 'aborted' && signal.aborted) return { kind: 'aborted' };
  const reason: Reason = { code: `git_${error.code}`, message: error.message };
  return error.retryable ? { kind: 'infrastructure', reason } : { kind: 'failed', reason };
}

function failed(code: string, message: string): StepOutcome {
  return { kind: 'failed', reason: { code, message } };
}
