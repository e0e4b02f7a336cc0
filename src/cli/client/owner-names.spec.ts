import type { Reader } from '../api/answer-shape.js';
import { RefusedError } from '../api/refusal.js';
import { ownerNames } from './owner-names.js';

const [SHOP, ACME] = [
  '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b',
  '6c6e6a52-6a06-5c7f-9c3a-5a3d3f1e7b9a',
];
const AT = '2026-01-31T12:00:00.000Z';
const global = { pipeline_id: null, repository_id: null };
const ofPipeline = { pipeline_id: SHOP, repository_id: null };
const ofRepository = { pipeline_id: null, repository_id: ACME };

const lists = new Map<string, object>([
  [
    '/api/ci/pipelines?limit=200',
    { id: SHOP, name: 'shop', version: 1, created_at: AT, updated_at: AT },
  ],
  [
    '/api/repositories?limit=200',
    {
      id: ACME,
      forge: 'github',
      full_name: 'acme/shop',
      url: 'https://github.com/acme/shop',
      default_branch: 'main',
      has_token: true,
      webhook: 'made',
      forks: 'approval',
      fork_approvers: [],
      report_skipped: false,
      protected_tags: [],
    },
  ],
]);

/** Answers lists, and refuses with a status where one is given. */
function apiThat(asked: string[], status = 200) {
  return {
    get: async <T>(path: string, reader: Reader<T>): Promise<T> => {
      asked.push(path);
      if (status !== 200) throw new RefusedError('no', 4, [], undefined, status);
      return reader({ items: [lists.get(path)], next_cursor: null }, '');
    },
  };
}

it.each([
  [[global], [], []],
  [[ofPipeline, ofPipeline, global], ['/api/ci/pipelines?limit=200'], [[SHOP, 'shop']]],
  [[ofRepository], ['/api/repositories?limit=200'], [[ACME, 'acme/shop']]],
])('names what secrets are of, by one request for each kind: %j', async (secrets, paths, names) => {
  const asked: string[] = [];
  expect([...(await ownerNames(apiThat(asked), secrets))]).toEqual(names);
  expect(asked).toEqual(paths);
});

it.each([403, 404])('names nothing where the lists may not be read: %d', async (status) => {
  expect((await ownerNames(apiThat([], status), [ofPipeline, ofRepository])).size).toBe(0);
});

it('tells any other refusal', async () => {
  await expect(ownerNames(apiThat([], 503), [ofPipeline])).rejects.toBeInstanceOf(RefusedError);
});
