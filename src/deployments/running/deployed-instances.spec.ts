import { standIn } from '../../../test/support/stand-in.js';
import type { InstanceTarget } from '../../service-registry/probing/prober.js';
import type { DeploymentStore } from '../record/deployment-store.js';
import { TargetAwayError } from '../targets/deploy-target.js';
import { DeployedInstances, type LooksByType } from './deployed-instances.js';

const CHECK = {
  name: 'ready',
  type: 'exec',
  command: ['true'],
  intervalMs: 9,
  timeoutMs: 5,
} as const;
const TARGET: InstanceTarget = { service: 'default/shop', host: 'here', check: CHECK };

describe('DeployedInstances', () => {
  const look = (
    type: string,
    {
      release = 'r',
      host = 'here',
      instance = 0,
      check = (_release: unknown) => Promise.resolve({ ok: true }),
    } = {},
  ) => {
    const store = standIn<DeploymentStore>({
      service: () => Promise.resolve({ release_id: release === '' ? null : release } as never),
      release: () => Promise.resolve({ number: 4, instance, host, settings: { type } } as never),
    });
    const targets = { docker_container: { check }, local_service: { check } };
    return new DeployedInstances(store, targets as unknown as LooksByType, 'here').look(TARGET);
  };

  it.each(['docker_container', 'local_service'])('asks what runs a %s', async (type) => {
    expect(await look(type)).toEqual({ ok: true });
  });

  it.each(['docker_container', 'local_service'])(
    'asks the instance of a %s that serves, and not the first one',
    async (type) => {
      const seen: unknown[] = [];
      const check = (one: unknown) => {
        seen.push(one);
        return Promise.resolve({ ok: true });
      };
      await look(type, { instance: 1, check });
      expect(seen).toMatchObject([{ service_id: 'default/shop', number: 4, instance: 1 }]);
    },
  );

  it.each([
    ['local_directory', {}, 'it has no instance of its own'],
    ['local_service', { release: '' }, 'nothing of it serves'],
    ['local_service', { host: 'there' }, 'it runs on there, and a worker there has to look'],
    [
      'docker_container',
      {
        check: () =>
          Promise.reject(new TargetAwayError({ code: 'engine_away', message: 'no engine' })),
      },
      'no engine',
    ],
    ['local_service', { check: () => Promise.reject(new Error('defect')) }, 'defect'],
  ])('knows nothing of a %s with %j', async (type, more, message) => {
    expect(await look(type, more)).toEqual({ ok: null, code: 'not_askable', message });
  });
});
