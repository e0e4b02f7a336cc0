import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { ForgeError } from '../../integrations/forge/forge.js';
import { GitClient, GitError } from '../../integrations/git/git-client.js';
import { ScratchFolders } from '../../common/scratch/scratch-folders.js';
import { RepositoriesService } from '../../repositories/repositories.service.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import { HeadsSource } from './heads-source.js';

const LIMIT_MS = 30_000;

/** By git, of forges whose API is not used. */
@Injectable()
export class GitHeads extends HeadsSource {
  constructor(
    private readonly git: GitClient,
    private readonly repositories: RepositoriesService,
    private readonly scratch: ScratchFolders,
  ) {
    super();
  }

  isOf({ api_url: url }: RepositoryDocument): boolean {
    return url === '';
  }

  async heads(repository: RepositoryDocument): Promise<ReadonlyMap<string, string>> {
    try {
      const url = this.repositories.cloneUrl(repository);
      return await this.scratch.use((folder) => {
        const request = { url, directory: join(folder, 'git') };
        return this.git.heads(request, { signal: AbortSignal.timeout(LIMIT_MS) });
      });
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      const isRefused = error.code === 'authentication_failed';
      throw new ForgeError(isRefused ? 'unauthorized' : 'unreachable', error.message);
    }
  }

  /** Nobody can be asked for it. */
  redeliver(): Promise<number> {
    return Promise.resolve(0);
  }
}
