import {
  ServiceContainers,
  type ServiceContainerSpec,
  type ServiceContainerState,
} from '../../integrations/container-runtime/service-containers.js';
import type { HeldLease } from '../../leases/held-lease.js';
import type { Leases } from '../../leases/leases.js';
import { standIn } from '../../../test/support/stand-in.js';
import type { Release, ReleaseStatus, Service } from '../record/deployment.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import type { ReleaseRunner } from '../targets/deploy-target.js';
import { containerName } from '../targets/docker-container/docker-container.target.js';
import { ContainerUpkeep } from './container-upkeep.js';

const SERVICE = 'default/shop';
const NOW = 1_000_000;
const name = (number: number): string => containerName(SERVICE, number);

class KeptContainers extends ServiceContainers {
  readonly all = new Map<string, ServiceContainerState['state']>();
  readonly calls: string[] = [];
  keepImage = (): Promise<number> => Promise.resolve(1);
  keptImage = (): Promise<undefined> => Promise.resolve(undefined);
  dropImage = (): Promise<void> => Promise.resolve();
  said = (): Promise<string> => Promise.resolve('');
  start({ name: one }: ServiceContainerSpec): Promise<void> {
    this.all.set(one, 'running');
    return Promise.resolve();
  }
  look(one: string): Promise<ServiceContainerState | undefined> {
    const state = this.all.get(one);
    const startedAt = new Date(NOW);
    return Promise.resolve(state && { state, exitCode: 1, outOfMemory: false, startedAt });
  }
  remove(one: string): Promise<void> {
    this.calls.push(`remove ${one}`);
    this.all.delete(one);
    return Promise.resolve();
  }
  list(): Promise<readonly string[]> {
    return Promise.resolve([...this.all.keys()]);
  }
}

describe('ContainerUpkeep', () => {
  let store: MemoryDeploymentStore;
  let containers: KeptContainers;
  let upkeep: ContainerUpkeep;
  let isTaken: boolean;
  let problem: Error | undefined;

  beforeEach(() => {
    store = new MemoryDeploymentStore();
    containers = new KeptContainers();
    isTaken = false;
    problem = undefined;
    const runner = standIn<ReleaseRunner>({
      start: ({ number, service_id: service }) => {
        if (problem !== undefined && service === SERVICE) return Promise.reject(problem);
        containers.calls.push(`start ${number}`);
        containers.all.set(name(number), 'running');
        return Promise.resolve();
      },
      stop: ({ number }) => {
        containers.calls.push(`stop ${number}`);
        containers.all.delete(name(number));
        return Promise.resolve();
      },
    });
    const lease = standIn<HeldLease>({ release: () => Promise.resolve() });
    const take = (): Promise<HeldLease | undefined> => Promise.resolve(isTaken ? undefined : lease);
    const leases = standIn<Leases>({ take });
    upkeep = new ContainerUpkeep({ ...{ store, containers, runner, leases, host: 'here' } });
    serve('r1');
  });

  const serve = (releaseId: string | null, active: string | null = null): void => {
    store.serviceRecords.set(SERVICE, {
      ...{ _id: SERVICE, host: 'here', service_type: 'docker_container' },
      ...{ release_id: releaseId, active },
    } as Service);
  };
  const release = (number: number, status: ReleaseStatus, drainMs = 0): void => {
    store.releases.set(`r${number}`, {
      ...{ _id: `r${number}`, service_id: SERVICE, number, status },
      drain_until: status === 'draining' ? new Date(NOW + drainMs) : null,
    } as Release);
  };
  const run = (...numbers: readonly number[]): void => {
    for (const number of numbers) containers.all.set(name(number), 'running');
  };

  it('lets exactly those run that serve and drain', async () => {
    for (const [number, status] of [
      [1, 'serving'],
      [2, 'draining'],
      [3, 'kept'],
      [4, 'failed'],
    ] as const) {
      release(number, status, 5_000);
      run(number);
    }
    await upkeep.round(NOW);
    expect(containers.calls.sort()).toEqual(['stop 3', 'stop 4']);
  });

  it('ends a drain when its time is over, and the oldest of too many', async () => {
    release(1, 'serving');
    release(2, 'draining', -1);
    for (const [index, number] of [3, 4, 5, 6].entries()) {
      release(number, 'draining', 1_000 + index);
    }
    run(1, 2, 3, 4, 5, 6);
    await upkeep.round(NOW);
    expect(store.releases.get('r2')?.status).toBe('kept');
    expect(store.releases.get('r3')?.status).toBe('kept');
    expect(store.releases.get('r4')?.status).toBe('draining');
    await upkeep.round(NOW);
    expect(containers.calls.sort()).toEqual(['stop 2', 'stop 3']);
  });

  it('does not touch what is being deployed, be it kept or drained', async () => {
    release(1, 'serving');
    release(2, 'kept');
    run(1, 2);
    store.deployments.set('d', { _id: 'd', release_id: 'r2' } as never);
    serve('r1', 'd');
    await upkeep.round(NOW);
    release(2, 'draining', -1);
    await upkeep.round(NOW);
    expect(containers.calls).toEqual([]);
    expect(store.releases.get('r2')?.status).toBe('draining');
  });

  it('starts what serves again, with longer and longer pauses', async () => {
    release(1, 'serving');
    const starts: number[] = [];
    for (let second = 0; second < 20; second += 1) {
      containers.all.set(name(1), 'ended');
      const before = containers.calls.length;
      await upkeep.round(NOW + second * 1_000);
      if (containers.calls.length > before) starts.push(second);
    }
    expect(starts).toEqual([0, 1, 3, 7, 15]);
  });

  it('keeps the others where it cannot keep one', async () => {
    release(1, 'serving');
    const other = { ...store.serviceRecords.get(SERVICE), _id: 'default/tea', release_id: 't7' };
    store.serviceRecords.set('default/tea', other as Service);
    const tea = { _id: 't7', service_id: 'default/tea', number: 7, status: 'serving' };
    store.releases.set('t7', tea as Release);
    problem = new Error('its variables are not stored');
    containers.all.set(containerName('default/gone', 1), 'running');
    await upkeep.round(NOW);
    const gone = `remove ${containerName('default/gone', 1)}`;
    expect(containers.calls).toEqual(['start 7', gone]);
  });

  it('removes containers of services that are no more, and no others', async () => {
    release(1, 'serving');
    run(1);
    containers.all.set(containerName('default/gone', 1), 'running');
    await upkeep.round(NOW);
    expect(containers.calls).toEqual([`remove ${containerName('default/gone', 1)}`]);
  });

  it('does nothing while another process of the host does it', async () => {
    release(1, 'serving');
    isTaken = true;
    await upkeep.round(NOW);
    expect(containers.calls).toEqual([]);
  });
});
