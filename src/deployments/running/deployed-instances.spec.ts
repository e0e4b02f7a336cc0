import { standIn } from '../../../test/support/stand-in.js';
import type { InstanceTarget } from '../../service-registry/probing/prober.js';
import type { DeploymentStore } from '../record/deployment-store.js';
import { TargetAwayError } from '../targets/deploy-target.js';
import type { RoutedTargets } from '../targets/routed-targets.js';
import { DeployedInstances } from './deployed-instances.js';
import { DeployedLogs } from './deployed-logs.js';

const CHECK = {
  name: 'ready',
  type: 'exec',
  command: ['true'],
  intervalMs: 9,
  timeoutMs: 5,
} as const;
const TARGET: InstanceTarget = { service: 'default/shop', host: 'here', check: CHECK };

interface Known {
  readonly release?: string;
  readonly host?: string;
  readonly instance?: number;
}

/** A record with one release. */
const storeWith = (
  type: string,
  { release = 'r', host = 'here', instance = 0 }: Known,
): DeploymentStore => {
  const settings = { type, ...(type === 'local_directory' ? {} : { published: {} }) };
  return standIn<DeploymentStore>({
    service: () => Promise.resolve({ release_id: release === '' ? null : release } as never),
    release: () => Promise.resolve({ number: 4, instance, host, settings } as never),
  });
};

describe('DeployedInstances', () => {
  const look = (
    type: string,
    {
      check = (_release: unknown) => Promise.resolve({ ok: true }),
      ...known
    }: Known & { readonly check?: (release: unknown) => Promise<unknown> } = {},
  ) => {
    const targets = { of: () => ({ check }) } as unknown as RoutedTargets;
    return new DeployedInstances(storeWith(type, known), targets, 'here').look(TARGET);
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

describe('DeployedLogs', () => {
  const last = (lastLines: () => Promise<readonly string[]>, known: Known = {}) => {
    const targets = { of: () => ({ lastLines }) } as unknown as RoutedTargets;
    const logs = new DeployedLogs(storeWith('local_service', known), targets, 'here');
    return logs.last('default/shop', 20);
  };

  it('reads what the instance that serves has said', async () => {
    expect(await last(() => Promise.resolve(['it listens']))).toEqual({
      ...{ kind: 'log', log: { release: 4, lines: ['it listens'] } },
    });
  });

  it('says why nothing can be read', async () => {
    const none = await last(() => Promise.resolve([]), { release: '' });
    expect(none).toMatchObject({ kind: 'none', reason: { message: 'nothing of it serves' } });
    const away = new TargetAwayError({ code: 'engine_away', message: 'no engine' });
    expect(await last(() => Promise.reject(away))).toMatchObject({ reason: away.reason });
    await expect(last(() => Promise.reject(new Error('defect')))).rejects.toThrow('defect');
  });
});
