import { Injectable } from '@nestjs/common';
import { join } from 'node:path';
import { MissingKeyError } from '../../secrets/encryption/keyring.js';
import { nameRecord } from '../../common/values/name-record.js';
import { ScratchFolders } from '../../common/scratch/scratch-folders.js';
import { CloneAccess } from '../../executions/attempt/steps/clone-access.js';
import { GitClient, GitError } from '../../integrations/git/git-client.js';
import { RepositoriesService } from '../../repositories/repositories.service.js';
import { detectionProblem } from '../detection-problem.js';
import { FolderDetector } from '../folder-detector.js';
import type { DetectionEnd } from '../folder-request.js';
import { CLONE_LIMIT_MS, type RepositoryRequest } from '../repository-job.js';

/** Clones repositories and detects what they hold. */
@Injectable()
export class RepositoryDetector {
  constructor(
    private readonly repositories: RepositoriesService,
    private readonly git: GitClient,
    private readonly folders: FolderDetector,
    private readonly scratch: ScratchFolders,
  ) {}

  /**
   * One commit is cloned, without submodules and files of Git LFS, with the credential of the
   * connection where this very repository is connected.
   */
  async detect(
    { path, type, ...repository }: RepositoryRequest,
    stop: AbortSignal,
  ): Promise<DetectionEnd> {
    const limit = AbortSignal.timeout(CLONE_LIMIT_MS);
    try {
      const access = await this.accessTo(repository.url);
      return await this.scratch.use(async (folder) => {
        const root = join(folder, 'tree');
        await this.git.clone(
          {
            ...access.requestFor({ ...repository, depth: 1, lfs: false }),
            ownCredentialsOnly: true,
            directory: root,
          },
          { signal: AbortSignal.any([stop, limit]), progress: () => undefined },
        );
        const choice = { ...(path !== undefined && { path }), ...(type !== undefined && { type }) };
        return this.folders.detect({ root, ...choice }, stop);
      });
    } catch (error) {
      if (error instanceof MissingKeyError) {
        return detectionProblem('credential_unreadable', error.message);
      }
      if (!(error instanceof GitError)) throw error;
      if (limit.aborted) return detectionProblem('git_timeout', 'The clone takes too long.');
      return detectionProblem(`git_${error.code}`, error.message);
    }
  }

  private async accessTo(url: string): Promise<CloneAccess> {
    const connected = await this.repositories.withCloneUrl(url);
    return new CloneAccess(nameRecord([]), connected && this.repositories.cloneUrl(connected));
  }
}
