import type { Deployment, Release, Service, ServiceSettings } from '../record/deployment.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import { type InstanceDeployment, instanceDeployment, restartOf } from '../record/restart.js';
import { DeployRefusedError } from '../targets/deploy-target.js';
import { RestartRun } from './restart-run.js';
import { InstanceTarget } from './instance-target.fixture.js';
import { Killed } from './memory-target.fixture.js';

const SETTINGS = {
  ...{ type: 'local_service', service_id: 'default/shop', keep: 5 },
  before_switch: 'migrate',
} as unknown as ServiceSettings;

describe('a restart', () => {
  let store: MemoryDeploymentStore;
  let target: InstanceTarget;
  let now: number;
  const signal = new AbortController().signal;
  const release = (): Release => {
    const found = store.releases.get('r2');
    if (found === undefined) throw new Error('it is there');
    return found;
  };

  beforeEach(() => {
    now = 1_000_000;
    store = new MemoryDeploymentStore();
    target = new InstanceTarget();
    target.placed.set(2, 'two');
    target.current = 2;
    store.releases.set('r2', {
      ...{ _id: 'r2', service_id: 'default/shop', environment: 'default', service: 'shop' },
      ...{ type: 'local_service', host: 'h', number: 2, status: 'serving', settings: SETTINGS },
      ...{ digest: 'sha256:two', served_at: new Date(0), dated_by: 'x', commit: 'c' },
    } as Release);
    store.serviceRecords.set('default/shop', {
      ...{ _id: 'default/shop', environment: 'default', name: 'shop', host: 'h', turns: 2 },
      ...{ service_type: 'local_service', place: 'h:default/shop', release_id: 'r2' },
      ...{ deployment_id: 'd2', status: 'running', active: null, unit: null },
    } as Service);
  });

  const accept = (): Promise<Deployment> => {
    const service = store.serviceRecords.get('default/shop');
    if (service === undefined) throw new Error('it is there');
    return store.accept(restartOf(release(), 'system'), service);
  };
  const run = async ({ _id }: Pick<Deployment, '_id'>): Promise<Deployment> => {
    const seen = await store.find(_id);
    const taken = seen && (await store.take(seen, 'w'));
    if (taken === undefined) throw new Error('it is over');
    const tools = { store, host: 'h', targetOf: () => target, now: () => new Date(now) };
    return new RestartRun(taken, tools, { signal }).run();
  };
  const seen = (): unknown => ({
    ...{ running: [...target.running], serves: target.serves, instance: release().instance ?? 0 },
    ...{ status: release().status, active: store.serviceRecords.get('default/shop')?.active },
  });

  it('starts another instance beside the one that serves, switches, and ends that', async () => {
    const ended = await run(await accept());
    expect(ended).toMatchObject({ status: 'success', reason: { code: 'instance_restarted' } });
    expect(ended.phases.map(({ name }) => name)).toEqual([
      ...['plan', 'start', 'gate', 'switch', 'clean_up'],
    ]);
    expect(seen()).toEqual({
      ...{ running: [1], serves: 1, instance: 1, status: 'serving', active: null },
    });
    expect(release().watch_until).toBeUndefined();
    expect(store.serviceRecords.get('default/shop')).toMatchObject({ deployment_id: 'd2' });
    await run(await accept());
    expect(seen()).toMatchObject({ running: [2], serves: 2, instance: 2 });
  });

  it('leaves the one that serves alone where the other does not pass its gate', async () => {
    target.fails.set('gate', () => {
      throw new DeployRefusedError({ code: 'gate_failed', message: 'GET / answers 500' });
    });
    const ended = await run(await accept());
    expect(ended).toMatchObject({ status: 'failed', reason: { code: 'gate_failed' } });
    expect(seen()).toEqual({
      ...{ running: [0], serves: 0, instance: 0, status: 'serving', active: null },
    });
  });

  it.each([
    ['start', 0],
    ['gate', 0],
    ['arm', 0],
    ['switchTo', 0],
    ['switched', 1],
    ['stop', 0],
  ])('is all there or not at all when it is killed at %s', async (point, instance) => {
    const asked = await accept();
    target.fails.set(point, () => {
      throw new Killed();
    });
    await expect(run(asked)).rejects.toThrow(Killed);
    target.fails.clear();
    const ended = await run(asked);
    expect(ended.status).toBe(instance === 1 ? 'success' : 'failed');
    expect(seen()).toEqual({
      ...{ running: [instance], serves: instance, instance, status: 'serving', active: null },
    });
  });

  it('is not done to another release, nor where nothing serves any more', async () => {
    const asked = await accept();
    const service = store.serviceRecords.get('default/shop');
    if (service) store.serviceRecords.set('default/shop', { ...service, release_id: 'r3' });
    expect(await run(asked)).toMatchObject({ status: 'cancelled', reason: { code: 'overtaken' } });
    expect(seen()).toMatchObject({ running: [0], serves: 0 });
  });

  it('is done to a part of a unit', async () => {
    const service = store.serviceRecords.get('default/shop');
    if (service) store.serviceRecords.set('default/shop', { ...service, unit: 'default/all' });
    expect(await run(await accept())).toMatchObject({ status: 'success' });
  });

  describe('that somebody asks for', () => {
    const asked = (kind: InstanceDeployment): Promise<Deployment> => {
      const service = store.serviceRecords.get('default/shop');
      if (service === undefined) throw new Error('it is there');
      return store.accept(instanceDeployment(kind, release(), 'ada'), service);
    };
    const change = (more: Partial<Service>): void => {
      const service = store.serviceRecords.get('default/shop');
      if (service) store.serviceRecords.set('default/shop', { ...service, ...more });
    };
    const stopped = { deployment_id: 's', by: 'ada', at: new Date(0), message: null };
    const stop = (status: Release['status'], until: number | null): void => {
      change({ status: 'stopped', stopped });
      const drain_until = until === null ? null : new Date(until);
      store.releases.set('r2', { ...release(), status, drain_until });
      target.current = undefined;
      target.serves = undefined;
      if (status === 'kept') target.running.clear();
    };

    it('leaves the one before its drain, also where it was written twice', async () => {
      const one = await asked('restart');
      jest.spyOn(store, 'changeRelease').mockImplementationOnce(async (...args) => {
        await store.changeRelease(...args);
        throw new Killed();
      });
      await expect(run(one)).rejects.toThrow(Killed);
      now += 2_000;
      expect(await run(one)).toMatchObject({ reason: { code: 'instance_replaced' } });
      expect(seen()).toMatchObject({ running: [0, 1], serves: 1, instance: 1, status: 'serving' });
      const drain = (instance: number, until: number) => ({ instance, until: new Date(until) });
      expect(release().draining_instances).toEqual([drain(0, 1_010_000)]);
      await run(await asked('restart'));
      expect(release().draining_instances).toEqual([drain(0, 1_010_000), drain(1, 1_012_000)]);
      expect((await run(await asked('restart'))).warnings).toEqual([]);
      const fourth = await run(await asked('restart'));
      const message = `instance 0 of release 2 ends before its drain is over (${new Date(1_010_000).toISOString()}): of a release at most 3 replaced instances drain at once, and the oldest ends first`;
      expect(fourth.warnings).toEqual([
        { code: 'drain_cut', message, data: { release: 2, instance: 0 } },
      ]);
      expect(release().draining_instances?.map(({ instance }) => instance)).toEqual([1, 2, 3]);
      now += 60_000;
      await run(await asked('restart'));
      expect(release().draining_instances).toHaveLength(1);
    });

    it('says once which drain it cuts off, whoever is killed in between', async () => {
      for (let count = 0; count < 3; count += 1) await run(await asked('restart'));
      const fourth = await asked('restart');
      jest.spyOn(store, 'changeRelease').mockImplementationOnce(() => {
        throw new Killed();
      });
      await expect(run(fourth)).rejects.toThrow(Killed);
      const { warnings } = await run(fourth);
      expect(warnings.map(({ code, data }) => [code, data])).toEqual([
        ['drain_cut', { release: 2, instance: 0 }],
      ]);
    });

    it('is not done to what is stopped, nor to another release', async () => {
      const one = await asked('restart');
      change({ stopped });
      expect(await run(one)).toMatchObject({ status: 'failed', reason: { code: 'is_stopped' } });
      const other = await asked('restart');
      change({ stopped: null, release_id: 'r3' });
      expect(await run(other)).toMatchObject({ reason: { code: 'other_serves' } });
      expect(seen()).toMatchObject({ running: [0], serves: 0 });
    });

    it('is not done by the system to what somebody has stopped', async () => {
      const one = await accept();
      change({ stopped });
      expect(await run(one)).toMatchObject({ status: 'cancelled', reason: { code: 'overtaken' } });
    });

    it('starts what is stopped, with another instance', async () => {
      stop('kept', null);
      const ended = await run(await asked('start'));
      expect(ended).toMatchObject({ status: 'success', reason: { code: 'service_started' } });
      expect(seen()).toMatchObject({ running: [1], serves: 1, instance: 1, status: 'serving' });
      expect(release()).toMatchObject({ draining_instances: [], drain_until: null });
      const service = store.serviceRecords.get('default/shop');
      // What it goes back to when it fails stays what it was.
      const same = { release_id: 'r2', deployment_id: 'd2' };
      expect(service).toMatchObject({ ...same, status: 'running', stopped: null });
      expect(await run(await asked('start'))).toMatchObject({
        ...{ status: 'success', reason: { code: 'not_stopped' } },
      });
    });

    it('starts what drains still beside it', async () => {
      stop('draining', now + 5_000);
      await run(await asked('start'));
      expect(seen()).toMatchObject({ running: [0, 1], serves: 1, status: 'serving' });
      expect(release().draining_instances).toEqual([{ instance: 0, until: new Date(now + 5_000) }]);
    });

    it('leaves it stopped where it does not pass its gate', async () => {
      stop('kept', null);
      target.fails.set('gate', () => {
        throw new DeployRefusedError({ code: 'gate_failed', message: 'GET / answers 500' });
      });
      expect(await run(await asked('start'))).toMatchObject({ reason: { code: 'gate_failed' } });
      expect(seen()).toMatchObject({
        running: [],
        serves: undefined,
        status: 'kept',
        active: null,
      });
      expect(store.serviceRecords.get('default/shop')).toMatchObject({ stopped });
    });
  });
});
