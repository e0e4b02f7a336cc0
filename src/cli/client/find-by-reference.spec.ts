import { ApiClient } from '../api/api-client.js';
import { findDelivery } from './find-delivery.js';
import { findDeployment } from './find-deployment.js';
import { findExecution } from './find-execution.js';
import { findPipeline, findPipelineIfAny } from './find-pipeline.js';
import { findRepository } from './find-repository.js';
import { findServiceAccount } from './find-service-account.js';
import { versionNamed } from './pipeline-history.js';

const ID = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b';
const OTHER = '01932f5e-aaaa-7c43-a5b1-6a3c2f1e0d4b';

/** A server with two pages of each list. */
class PagedApi extends ApiClient {
  constructor(private readonly rows: readonly object[]) {
    super('http://127.0.0.1:1', undefined);
  }

  override get<T>(path: string): Promise<T> {
    const [first, ...others] = this.rows;
    const isSecond = path.includes('cursor=a%2Fb');
    const next_cursor = isSecond ? null : 'a/b';
    return Promise.resolve({ items: isSecond ? others : [first], next_cursor } as T);
  }
}

type Find = (api: ApiClient, reference: string) => Promise<string>;

const KINDS: readonly (readonly [name: string, find: Find])[] = [
  ['an execution', findExecution],
  ['a deployment', findDeployment],
  ['a delivery', findDelivery],
  ['a pipeline', findPipeline],
  ['a repository', findRepository],
  ['a service account', findServiceAccount],
];

function row(id: string, name: string): object {
  const texts = { pipeline_name: name, environment: name, service: name, status: 'x', event: 'x' };
  return { id, deployment_id: id, name, full_name: name, url: name, kind: 'forge', ...texts };
}

describe.each(KINDS)('%s is named', (_name, find) => {
  const api = new PagedApi([row(OTHER, 'other'), row(ID, 'shop')]);

  it('by its id, and by a beginning of one id only, on whatever page it stands', async () => {
    await expect(find(api, ID.toUpperCase())).resolves.toBe(ID);
    await expect(find(api, ID.slice(0, 13).toUpperCase())).resolves.toBe(ID);
    await expect(find(api, OTHER.slice(0, 13))).resolves.toBe(OTHER);
  });

  it('not by a beginning of two', async () => {
    await expect(find(api, ID.slice(0, 9))).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/"01932f5e-" may be any of 2 /),
      suggestions: expect.arrayContaining([expect.stringContaining(OTHER)]),
    });
  });

  it.each(['0', ID.slice(0, 7)])('not by %j, even if there is only one', async (short) => {
    const only = new PagedApi([row(ID, 'shop')]);
    await expect(find(only, short)).rejects.toThrow(/too short|There is no|No repository/);
    await expect(find(only, ID.slice(0, 8))).resolves.toBe(ID);
  });
});

it('a name that looks like a beginning is a name', async () => {
  const api = new PagedApi([row(OTHER, '01932f5e-9d10'), row(ID, 'shop')]);
  await expect(findServiceAccount(api, '01932f5e-9d10')).resolves.toBe(OTHER);
});

it('what names no pipeline is told apart from what names several', async () => {
  const api = new PagedApi([row(OTHER, 'shop'), row(ID, 'shop')]);
  await expect(findPipelineIfAny(api, 'none')).resolves.toBeUndefined();
  await expect(findPipelineIfAny(api, 'shop')).rejects.toThrow('may be any of 2');
});

it('no message shows the token of a URL that is not connected', async () => {
  const api = new PagedApi([row(ID, 'shop')]);
  await expect(findRepository(api, 'https://ada:s3cret@git.example.com/x')).rejects.toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('s3cret') }),
  );
});

it.each([
  ['shop@2', { id: ID, number: '2' }],
  ['shop', { id: ID }],
  ['tools@2', { id: OTHER }],
  ['tools@2@7', { id: OTHER, number: '7' }],
])('the pipeline and version of %j are %j', async (reference, expected) => {
  const api = new PagedApi([row(OTHER, 'tools@2'), row(ID, 'shop')]);
  await expect(versionNamed(api, reference)).resolves.toEqual(expected);
});
