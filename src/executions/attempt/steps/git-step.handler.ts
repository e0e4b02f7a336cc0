import { rm } from 'node:fs/promises';
import type { MaskSet } from '../../../common/redaction/mask-set.js';
import type { Reason } from '../../../engine/plan/run-state.js';
import {
  type StepAttempt,
  StepHandler,
  type StepOutcome,
} from '../../../engine/runtime/step-handler.js';
import { GIT_KIND, type GitAction } from '../../../engine/steps/git/git-action.js';
import {
  type CloneRequest,
  type GitClient,
  GitError,
} from '../../../integrations/git/git-client.js';
import { credentialsOf } from '../../../pipelines/compile/credential-masks.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import {
  FolderError,
  type Misplaced,
  type WorkspaceStore,
} from '../../../workspaces/workspace-store.js';
import type { CloneAccess } from './clone-access.js';
import type { StepOutput } from './step-output.js';

/** Clones a repository into the workspace of one execution attempt. */
export class GitStepHandler extends StepHandler<GitAction> {
  readonly kind = GIT_KIND;

  constructor(
    private readonly git: GitClient,
    private readonly workspace: Workspace,
    private readonly output: StepOutput,
    private readonly workspaces: WorkspaceStore,
    private readonly masks: MaskSet,
    private readonly access: CloneAccess,
  ) {
    super();
  }

  async run(attempt: StepAttempt<GitAction>, signal: AbortSignal): Promise<StepOutcome> {
    const request = this.access.requestFor(attempt.action.repository);
    // The plan knows the text of an expression, but not the credentials that it comes to.
    this.masks.add(credentialsOf(request.url));
    const target = namesOf(attempt.action.directory);
    if (target === undefined) return misplaced('outside');
    try {
      const answer = await this.workspaces.checkTarget(this.workspace, target);
      return answer === 'free'
        ? await this.clone(attempt, request, target, signal)
        : misplaced(answer);
    } catch (error) {
      if (error instanceof FolderError) {
        const { message } = error;
        return { kind: 'infrastructure', reason: { code: 'workspace_unusable', message } };
      }
      if (error instanceof GitError) return outcomeOf(error, signal);
      throw error;
    }
  }

  private async clone(
    attempt: StepAttempt<GitAction>,
    request: Omit<CloneRequest, 'directory'>,
    target: readonly string[],
    signal: AbortSignal,
  ): Promise<StepOutcome> {
    // Steps that run beside this one can change what is in the workspace, but not what is here.
    const staged = await this.workspaces.stage(this.workspace);
    try {
      const { branch, ...commit } = await this.git.clone(
        { ...request, directory: staged },
        { signal, progress: (line) => this.output.systemLine(attempt.address, line) },
      );
      const placed = await this.workspaces.place(this.workspace, staged, target);
      if (placed !== 'placed') return misplaced(placed);
      return { kind: 'success', commit, ...(branch !== undefined && { branch }) };
    } finally {
      await rm(staged, { recursive: true, force: true });
    }
  }
}

/**
 * The names that lead to the folder from the workspace; undefined for a path that leads out of it
 * by itself.
 */
function namesOf(directory = ''): string[] | undefined {
  const names = directory.split('/').filter((name) => name !== '' && name !== '.');
  return directory.startsWith('/') || names.includes('..') ? undefined : names;
}

function outcomeOf(error: GitError, signal: AbortSignal): StepOutcome {
  if (error.code === 'aborted' && signal.aborted) return { kind: 'aborted' };
  const reason: Reason = { code: `git_${error.code}`, message: error.message };
  return error.retryable ? { kind: 'infrastructure', reason } : { kind: 'failed', reason };
}

function misplaced(why: Misplaced): StepOutcome {
  return why === 'outside'
    ? failed('git_directory_outside', 'The directory to clone into leads out of the workspace')
    : failed(
        'git_invalid_request',
        'The path to clone into is no directory, or one that is not empty.',
      );
}

function failed(code: string, message: string): StepOutcome {
  return { kind: 'failed', reason: { code, message } };
}
