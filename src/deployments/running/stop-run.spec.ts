import { uuidV7 } from '../../common/ids/uuid.js';
import type { Deployment, Release, Service, ServiceSettings } from '../record/deployment.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import { instanceDeployment } from '../record/restart.js';
import { type ReleaseRunner, TargetAwayError } from '../targets/deploy-target.js';
import { Killed, MemoryTarget } from './memory-target.fixture.js';
import { StopRun } from './stop-run.js';

const SERVICE = 'default/shop';
const SETTINGS = { type: 'local_service', service_id: SERVICE } as unknown as ServiceSettings;
const DRAIN_MS = 400;

describe('StopRun', () => {
  let store: MemoryDeploymentStore;
  let target: MemoryTarget;
  let calls: string[];
  let now: number;

  const release = (): Release => {
    const found = store.releases.get('r2');
    if (found === undefined) throw new Error('it is there');
    return found;
  };
  const service = (): Service => {
    const found = store.serviceRecords.get(SERVICE);
    if (found === undefined) throw new Error('it is there');
    return found;
  };

  beforeEach(() => {
    store = new MemoryDeploymentStore();
    target = new MemoryTarget();
    calls = [];
    now = 1_000_000;
    const step = (what: string) => (): Promise<void> => {
      target.fails.get(what)?.();
      calls.push(what);
      return Promise.resolve();
    };
    target.runner = {
      ...{ closed: step('closed'), stop: step('stop'), drainMs: () => DRAIN_MS },
    } as unknown as ReleaseRunner;
    store.releases.set('r2', {
      ...{ _id: 'r2', service_id: SERVICE, environment: 'default', service: 'shop', number: 2 },
      ...{ type: 'local_service', host: 'h', status: 'serving', settings: SETTINGS },
      watch_until: new Date(now + 60_000),
    } as Release);
    store.serviceRecords.set(SERVICE, {
      ...{ _id: SERVICE, environment: 'default', name: 'shop', host: 'h', turns: 2 },
      ...{ service_type: 'local_service', release_id: 'r2', deployment_id: 'd2' },
      ...{ status: 'running', active: null, unit: null },
    } as Service);
  });

  const accept = (): Promise<Deployment> =>
    store.accept(instanceDeployment('stop', release(), 'ada', 'a new disk'), service());
  const run = async (
    { _id }: Pick<Deployment, '_id'>,
    signal = new AbortController().signal,
    atOnce = true,
  ): Promise<Deployment> => {
    const seen = await store.find(_id);
    const taken = seen && (await store.take(seen, 'w'));
    if (taken === undefined) throw new Error('it is over');
    // Every look at the clock takes a while.
    const clock = (): Date => new Date(atOnce ? (now += 100) : now);
    const tools = { store, host: 'h', targetOf: () => target, now: clock };
    return new StopRun(taken, tools, { signal }).run();
  };

  it('says so first, lets end what has begun, and ends the instance', async () => {
    const ended = await run(await accept());
    expect(ended).toMatchObject({
      ...{ status: 'success', reason: { code: 'service_stopped' }, previous_release_id: 'r2' },
    });
    expect(ended.reason?.message).toBe('default/shop is stopped by ada: a new disk');
    expect(calls).toEqual(['closed', 'stop']);
    const stopped = { deployment_id: ended._id, by: 'ada', message: 'a new disk' };
    expect(service()).toMatchObject({
      ...{ status: 'stopped', release_id: 'r2', deployment_id: 'd2', active: null, stopped },
    });
    expect(release()).toMatchObject({ status: 'kept', drain_until: null, watch_until: null });
  });

  it('ends the oldest of three that drain already, and says so', async () => {
    for (const number of [3, 4, 5]) {
      store.releases.set(`r${number}`, {
        ...{ ...release(), _id: `r${number}`, number, status: 'draining' },
        drains_since: new Date(now - number),
        drain_until: new Date(now + 60_000),
      });
    }
    const { status, warnings } = await run(await accept());
    expect([status, warnings.map(({ code, data }) => [code, data])]).toEqual([
      ...['success', [['drain_cut', { release: 5 }]]],
    ]);
    const left = ['r3', 'r4', 'r5'].map((id) => store.releases.get(id)?.status);
    expect(left).toEqual(['draining', 'draining', 'kept']);
  });

  it.each(['closed', 'stop'])('is finished by the next worker: lost at %s', async (what) => {
    const asked = await accept();
    target.fails.set(what, () => {
      throw new Killed();
    });
    await expect(run(asked)).rejects.toThrow(Killed);
    expect(service()).toMatchObject({ status: 'stopped', active: asked._id });
    target.fails.clear();
    expect((await run(asked)).status).toBe('success');
    expect(calls).toEqual(['closed', 'stop']);
    expect([service().active, release().status]).toEqual([null, 'kept']);
  });

  it('waits for what is away, and is not undone by what goes wrong', async () => {
    const asked = await accept();
    target.fails.set('stop', () => {
      throw new TargetAwayError({ code: 'engine_away', message: 'away' });
    });
    await expect(run(asked)).rejects.toThrow(TargetAwayError);
    target.fails.set('stop', () => {
      throw new Error('the disk is full');
    });
    expect(await run(asked)).toMatchObject({
      ...{ status: 'success', warnings: [{ code: 'instance_left' }] },
    });
    // The upkeep ends what drains no more.
    expect(release().status).toBe('draining');
  });

  it('ends early where somebody waits for the service, and leaves the rest its drain', async () => {
    const asked = await accept();
    await store.accept(instanceDeployment('start', release(), 'ada'), service());
    expect((await run(asked, undefined, false)).status).toBe('success');
    expect(calls).toEqual(['closed']);
    expect(release()).toMatchObject({ status: 'draining', drain_until: new Date(now + DRAIN_MS) });
  });

  it('is left to the next process where this one ends', async () => {
    const asked = await accept();
    const ends = new AbortController();
    target.fails.set('closed', () => ends.abort());
    expect((await run(asked, ends.signal, false)).status).toBe('running');
    expect(service()).toMatchObject({ status: 'stopped', active: asked._id });
    expect((await run(asked)).status).toBe('success');
    expect(calls).toEqual(['closed', 'stop']);
  });

  it('has nothing to do where it is stopped, or nothing serves', async () => {
    await run(await accept());
    const before = service().stopped;
    const again = await run(await accept());
    expect(again).toMatchObject({ status: 'success', reason: { code: 'stopped_already' } });
    expect(service().stopped).toEqual(before);
    store.serviceRecords.set(SERVICE, { ...service(), release_id: null, stopped: null });
    expect(await run(await accept())).toMatchObject({ reason: { code: 'nothing_serves' } });
    expect(calls).toEqual(['closed', 'stop']);
  });

  it('stops what serves by its turn, and nothing where it is cancelled before', async () => {
    const asked = await accept();
    store.releases.set('r3', { ...release(), _id: 'r3', number: 3 });
    store.serviceRecords.set(SERVICE, { ...service(), release_id: 'r3' });
    expect(await run(asked)).toMatchObject({ release_id: 'r3' });
    expect([release().status, store.releases.get('r3')?.status]).toEqual(['serving', 'kept']);
    store.serviceRecords.set(SERVICE, { ...service(), stopped: null, status: 'running' });
    const other = await accept();
    await store.requestCancel(other._id, uuidV7());
    expect((await run(other)).status).toBe('cancelled');
    expect(service().status).toBe('running');
    const late = await accept();
    const enter = store.enterSwitch.bind(store);
    store.enterSwitch = async (hold, change) => {
      await store.requestCancel(late._id, 'ada');
      return enter(hold, change);
    };
    expect((await run(late)).status).toBe('cancelled');
    expect(service().status).toBe('running');
  });
});
