import { standIn } from '../../../test/support/stand-in.js';
import type { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import type { RepositoriesService } from '../../repositories/repositories.service.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import type {
  ResolvedSecrets,
  SecretReader,
  SecretsService,
} from '../../secrets/store/secrets.service.js';
import { pendingExecution } from '../record/execution.fixture.js';
import type { EventInfo, ExecutionRecord, TriggerInfo } from '../record/execution.schema.js';
import { planOf } from './attempt.fixture.js';
import { type GivenSecrets, RunSecrets } from './run-secrets.js';

const event = (fork: boolean): EventInfo => ({
  delivery_id: 'd',
  repository_id: 'of-event',
  repository: 'acme/shop',
  default_branch: 'main',
  fork,
});
const executionOf = (
  trigger_info: TriggerInfo,
  more: Partial<ExecutionRecord> = {},
): ExecutionRecord => pendingExecution({ pipeline_id: 'p', trigger_info, ...more });
const info = { trigger_type: 'manual', triggered_by: 'ada', timestamp: new Date() };
const WITH = planOf(
  'name: p\nrepository: https://git.test/acme/shop\nsteps: [{ run: a, secrets: A_KEY }]\n',
);

const REPOSITORY: Partial<RepositoryDocument> = {
  full_name: 'acme/shop',
  clone_url: 'https://git.test/acme/shop.git',
  default_branch: 'main',
};

function refusal(names: readonly string[], run: SecretReader): ResolvedSecrets {
  const rules = { events: ['push'], protected: false, why: 'event' } as const;
  return {
    kind: 'withheld',
    secrets: names.map((name) => ({ name, scope: 'global' as const, ...rules })),
    run,
  };
}

const SET = new Date(7);

describe('RunSecrets', () => {
  let asked: (readonly [readonly string[], SecretReader])[];
  /** Names that no run is given. */
  let withheld: readonly string[];
  let source: { readonly repository_id: string; readonly path: string } | undefined;
  let secrets: RunSecrets;
  beforeEach(() => {
    asked = [];
    withheld = [];
    source = undefined;
    secrets = new RunSecrets(
      standIn<SecretsService>({
        resolve: async (names, reader) => {
          asked.push([names, reader]);
          const left = names.filter((name) => withheld.includes(name));
          if (left.length > 0) return refusal(left, reader);
          return {
            kind: 'values',
            values: Object.fromEntries(names.map((name) => [name, `value of ${name}`])),
            taken: names.map((name) => ({ name, secret_id: `global:${name}`, set_at: SET })),
          };
        },
      }),
      standIn<PipelinesService>({ sourceOf: async () => source }),
      standIn<RepositoriesService>({
        withCloneUrl: async () => ({ ...REPOSITORY, _id: 'of-url' }) as RepositoryDocument,
        find: async (id) => ({ ...REPOSITORY, _id: id }) as RepositoryDocument,
        cloneUrl: () => 'https://x-access-token:t0ken@git.test/acme/shop.git',
      }),
    );
  });

  it('asks for nothing when the plan names none', async () => {
    await secrets.resolve(executionOf(info), planOf('name: p\nsteps: [a]'), false);
    expect(asked).toEqual([]);
  });

  it('gives a pull request of another repository none, also when it is run again', async () => {
    const trigger_info = { ...info, rerun_of: 'e0', event: event(true) };
    const yaml = `name: p
repository: { url: https://git.test/acme/shop, credentials: C_KEY }
steps: [{ run: a, secrets: A_KEY }]
`;
    const given = await secrets.resolve(executionOf(trigger_info), planOf(yaml), true);
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
      executionOf(own),
      planOf(yaml),
      true,
    )) as Extract<GivenSecrets, { kind: 'values' }>;
    expect(trusted.requestFor({ url })).not.toHaveProperty('ownCredentialsOnly');
  });

  it('says which ones the steps are given, and not those of clones', async () => {
    const yaml = `name: p
repository: { url: https://git.test/acme/shop, credentials: C_KEY }
steps: [{ run: a, secrets: A_KEY }]
`;
    expect(await secrets.resolve(executionOf(info), planOf(yaml), true)).toMatchObject({
      taken: [{ name: 'A_KEY', secret_id: 'global:A_KEY', set_at: SET }],
    });
  });

  it('knows the repository by its event, else by where the pipeline lives, else by the URL', async () => {
    await secrets.resolve(executionOf(info), WITH, true);
    source = { repository_id: 'of-source', path: '.millrace.yml' };
    await secrets.resolve(executionOf(info), WITH, true);
    await secrets.resolve(executionOf({ ...info, event: event(false) }), WITH, true);
    expect(asked).toEqual(
      ['of-url', 'of-source', 'of-event'].map((repositoryId) => [
        ['A_KEY'],
        expect.objectContaining({ pipelineId: 'p', repositoryId }) as SecretReader,
      ]),
    );
  });

  it('knows it by where the pipeline lived when it was started, also when that is gone', async () => {
    const more = { asked: { source: { repository_id: 'of-start', branch: 'main' } } };
    await secrets.resolve(executionOf(info, more), WITH, true);
    expect(asked[0]?.[1]).toMatchObject({ repositoryId: 'of-start', unprotected: undefined });
  });

  it('asks by the event of the trigger as it is stored, and says why it is not protected', async () => {
    const push = { ...info, trigger_type: 'push', event: event(false) };
    await secrets.resolve(executionOf({ ...push, branch: 'main' }), WITH, true);
    await secrets.resolve(executionOf({ ...push, branch: 'topic', rerun_of: 'e0' }), WITH, true);
    const pull = { ...info, trigger_type: 'pull_request', event: event(false) };
    await secrets.resolve(executionOf(pull), WITH, true);
    expect(asked.map(([, { event: of, unprotected }]) => [of, unprotected])).toEqual([
      ['push', undefined],
      ['push', 'the branch "topic" is not the default branch "main" of acme/shop'],
      ['pull_request', 'it is of a pull request'],
    ]);
  });

  describe('that are not for such a run', () => {
    const pull = { ...info, trigger_type: 'pull_request', event: event(false) };
    const yaml = (when: string): string => `
name: p
stages:
  - { name: test, steps: [{ run: a, secrets: A_KEY }] }
  - { name: deploy, when: "${when}", steps: [{ run: b, secrets: DEPLOY }] }
`;
    beforeEach(() => {
      withheld = ['DEPLOY'];
    });

    it('keep it from beginning where one of its steps may use them', async () => {
      const plan = planOf(yaml('trigger.number > 3'));
      expect(await secrets.resolve(executionOf(pull), plan, false)).toMatchObject({
        kind: 'withheld',
        secrets: [{ name: 'DEPLOY' }],
        run: { event: 'pull_request' },
      });
    });

    it('are left out where all that names them is skipped', async () => {
      const plan = planOf(yaml("trigger.event == 'push'"));
      expect(await secrets.resolve(executionOf(pull), plan, false)).toMatchObject({
        kind: 'values',
        values: { A_KEY: 'value of A_KEY' },
      });
    });

    it('are no credentials of a clone either', async () => {
      const url = 'https://git.test/acme/shop';
      const plan = planOf(
        `name: p\nrepository: { url: ${url}, credentials: DEPLOY }\nsteps: [a]\n`,
      );
      const ofFork = { ...pull, event: event(true) };
      for (const trigger of [pull, ofFork]) {
        expect(await secrets.resolve(executionOf(trigger), plan, true)).toMatchObject({
          kind: 'withheld',
          secrets: [{ name: 'DEPLOY' }],
        });
      }
    });
  });
});
