import type { DeploymentType } from '../../engine/steps/deploy/deploy-action.js';
import type { Deployment, Release, Service, TargetSettings } from '../record/deployment.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import { type InstanceDeployment, instanceDeployment } from '../record/restart.js';
import { DeployRefusedError } from '../targets/deploy-target.js';
import { InstanceTarget } from './instance-target.fixture.js';
import { Killed } from './memory-target.fixture.js';
import { UnitInstancesRun } from './unit-instances-run.js';

const UNIT = 'default/shop';
/** Each behind those that it needs. */
const PARTS = ['db', 'files', 'web'];

describe('UnitInstancesRun', () => {
  let store: MemoryDeploymentStore;
  let targets: Map<string, InstanceTarget>;
  let now: number;

  const typeOf = (name: string): DeploymentType =>
    name === 'files' ? 'local_directory' : 'local_service';
  const target = (name: string): InstanceTarget => {
    const found = targets.get(name);
    if (found === undefined) throw new Error(`there is no part ${name}`);
    return found;
  };
  const settingsOf = (name: string): TargetSettings =>
    ({ type: typeOf(name), service_id: `default/${name}`, keep: 2 }) as unknown as TargetSettings;
  const record = (name: string, type: DeploymentType, more: Partial<Release>): void => {
    const at = { environment: 'default', host: 'h' };
    store.releases.set(name, {
      ...{ ...at, _id: name, service_id: `default/${name}`, service: name, type, number: 1 },
      ...{ status: 'serving', digest: 'sha256:text', ...more },
    } as Release);
    store.serviceRecords.set(`default/${name}`, {
      ...{ ...at, _id: `default/${name}`, name, service_type: type, release_id: name },
      ...{ place: `h:default/${name}`, status: 'running', active: null, turns: 0 },
      unit: type === 'hybrid' ? null : UNIT,
    } as Service);
  };

  beforeEach(() => {
    store = new MemoryDeploymentStore();
    now = 1_000_000;
    targets = new Map(PARTS.map((name) => [name, new InstanceTarget()]));
    for (const name of PARTS) {
      record(name, typeOf(name), { settings: settingsOf(name) });
      target(name).placed.set(1, 'text');
      target(name).current = 1;
    }
    const parts = PARTS.map((name) => ({ service_id: `default/${name}`, release_id: name }));
    record('shop', 'hybrid', { parts, settings: { type: 'hybrid', keep: 2, parts: [] } });
  });

  const service = (name: string): Service => {
    const found = store.serviceRecords.get(`default/${name}`);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  };
  const ask = (kind: InstanceDeployment): Promise<Deployment> => {
    const release = store.releases.get('shop');
    if (release === undefined) throw new Error('it is there');
    return store.accept(instanceDeployment(kind, release, 'ada', 'a new disk'), service('shop'));
  };
  const run = async ({ _id }: Deployment, ends = new AbortController()): Promise<Deployment> => {
    const seen = await store.find(_id);
    const taken = seen && (await store.take(seen, 'w'));
    if (taken?.settings.type !== 'hybrid') throw new Error('it is over');
    const tools = {
      ...{ store, host: 'h', now: () => new Date((now += 3_000)) },
      targetOf: (of: TargetSettings) => target((of as { service_id: string }).service_id.slice(8)),
    };
    const { settings, kind } = taken;
    if (kind !== 'stop' && kind !== 'start' && kind !== 'restart') throw new Error(kind);
    const own = { ...taken, settings, kind };
    return new UnitInstancesRun(own, tools, { signal: ends.signal }).run();
  };
  const running = (): readonly (readonly number[])[] =>
    ['db', 'web'].map((name) => [...target(name).running]);
  const partsOf = (deployment: Deployment): readonly unknown[] =>
    (deployment.parts ?? []).map(({ deployment_id: id, service_id }) => [
      ...[service_id, store.deployments.get(id)?.status],
    ]);

  it('stops its parts that run, the first ones last, and starts them again', async () => {
    const stop = await run(await ask('stop'));
    expect(stop).toMatchObject({ status: 'success', reason: { code: 'service_stopped' } });
    expect(partsOf(stop)).toEqual([
      ['default/web', 'success'],
      ['default/db', 'success'],
    ]);
    expect(running()).toEqual([[], []]);
    const stopped = { by: 'ada', message: 'a new disk' };
    for (const name of ['shop', 'db', 'web']) {
      expect(service(name)).toMatchObject({ status: 'stopped', stopped, active: null });
    }
    expect(service('files')).toMatchObject({ status: 'running' });
    expect(await run(await ask('restart'))).toMatchObject({ reason: { code: 'is_stopped' } });

    const start = await run(await ask('start'));
    expect(start).toMatchObject({ status: 'success', reason: { code: 'parts_serve' } });
    expect(partsOf(start).map(String)).toEqual(['default/db,success', 'default/web,success']);
    expect(running()).toEqual([[1], [1]]);
    for (const name of ['shop', 'db', 'web']) {
      expect(service(name)).toMatchObject({ status: 'running', stopped: null });
    }
  });

  it('restarts them, but for those that were stopped by themselves', async () => {
    const stopped = { deployment_id: 'd', by: 'eve', at: new Date(0), message: null };
    store.serviceRecords.set('default/db', { ...service('db'), stopped });
    const restart = await run(await ask('restart'));
    expect([restart.status, partsOf(restart)]).toEqual(['success', [['default/web', 'success']]]);
    expect([target('web').serves, service('db').stopped]).toEqual([1, stopped]);
  });

  it('has nothing to do in a unit of folders', async () => {
    const shop = store.releases.get('shop');
    const parts = [{ service_id: 'default/files', release_id: 'files' }];
    if (shop) store.releases.set('shop', { ...shop, parts });
    expect(await run(await ask('stop'))).toMatchObject({ reason: { code: 'nothing_runs' } });
    expect(service('shop')).toMatchObject({ status: 'running', active: null });
  });

  it('says which part does not start, and leaves those behind it as they are', async () => {
    await run(await ask('stop'));
    target('db').fails.set('gate', () => {
      throw new DeployRefusedError({ code: 'gate_failed', message: 'GET / answers 500' });
    });
    const start = await run(await ask('start'));
    expect(start).toMatchObject({
      ...{ status: 'failed', reason: { code: 'part_not_done', data: { part: 'default/db' } } },
    });
    expect([running(), service('shop').status, service('web').status]).toEqual([
      ...[[[], []], 'stopped', 'stopped'],
    ]);
  });

  it.each(['closed', 'stop'])('is finished by the next worker: lost at %s', async (what) => {
    const stop = await ask('stop');
    target('db').fails.set(what, () => {
      throw new Killed();
    });
    await expect(run(stop)).rejects.toThrow(Killed);
    expect([service('shop').status, service('web').status]).toEqual(['running', 'stopped']);
    target('db').fails.clear();
    const ended = await run(stop);
    expect([ended.status, running(), service('shop').status]).toEqual([
      ...['success', [[], []], 'stopped'],
    ]);
    expect(store.deployments.size).toBe(3);
  });

  it('is left to the next process where this one ends', async () => {
    const stop = await ask('stop');
    const ends = new AbortController();
    target('web').fails.set('closed', () => ends.abort());
    expect((await run(stop, ends)).status).toBe('running');
    expect((await run(stop)).status).toBe('success');
    expect(running()).toEqual([[], []]);
  });
});
