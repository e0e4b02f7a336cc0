import { standIn } from '../../test/support/stand-in.js';
import type { MillraceConfig } from '../config/millrace-config.js';
import { type Forge, ForgeError, type Forges } from '../integrations/forge/forge.js';
import type { Keyring } from '../secrets/encryption/keyring.js';
import type { SecretOwners } from '../secrets/store/secret-owners.js';
import type { SecretsService } from '../secrets/store/secrets.service.js';
import { checkedResponse } from './dto/repository.response.js';
import type { RepositoriesRepository } from './repositories.repository.js';
import { RepositoriesService } from './repositories.service.js';
import type { RepositoryDocument, StoredWebhook } from './repository.schema.js';

const ID = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b';

describe('a connected repository', () => {
  let stored: RepositoryDocument;
  let service: RepositoriesService;
  let publicUrl: string | undefined;

  beforeEach(() => {
    publicUrl = 'https://ci.example.com';
    stored = {
      _id: ID,
      api_url: '',
      full_name: 'acme/shop',
      forks: 'approval',
      token: null,
      webhook: { secret: 's', id: null, reached_at: null },
    } as unknown as RepositoryDocument;
    service = new RepositoriesService(
      standIn<RepositoriesRepository>({
        find: async () => stored,
        change: async (_id, change) => {
          stored = { ...stored, ...change };
        },
      }),
      standIn<Forges>({
        at: () =>
          standIn<Forge>({
            repository: () => Promise.reject(new ForgeError('unauthorized', 'The token is over.')),
          }),
      }),
      standIn<Keyring>({}),
      {
        get publicUrl() {
          return publicUrl;
        },
      } as MillraceConfig,
      standIn<SecretsService>({}),
      standIn<SecretOwners>({}),
    );
  });

  it('is changed by what was not so before', async () => {
    const before = stored;
    expect(await service.changeSettings(ID, { forks: 'approval', fork_approvers: [] })).toEqual({
      value: before,
      isChanged: false,
    });
    expect(stored).toBe(before);
    expect(await service.changeSettings(ID, { forks: 'run' })).toEqual({
      value: stored,
      isChanged: true,
    });
    expect(stored.forks).toBe('run');
  });

  const checked = async (change: Partial<StoredWebhook> = {}): Promise<unknown> => {
    stored = { ...stored, webhook: { ...stored.webhook, ...change } };
    const { parts } = checkedResponse(await service.check(ID));
    return parts.map(({ part, state, ok }) => `${part} ${state} ${ok}`);
  };

  it('of which nothing was seen yet is not broken', async () => {
    expect(await checked({ id: '7' })).toEqual(['webhook works true', 'deliveries not_seen true']);
    expect(await checked({ id: null })).toEqual([
      'webhook not_seen true',
      'deliveries not_seen true',
    ]);
    const [webhook] = await service.check(ID);
    expect(webhook?.message).toContain(`https://ci.example.com/api/repositories/${ID}/webhook.`);
  });

  it('that a delivery has reached works, whoever has made the webhook', async () => {
    const works = ['webhook works true', 'deliveries works true'];
    expect(await checked({ reached_at: new Date() })).toEqual(works);
  });

  it('whose forge cannot be told the address is broken, and so is one that the forge refuses', async () => {
    publicUrl = undefined;
    expect(await checked()).toEqual(['webhook fails false', 'deliveries not_seen true']);
    stored = { ...stored, api_url: 'https://api.github.com' };
    expect(await checked({ id: '7' })).toEqual([
      'forge fails false',
      'webhook works true',
      'deliveries not_seen true',
    ]);
  });
});
