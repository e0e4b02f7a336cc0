import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { MillraceConfig } from '../../config/millrace-config.js';
import { ForgeError } from '../../integrations/forge/forge.js';
import { GitClient, GitError } from '../../integrations/git/git-client.js';
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
    private readonly config: MillraceConfig,
  ) {
    super();
  }

  isOf({ api_url: url }: RepositoryDocument): boolean {
    return url === '';
  }

  async heads(repository: RepositoryDocument): Promise<ReadonlyMap<string, string>> {
    const parent = join(this.config.home, 'definitions');
    await mkdir(parent, { recursive: true, mode: 0o700 });
    const folder = await mkdtemp(join(parent, 'h-'));
    try {
      const url = this.repositories.cloneUrl(repository);
      const request = { url, directory: join(folder, 'git') };
      return await this.git.heads(request, { signal: AbortSignal.timeout(LIMIT_MS) });
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      const isRefused = error.code === 'authentication_failed';
      throw new ForgeError(isRefused ? 'unauthorized' : 'unreachable', error.message);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Nobody can be asked for it. */
  redeliver(): Promise<number> {
    return Promise.resolve(0);
  }
}
