import { standIn } from '../../test/support/stand-in.js';
import type { MillraceConfig } from '../config/millrace-config.js';
import type { Forges } from '../integrations/forge/forge.js';
import type { Keyring } from '../secrets/encryption/keyring.js';
import type { SecretOwners } from '../secrets/store/secret-owners.js';
import type { SecretsService } from '../secrets/store/secrets.service.js';
import type { RepositoriesRepository } from './repositories.repository.js';
import { RepositoriesService } from './repositories.service.js';
import type { RepositoryDocument } from './repository.schema.js';

const ID = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b';

describe('a connected repository', () => {
  let stored: RepositoryDocument;
  let service: RepositoriesService;

  beforeEach(() => {
    stored = {
      _id: ID,
      api_url: '',
      full_name: 'acme/shop',
      forks: 'approval',
      webhook: { secret: 's', id: null, reached_at: null },
    } as unknown as RepositoryDocument;
    service = new RepositoriesService(
      standIn<RepositoriesRepository>({
        find: async () => stored,
        change: async (_id, change) => {
          stored = { ...stored, ...change };
        },
      }),
      standIn<Forges>({}),
      standIn<Keyring>({}),
      standIn<MillraceConfig>({ publicUrl: 'https://ci.example.com' }),
      standIn<SecretsService>({}),
      standIn<SecretOwners>({}),
    );
  });

  it('is changed by what was not so before', async () => {
    const before = stored;
    expect(await service.changeForks(ID, 'approval')).toEqual({ value: before, isChanged: false });
    expect(stored).toBe(before);
    expect(await service.changeForks(ID, 'run')).toEqual({ value: stored, isChanged: true });
    expect(stored.forks).toBe('run');
  });
});
