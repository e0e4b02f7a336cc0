import { standIn } from '../../../test/support/stand-in.js';
import { userId } from '../../auth/users/user-id.js';
import { BLANK_EVENT, type ForgeEvent } from '../../integrations/forge/forge-event.js';
import { compileSource } from '../../pipelines/compile/compile-source.js';
import type { YamlCompiler } from '../../pipelines/compile/yaml-compiler.js';
import type {
  PipelinesService,
  RunnableVersion,
} from '../../pipelines/definitions/pipelines.service.js';
import type { RepositoriesService } from '../../repositories/repositories.service.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import type { ChangedFiles } from '../definitions/changed-files.js';
import type { FilesRequest, RepositoryFiles } from '../definitions/repository-files.js';
import type { StoredDecision } from '../deliveries/delivery.schema.js';
import { DeliveryDecider } from './delivery-decider.js';

const BASE = 'b'.repeat(40);
const HEAD = 'f'.repeat(40);
const PATH = '.millrace.yml';
const URL = 'https://git.example.org/acme/shop.git';
const CONNECTION = {
  _id: 'r',
  forge: 'github',
  clone_url: URL,
  web_url: 'https://git.example.org:8443/acme/shop',
  default_branch: 'main',
  forks: 'approval',
} as RepositoryDocument;

const yaml = (name: string): string =>
  `name: ${name}\ntriggers:\n  - pull_request\n  - push\nsteps:\n  - run: make ${name}\n`;
/** What the file of pipelines says in each commit: that of the fork is a stranger's. */
const FILES = new Map([
  [BASE, yaml('ours')],
  [HEAD, yaml('theirs')],
]);

const EVE = { id: '5', name: 'eve', email: 'eve@example.org' };
const OF_FORK: ForgeEvent = {
  ...BLANK_EVENT,
  kind: 'pull_request',
  fork: true,
  action: 'opened',
  number: 7,
  commit: HEAD,
  base: { branch: 'main', commit: BASE, repositoryId: '1', cloneUrl: URL },
  head: { branch: 'main', commit: HEAD, repositoryId: '2', cloneUrl: null },
  author: EVE,
};

describe('DeliveryDecider', () => {
  let read: FilesRequest[];
  let kept: { readonly yaml: string; readonly commit: string; readonly branch: string | null }[];
  let seen: (readonly string[])[];
  let stored: Map<string, RunnableVersion>;
  let decider: DeliveryDecider;

  const version = (id: string, text: string): RunnableVersion => {
    const compiled = compileSource(text);
    if (compiled.kind === 'invalid') throw new Error(JSON.stringify(compiled.problems));
    const { definition, plan, planHash, inputs } = compiled;
    const { name, triggers } = definition;
    const about = { pipelineId: id, pipelineName: name, enabled: true, number: 1 };
    return { ...about, plan, planHash, definition: { inputs, triggers } };
  };

  beforeEach(() => {
    read = [];
    kept = [];
    seen = [];
    stored = new Map();
    decider = new DeliveryDecider(
      standIn<PipelinesService>({
        idsWithTriggers: async () => [...stored.keys()],
        getVersion: async (id) => stored.get(id) ?? version(id, yaml('none')),
        keepFromRepository: async ({ yaml: text, commit, defaultBranch }) => {
          kept.push({ yaml: text, commit, branch: defaultBranch });
          return version('of the file', text);
        },
        seenOnDefaultBranch: async (_repository, paths) => void seen.push(paths),
      }),
      standIn<YamlCompiler>({ compile: async (text) => compileSource(text) }),
      standIn<RepositoriesService>({ cloneUrl: ({ clone_url: url }) => url }),
      standIn<RepositoryFiles>({
        read: async (request) => {
          read.push(request);
          return {
            files: [{ path: PATH, text: FILES.get(request.commit) ?? '' }],
            commit: { sha: request.commit, message: 'a change', author: 'Ada <ada@example.org>' },
          };
        },
      }),
      standIn<ChangedFiles>({ of: async () => [] }),
    );
  });

  const decide = async (
    event: ForgeEvent,
    connection: Partial<RepositoryDocument> = {},
  ): Promise<readonly StoredDecision[]> =>
    (await decider.decide({ ...CONNECTION, ...connection }, event)).decisions;

  describe('of a pull request from another repository', () => {
    it('reads the definitions of the base branch, and none of the stranger', async () => {
      const decisions = await decide(OF_FORK, { forks: 'run' });
      expect(read).toEqual([{ url: URL, commit: BASE, branch: 'main' }]);
      expect(kept).toEqual([{ yaml: yaml('ours'), commit: BASE, branch: null }]);
      expect(decisions).toMatchObject([{ pipeline_name: 'ours', path: PATH, starts: true }]);
      // It says nothing of what is on the default branch.
      expect(seen).toEqual([]);
    });

    it('reads the commit alone where the forge names no base branch', async () => {
      const base = { branch: null, commit: BASE, repositoryId: '1', cloneUrl: URL };
      await decide({ ...OF_FORK, base });
      expect(read).toEqual([{ url: URL, commit: BASE }]);
    });

    it.each<[string, ForgeEvent['base']]>([
      ['no base', null],
      ['no commit of it', { branch: 'main', commit: null, repositoryId: '1', cloneUrl: URL }],
    ])('has no definitions where the forge tells %s', async (_what, base) => {
      expect(await decide({ ...OF_FORK, base })).toEqual([]);
      expect([read, kept]).toEqual([[], []]);
    });

    it('waits for an approval of its commit by somebody who is not its author', async () => {
      const text = `repository: ${URL}\n${yaml('stored')}`;
      stored.set('by the API', version('by the API', text));
      const data = {
        commit: HEAD,
        number: 7,
        author: 'eve',
        author_user_id: userId('github', 'git.example.org:8443', '5'),
      };
      const waits = { starts: false, reason: { code: 'fork_needs_approval', data } };
      const about = { execution_id: null, pipeline_name: 'stored' };
      expect(await decide(OF_FORK)).toMatchObject([
        { ...waits, ...about },
        { ...waits, pipeline_name: 'ours' },
      ]);
    });

    const authorOf = async (
      author: ForgeEvent['author'],
      connection: Partial<RepositoryDocument> = {},
    ): Promise<unknown> => {
      const [decision] = await decide({ ...OF_FORK, author }, connection);
      const { data } = decision?.reason ?? {};
      return data?.['author_user_id'];
    };

    it('is of another author at another forge, at another host, and with another id', async () => {
      const authors = [
        await authorOf(EVE),
        await authorOf(EVE, { forge: 'gitea' }),
        await authorOf(EVE, { web_url: 'https://git.example.org/acme/shop' }),
        await authorOf({ ...EVE, id: '6' }),
      ];
      expect(new Set(authors).size).toBe(4);
      const renamed = { ...EVE, name: 'somebody', email: null };
      expect(await authorOf(renamed, { web_url: 'https://git.example.org:8443/new/name' })).toBe(
        authors[0],
      );
    });

    it.each([null, { ...EVE, id: null }])('has no author where no id is told: %j', async (who) => {
      expect(await authorOf(who)).toBeNull();
    });

    it('has no such facts where nothing waits for an approval', async () => {
      expect(await authorOf(EVE, { forks: 'never' })).toBeUndefined();
      expect(await authorOf(EVE, { forks: 'run' })).toBeUndefined();
    });
  });

  it('reads the definitions of what is built, where that is of the repository itself', async () => {
    await decide({ ...OF_FORK, fork: false });
    expect(read).toEqual([{ url: URL, commit: HEAD }]);
    const push: ForgeEvent = { ...BLANK_EVENT, kind: 'push', branch: 'next', commit: HEAD };
    await decide(push);
    expect(read[1]).toEqual({ url: URL, commit: HEAD, branch: 'next' });
    await decide({ ...push, commit: null });
    expect(read).toHaveLength(2);
    expect(seen).toEqual([]);
  });

  it('notes which files are on the default branch by what is pushed to it', async () => {
    await decide({ ...BLANK_EVENT, kind: 'push', branch: 'main', commit: BASE });
    expect(seen).toEqual([[PATH]]);
    expect(kept).toEqual([{ yaml: yaml('ours'), commit: BASE, branch: 'main' }]);
  });
});
