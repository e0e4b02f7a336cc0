import type { Principal } from '../auth/principals/principal.js';
import { standIn } from '../../test/support/stand-in.js';
import type { SuspendedWaits } from './approvals/suspended-waits.js';
import type { DeploymentApprovals } from './approvals/deployment-approvals.js';
import { DeploymentsService } from './deployments.service.js';
import type { DirectDeployments } from './direct/direct-deployments.js';
import type { Promotions } from './promotions.js';
import type {
  ContainerSettings,
  Deployment,
  Release,
  ReleasedPartRef,
  ReleaseStatus,
  Service,
} from './record/deployment.js';
import { MemoryDeploymentStore } from './record/memory-deployment-store.fixture.js';
import type { Reason } from '../engine/plan/run-state.js';
import type { ReleaseEnvironments } from './running/release-environments.js';
import { Rollbacks } from './rollbacks.js';
import type { DeploymentGate } from './running/approval-gate.js';

const SERVICE = 'default/shop';

const ofPart = ({ service_id: part }: ReleasedPartRef): Reason => ({
  ...{ code: 'environment_differs', message: `${part}: A is different today` },
});

describe('DeploymentsService', () => {
  let store: MemoryDeploymentStore;
  let deployments: DeploymentsService;
  let looked: string[];
  let told: Reason[];

  beforeEach(() => {
    looked = [];
    store = new MemoryDeploymentStore();
    told = [];
    const gate = standIn<DeploymentGate>({ deployerRefusal: () => Promise.resolve(undefined) });
    const environments = standIn<ReleaseEnvironments>({
      warnings: () => Promise.resolve(told),
      ofParts: (unit) => Promise.resolve((unit.parts ?? []).map(ofPart)),
    });
    deployments = new DeploymentsService(
      store,
      standIn<DeploymentApprovals>({ viewOf: () => Promise.resolve(undefined) }),
      standIn<DirectDeployments>({}),
      standIn<Promotions>({}),
      new Rollbacks(store, gate, environments),
      standIn<SuspendedWaits>({ lookAt: async ({ _id }) => void looked.push(_id) }),
    );
    store.deployments.set('d', {
      ...{ _id: 'd', request_key: 'd', service_id: SERVICE, environment: 'default' },
    } as Deployment);
    store.serviceRecords.set(SERVICE, {
      ...{ _id: SERVICE, name: 'shop', environment: 'default', place: 'p', release_id: 'r3' },
    } as Service);
  });

  const release = (
    number: number,
    status: ReleaseStatus,
    more: Partial<ContainerSettings> = {},
  ): void => {
    const own = { variables: `v${number}`, secrets: [`S${number}`], published: {}, ...more };
    const settings = { type: 'docker_container', service_id: SERVICE, ...own };
    store.releases.set(`r${number}`, {
      ...{ _id: `r${number}`, service_id: SERVICE, number, status, settings },
    } as Release);
  };
  const BY = { id: 'ada' } as Principal;
  const rollback = async (number?: number): Promise<number | undefined> => {
    const view = await deployments.rollback('d', { number, currentEnvironment: false }, BY);
    return view.release?.number;
  };
  const withToday = async (): Promise<Deployment> => {
    const asked = { number: undefined, currentEnvironment: true };
    return (await deployments.rollback('d', asked, BY)).deployment;
  };

  it('goes back to what served before, also while that drains', async () => {
    release(1, 'kept');
    release(2, 'draining');
    release(3, 'serving');
    expect(await rollback()).toBe(2);
    expect(await rollback(2)).toBe(2);
    expect(await rollback(1)).toBe(1);
    await expect(rollback(3)).rejects.toThrow('Release 3 serves already.');
  });

  it('copies a release that is to have the variables and secrets of today', async () => {
    release(2, 'kept');
    release(3, 'serving');
    expect(await withToday()).toMatchObject({
      ...{ kind: 'rollback', release_id: null, source_release_id: 'r2' },
      settings: { variables: 'v3', secrets: ['S3'] },
      warnings: [{ code: 'current_environment', data: { release: 2, of: 3 } }],
    });
    release(3, 'serving', { secrets: undefined });
    expect((await withToday()).settings).not.toHaveProperty('secrets');
    const taken = [{ name: 'S3', secret_id: 'global:S3', set_at: new Date(7) }];
    release(3, 'serving', { taken });
    expect((await withToday()).settings).toMatchObject({ taken });
    release(2, 'kept', { taken });
    release(3, 'serving');
    expect((await withToday()).settings).not.toHaveProperty('taken');
    release(2, 'kept', { type: 'local_directory' } as object);
    await expect(withToday()).rejects.toThrow('it has no variables');
    release(2, 'kept', { type: 'hybrid' } as object);
    await expect(withToday()).rejects.toThrow('A unit goes back');
  });

  it('says before what a rollback would do', async () => {
    told = [{ code: 'environment_differs', message: 'TOKEN is different today' }];
    release(1, 'kept');
    release(2, 'kept');
    release(3, 'serving');
    const planned = { release: { number: 2 }, serving: { number: 3 }, warnings: told };
    expect(await deployments.planRollback('d', undefined)).toMatchObject(planned);
    expect(await deployments.planRollback('d', 1)).toMatchObject({ release: { number: 1 } });
    await expect(deployments.planRollback('d', 3)).rejects.toThrow('serves already');
    expect(store.deployments.size).toBe(1);
  });

  it('says before what is different of the parts of a unit', async () => {
    release(2, 'kept', { type: 'hybrid' } as object);
    const unit = store.releases.get('r2') as Release;
    const parts = [{ service_id: 'default/api', release_id: 'api-1' }];
    store.releases.set('r2', { ...unit, parts });
    release(3, 'serving');
    expect(await deployments.planRollback('d', undefined)).toMatchObject({
      warnings: [{ message: 'default/api: A is different today' }],
    });
  });

  it('lets whoever waits with it hear that it is cancelled', async () => {
    const waiting = { ...store.deployments.get('d'), status: 'waiting', phase: null };
    store.deployments.set('d', waiting as Deployment);
    await deployments.cancel('d', 'ada');
    expect(store.deployments.get('d')?.cancel_requested_by).toBe('ada');
    expect(looked).toEqual(['d']);
  });

  it('ends at once what no worker has taken, and lets a worker end what it has', async () => {
    const pending = { ...store.deployments.get('d'), status: 'pending', phase: null, fence: 0 };
    store.deployments.set('d', { ...pending, worker_id: null } as Deployment);
    const { deployment } = await deployments.cancel('d', 'ada');
    expect(deployment).toMatchObject({
      ...{ status: 'cancelled', reason: { code: 'cancelled', data: { by: 'ada' } } },
    });
    expect(deployment.finished_at).toBeInstanceOf(Date);
    await expect(deployments.cancel('d', 'ada')).rejects.toThrow('The deployment is over.');
    // Taken between the look and the end.
    store.deployments.set('d', { ...pending, worker_id: null } as Deployment);
    const change = store.change.bind(store);
    store.change = async (hold, what) => {
      await store.take({ _id: 'd', fence: 0 }, 'w');
      return change(hold, what);
    };
    const taken = await deployments.cancel('d', 'ada');
    expect(taken.deployment).toMatchObject({ status: 'pending', cancel_requested_by: 'ada' });
  });

  it('says 409 to a cancel once it has switched, or is over', async () => {
    const running = { ...store.deployments.get('d'), status: 'running' };
    for (const phase of ['switch', 'clean_up']) {
      store.deployments.set('d', { ...running, phase } as Deployment);
      await expect(deployments.cancel('d', 'ada')).rejects.toMatchObject({
        ...{
          status: 409,
          message: 'The deployment has switched: what serves now is not taken back.',
        },
      });
    }
    store.deployments.set('d', { ...running, status: 'success', phase: 'clean_up' } as Deployment);
    await expect(deployments.cancel('d', 'ada')).rejects.toThrow('The deployment is over.');
    expect(looked).toEqual([]);
  });

  it('explains a deployment by what serves now, and by what it copies', async () => {
    release(1, 'kept');
    release(2, 'draining');
    release(3, 'serving');
    const names = { release_id: 'r2', previous_release_id: 'r1', source_release_id: 'r1' };
    store.deployments.set('e', { ...store.deployments.get('d'), ...names, _id: 'e' } as Deployment);
    expect(await deployments.explain('e')).toMatchObject({
      ...{ release: { number: 2 }, previous: { number: 1 }, source: { number: 1 } },
      ...{ serving: { number: 3 }, given: [] },
    });
    await expect(deployments.explain('none')).rejects.toThrow('none');
  });

  it('goes back to nothing that was removed or has never served', async () => {
    release(1, 'removed');
    release(2, 'failed');
    release(3, 'serving');
    await expect(rollback()).rejects.toThrow('is kept');
    await expect(rollback(1)).rejects.toThrow('Release 1 is not kept any more.');
  });

  describe('of a unit', () => {
    beforeEach(() => {
      const unit = { service_id: SERVICE, deployment_id: 'd' };
      const at = { environment: 'default', status: 'running', phase: 'prepare' } as const;
      for (const name of ['api', 'web']) {
        store.deployments.set(name, {
          ...{ ...at, _id: name, service: name, service_id: `default/${name}`, unit },
          release_id: `r-${name}`,
        } as Deployment);
        store.releases.set(`r-${name}`, { _id: `r-${name}`, number: 7 } as Release);
        store.serviceRecords.set(`default/${name}`, {
          ...{ _id: `default/${name}`, name, environment: 'default', unit: SERVICE },
        } as Service);
      }
      store.deployments.set('d', {
        ...{ ...at, _id: 'd', service_id: SERVICE, type: 'hybrid' },
        parts: [
          { service_id: 'default/web', deployment_id: 'web' },
          { service_id: 'default/api', deployment_id: 'api' },
          { service_id: 'default/soon', deployment_id: 'soon' },
        ],
      } as unknown as Deployment);
    });

    it('shows the parts that have begun, in their order', async () => {
      const { parts } = await deployments.get('d');
      expect(parts.map((part) => [part.deployment._id, part.release?.number])).toEqual([
        ['web', 7],
        ['api', 7],
      ]);
    });

    it('cancels it, and no part of it alone; nor does a part go back alone', async () => {
      await expect(deployments.cancel('api', 'ada')).rejects.toThrow('part of the deployment d');
      const back = deployments.rollback('api', { number: 1, currentEnvironment: false }, BY);
      await expect(back).rejects.toThrow('is a part of default/shop');
      await deployments.cancel('d', 'ada');
      expect(store.deployments.get('api')?.cancel_requested_by).toBeUndefined();
      expect(store.deployments.get('d')?.cancel_requested_by).toBe('ada');
    });
  });
});
