import { standIn } from '../../../test/support/stand-in.js';
import type { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import type { RepositoriesService } from '../../repositories/repositories.service.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import type { SecretReader, SecretsService } from '../../secrets/store/secrets.service.js';
import type { EventInfo } from '../record/execution.schema.js';
import { planOf } from './attempt.fixture.js';
import { type GivenSecrets, RunSecrets } from './run-secrets.js';

const event = (fork: boolean): EventInfo => ({
  delivery_id: 'd',
  repository_id: 'of-event',
  repository: 'acme/shop',
  default_branch: 'main',
  fork,
});
const info = { trigger_type: 'manual', triggered_by: 'ada', timestamp: new Date() };
const WITH = planOf(
  'name: p\nrepository: https://git.test/acme/shop\nsteps: [{ run: a, secrets: A_KEY }]\n',
);

describe('RunSecrets', () => {
  let asked: (readonly [readonly string[], SecretReader])[];
  let source: { readonly repository_id: string; readonly path: string } | undefined;
  let secrets: RunSecrets;
  beforeEach(() => {
    asked = [];
    source = undefined;
    secrets = new RunSecrets(
      standIn<SecretsService>({
        resolve: async (names, reader) => {
          asked.push([names, reader]);
          return {
            kind: 'values',
            values: Object.fromEntries(names.map((name) => [name, `value of ${name}`])),
          };
        },
      }),
      standIn<PipelinesService>({ sourceOf: async () => source }),
      standIn<RepositoriesService>({
        withCloneUrl: async () => ({ _id: 'of-url' }) as RepositoryDocument,
        find: async (id) => ({ _id: id }) as RepositoryDocument,
        cloneUrl: () => 'https://x-access-token:t0ken@git.test/acme/shop.git',
      }),
    );
  });

  it('asks for nothing when the plan names none', async () => {
    await secrets.resolve(
      { pipeline_id: 'p', trigger_info: info },
      planOf('name: p\nsteps: [a]'),
      false,
    );
    expect(asked).toEqual([]);
  });

  it('gives a pull request of another repository none, also when it is run again', async () => {
    const trigger_info = { ...info, rerun_of: 'e0', event: event(true) };
    const yaml = `name: p
repository: { url: https://git.test/acme/shop, credentials: C_KEY }
steps: [{ run: a, secrets: A_KEY }]
`;
    const given = await secrets.resolve({ pipeline_id: 'p', trigger_info }, planOf(yaml), true);
    // But the clone has what the base branch says.
    expect(asked.map(([names]) => names)).toEqual([['C_KEY']]);
    expect(given).toMatchObject({ kind: 'values', values: {} });
    const { access } = given as Extract<GivenSecrets, { kind: 'values' }>;
    expect(access.values).toEqual(['value of C_KEY']);
    // The files are the stranger's: what they name gets no credentials.
    const url = 'https://git.test/acme/shop';
    expect(access.requestFor({ url })).toMatchObject({ ownCredentialsOnly: true });
    const own = { ...info, event: event(false) };
    const { access: trusted } = (await secrets.resolve(
      { pipeline_id: 'p', trigger_info: own },
      planOf(yaml),
      true,
    )) as Extract<GivenSecrets, { kind: 'values' }>;
    expect(trusted.requestFor({ url })).not.toHaveProperty('ownCredentialsOnly');
  });

  it('knows the repository by its event, else by where the pipeline lives, else by the URL', async () => {
    await secrets.resolve({ pipeline_id: 'p', trigger_info: info }, WITH, true);
    source = { repository_id: 'of-source', path: '.millrace.yml' };
    await secrets.resolve({ pipeline_id: 'p', trigger_info: info }, WITH, true);
    await secrets.resolve(
      { pipeline_id: 'p', trigger_info: { ...info, event: event(false) } },
      WITH,
      true,
    );
    expect(asked).toEqual(
      ['of-url', 'of-source', 'of-event'].map((repositoryId) => [
        ['A_KEY'],
        { pipelineId: 'p', repositoryId },
      ]),
    );
  });
});
