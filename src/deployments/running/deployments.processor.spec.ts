import { standIn } from '../../../test/support/stand-in.js';
import type { WorkerLease } from '../../workers/worker-lease.js';
import type { WorkersRepository } from '../../workers/workers.repository.js';
import type { Deployment, DeploymentStatus, Service } from '../record/deployment.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import { DeploymentsProcessor } from './deployments.processor.js';
import type { OwnDeployments } from './own-deployments.js';
import type { SuspendedDeployments } from './suspended-deployments.js';

describe('DeploymentsProcessor', () => {
  let store: MemoryDeploymentStore;
  let done: string[];
  let processor: DeploymentsProcessor;
  let suspended: string[];

  beforeEach(() => {
    suspended = [];
    store = new MemoryDeploymentStore();
    done = [];
    const own = standIn<OwnDeployments>({
      host: 'h',
      has: () => false,
      during: (_id, work) => work(),
      run: (deployment) => {
        done.push(deployment._id);
        store.deployments.set(deployment._id, { ...deployment, status: 'failed' });
        return Promise.resolve(deployment);
      },
    });
    processor = new DeploymentsProcessor(
      store,
      own,
      standIn<WorkersRepository>({ liveAmong: () => Promise.resolve(new Set(['live'])) }),
      standIn<WorkerLease>({ id: 'w', whenLost: () => undefined }),
      standIn<SuspendedDeployments>({
        endAbandoned: async (all) => void suspended.push(...all.map(({ _id }) => _id)),
      }),
    );
  });

  const put = (_id: string, more: Partial<Deployment> = {}): void => {
    store.deployments.set(_id, {
      ...{ _id, host: 'h', status: 'running', fence: 1, worker_id: 'gone', ...more },
    } as Deployment);
  };
  const round = async (): Promise<readonly string[]> => {
    done = [];
    await processor.round();
    await processor.beforeApplicationShutdown();
    return done.sort();
  };

  it('takes what a worker that is gone has left', async () => {
    put('left');
    put('asked-for', { worker_id: null });
    put('of-another', { worker_id: 'live' });
    put('over', { status: 'success' });
    expect(await round()).toEqual(['asked-for', 'left']);
  });

  it('leaves those to their executions that wait with them, of whichever host', async () => {
    put('suspended', { status: 'waiting', suspended_in: 1, host: 'another' });
    put('taken-again', { suspended_in: null });
    expect(await round()).toEqual(['taken-again']);
    expect(suspended).toEqual(['suspended']);
  });

  it('frees what is held by a deployment that is over, or gone', async () => {
    const held = (_id: string, active: string | null): void => {
      store.serviceRecords.set(_id, { _id, active, release_id: 'r' } as Service);
    };
    put('over', { status: 'success' });
    put('at-work', { worker_id: 'live' });
    held('default/ended', 'over');
    held('default/busy', 'at-work');
    held('default/lost', 'no-more');
    held('default/free', null);
    await round();
    expect([...store.serviceRecords.values()].map(({ _id, active }) => [_id, active])).toEqual([
      ['default/ended', null],
      ['default/busy', 'at-work'],
      ['default/lost', null],
      ['default/free', null],
    ]);
  });

  it.each<[DeploymentStatus, readonly string[]]>([
    ['running', ['unit']],
    ['failed', ['part']],
  ])('leaves parts to their unit while that is not over: %s', async (status, taken) => {
    put('unit', { status });
    // On a host that is reached by SSH: other hosts find the part, and not the unit.
    const unit = { service_id: 'default/unit', deployment_id: 'unit' };
    put('part', { unit, host: 'ssh://deploy@web:22' });
    expect(await round()).toEqual(taken);
  });
});
