import type { ExecutionsRepository } from '../../executions/record/executions.repository.js';
import { MissingKeyError } from '../../secrets/encryption/keyring.js';
import { standIn } from '../../../test/support/stand-in.js';
import type { Release, Service } from '../record/deployment.js';
import type { DeploymentStore } from '../record/deployment-store.js';
import { environmentDifference } from '../record/environment-difference.js';
import { ReleaseEnvironments } from './release-environments.js';
import type { SealedTexts } from '../record/sealed-texts.js';

const MADE = new Date(1_000);

describe('ReleaseEnvironments', () => {
  const texts = new Map<string, string>();
  let stale: readonly string[];
  let asked: unknown[];

  beforeEach(() => {
    texts.clear();
    stale = [];
    asked = [];
  });

  const environments = new ReleaseEnvironments(
    standIn<SealedTexts>({
      find: (id) =>
        id === 'locked'
          ? Promise.reject(new MissingKeyError('k1'))
          : Promise.resolve(texts.get(id)),
    }),
    {
      changedSince: (...what) => {
        asked.push(what);
        return Promise.resolve(stale);
      },
      replaced: (...what) => {
        asked.push(what);
        return Promise.resolve(stale);
      },
    },
    standIn<ExecutionsRepository>({
      find: () => Promise.resolve({ trigger_info: {}, asked: { source: { repository_id: 'r' } } }),
    } as never),
  );
  const release = (number: number, variables: string, secrets?: readonly string[]): Release =>
    ({
      ...{ number, created_at: MADE, pipeline_id: 'p', execution_id: 'e' },
      settings: { type: 'docker_container', published: {}, variables, secrets },
    }) as unknown as Release;
  const messages = async (then: Release, now?: Release): Promise<readonly string[]> =>
    (await environments.warnings(then, now)).map(({ message }) => message);

  it('names what is different today, and no value', async () => {
    texts.set('v2', JSON.stringify({ A: 'old', B: 'same', GONE: 'x' }));
    texts.set('v3', JSON.stringify({ A: 'new', B: 'same', C: 'y', D: 'z' }));
    expect(await environments.warnings(release(2, 'v2'), release(3, 'v3'))).toEqual([
      {
        code: 'environment_differs',
        message:
          'release 2 runs with its own variables: A is different today; C, D are there today only; GONE is not there today',
        data: { release: 2, changed: ['A'], only_now: ['C', 'D'], only_then: ['GONE'] },
      },
    ]);
    expect(await messages(release(3, 'v3'), release(3, 'v3'))).toEqual([]);
    expect(await messages(release(2, 'v2'))).toEqual([]);
  });

  it('names secrets that have another value in the store since it was made', async () => {
    stale = ['TOKEN'];
    expect(await messages(release(2, 'v2', ['TOKEN', 'KEY']))).toEqual([
      'release 2 runs with the secrets that it was made with: TOKEN got another value since, or is gone',
    ]);
    expect(asked).toEqual([[['TOKEN', 'KEY'], { pipelineId: 'p', repositoryId: 'r' }, MADE]]);
  });

  it('asks for the values that were taken, whenever the release was made', async () => {
    stale = ['TOKEN'];
    const taken = [{ name: 'TOKEN', secret_id: 'global:TOKEN', set_at: new Date(7) }];
    const made = release(2, 'v2', ['TOKEN']);
    const settings = { ...made.settings, taken } as Release['settings'];
    expect(await messages({ ...made, settings })).toHaveLength(1);
    expect(asked).toEqual([[taken, { pipelineId: 'p', repositoryId: 'r' }]]);
  });

  it('tells of a unit what is different of its parts, by part and name', async () => {
    for (const [id, value] of [
      ['v1', 'a'],
      ['v2', 'b'],
    ] as const) {
      texts.set(id, JSON.stringify({ A: value }));
    }
    const releases = new Map([
      ['api-1', release(1, 'v1')],
      ['api-2', release(2, 'v2')],
      ['web-1', release(1, 'v1')],
    ]);
    const serving = new Map([
      ['default/api', 'api-2'],
      ['default/web', 'web-1'],
    ]);
    const store = standIn<DeploymentStore>({
      service: (id) => Promise.resolve({ release_id: serving.get(id) ?? null } as Service),
      release: (id) => Promise.resolve(releases.get(id)),
    });
    const part = (service_id: string, release_id: string) => ({ service_id, release_id });
    const parts = [
      part('default/api', 'api-1'),
      part('default/web', 'web-1'),
      part('default/new', 'new-1'),
    ];
    const unit = { settings: { type: 'hybrid' }, parts } as unknown as Release;
    const told = await environments.ofParts(unit, store);
    expect(told).toEqual([
      {
        code: 'environment_differs',
        message: 'default/api: release 1 runs with its own variables: A is different today',
        data: {
          ...{ part: 'default/api', release: 1 },
          ...{ changed: ['A'], only_now: [], only_then: [] },
        },
      },
    ]);
  });

  it('says that nobody knows where a key is missing, and does not refuse', async () => {
    expect(await messages(release(2, 'v2'), release(3, 'locked'))).toEqual([
      expect.stringContaining('is not known: The encryption key "k1" is missing'),
    ]);
  });

  it('takes names for nothing else', () => {
    const odd = JSON.parse('{"__proto__":"x","constructor":"y"}') as Record<string, string>;
    expect(environmentDifference(odd, {})).toEqual({
      ...{ changed: [], only_now: [], only_then: ['__proto__', 'constructor'] },
    });
  });
});
