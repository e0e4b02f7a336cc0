import { Injectable } from '@nestjs/common';
import { RepositoriesService } from '../../repositories/repositories.service.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import { HeadsSource } from './heads-source.js';

/** By the API of the forge. */
@Injectable()
export class ForgeHeads extends HeadsSource {
  constructor(private readonly repositories: RepositoriesService) {
    super();
  }

  isOf({ api_url: url }: RepositoryDocument): boolean {
    return url !== '';
  }

  heads(repository: RepositoryDocument): Promise<ReadonlyMap<string, string>> {
    return this.repositories.atForge(repository, (forge, name) => forge.heads(name));
  }

  async redeliver(repository: RepositoryDocument, since: Date): Promise<number> {
    const { id } = repository.webhook;
    if (id === null) return 0;
    return this.repositories.atForge(repository, (forge, name) =>
      forge.redeliverFailed(name, id, since),
    );
  }
}
