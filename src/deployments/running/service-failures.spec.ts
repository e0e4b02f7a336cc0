import type { HeldLease } from '../../leases/held-lease.js';
import type { Leases } from '../../leases/leases.js';
import { standIn } from '../../../test/support/stand-in.js';
import type { OnFailure } from '../../engine/steps/deploy/deploy-action.js';
import type { ServiceStatus } from '../../service-registry/checks/service-status.js';
import { failureRecordId } from '../../service-registry/failures/failure-record.js';
import { MemoryFailureRecords } from '../../service-registry/failures/memory-failure-records.fixture.js';
import { begun } from '../../service-registry/record/maintenance.js';
import { MemoryServiceStore } from '../../service-registry/record/memory-service-store.fixture.js';
import { changeId } from '../../service-registry/record/watched-service.js';
import { newService } from '../../service-registry/record/watched-service.fixture.js';
import type { Deployment, Release, Service } from '../record/deployment.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import { ServiceFailures } from './service-failures.js';

const SERVICE = 'default/shop';
const NOW = 10_000_000;
const POLICY: OnFailure = {
  ...{ actions: ['restart', 'rollback'], max: 1, windowMs: 3_600_000, backoffMs: 1_000 },
};

describe('ServiceFailures', () => {
  let store: MemoryDeploymentStore;
  let watched: MemoryServiceStore;
  let records: MemoryFailureRecords;
  let now: number;

  const process = (): ServiceFailures => {
    // Every process has the turn: what is done once is so by the record.
    const lease = standIn<HeldLease>({ release: () => Promise.resolve() });
    const leases = standIn<Leases>({ take: () => Promise.resolve(lease) });
    return new ServiceFailures({ ...{ store, watched, records, leases, host: 'here' } });
  };
  const goes = async (status: ServiceStatus, seq: number): Promise<void> => {
    const reason = { code: 'endpoints_failed', message: 'all endpoints fail' };
    const health = { status, since: new Date(now), reason, endpoints: [], seq, fence: 1 };
    await watched.writeHealth(SERVICE, { health, outbox: [] });
  };
  /** When whoever looks began. */
  let beganAt: Date | undefined;
  const looks = async (): Promise<void> => {
    const shard = (await watched.find(SERVICE))?.shard ?? '';
    const seen = { fence: 1, observed_at: new Date(now), ...(beganAt && { began_at: beganAt }) };
    await watched.observed({ _id: shard, ...seen });
  };
  /** Until its checks have had the time to see what was done, and the backoff is over. */
  const later = async (ms = 120_000): Promise<void> => {
    now += ms;
    await looks();
  };
  const asked = (): readonly Deployment[] =>
    [...store.deployments.values()].filter(({ failed_release_id: id }) => id !== undefined);
  const kinds = (): readonly string[] => asked().map(({ kind }) => kind);
  const end = (status: Deployment['status'] = 'success'): void => {
    for (const one of asked()) {
      if (one.finished_at !== null) continue;
      store.deployments.set(one._id, { ...one, status, finished_at: new Date(now) });
    }
  };
  const change = (more: Partial<Service>): void => {
    const before = store.serviceRecords.get(SERVICE);
    if (before) store.serviceRecords.set(SERVICE, { ...before, ...more });
  };

  beforeEach(async () => {
    store = new MemoryDeploymentStore();
    watched = new MemoryServiceStore();
    records = new MemoryFailureRecords();
    now = NOW;
    beganAt = undefined;
    for (const [number, status] of [
      [1, 'kept'],
      [2, 'serving'],
    ] as const) {
      const settings = { type: 'local_service', service_id: SERVICE, on_failure: POLICY };
      store.releases.set(`r${number}`, {
        ...{ _id: `r${number}`, service_id: SERVICE, environment: 'default', service: 'shop' },
        ...{ type: 'local_service', host: 'here', number, status, settings },
        ...{ deployment_id: `00d${number}`, execution_id: null, pipeline_id: null, commit: null },
      } as unknown as Release);
      store.deployments.set(`00d${number}`, {
        ...{ _id: `00d${number}`, request_key: `00d${number}`, kind: 'deploy', status: 'success' },
        ...{ service_id: SERVICE, environment: 'default', service: 'shop', turn: number },
        ...{ previous_release_id: number === 1 ? null : 'r1', finished_at: new Date(0) },
      } as Deployment);
    }
    store.serviceRecords.set(SERVICE, {
      ...{ _id: SERVICE, id: 's', environment: 'default', name: 'shop', host: 'here' },
      ...{ service_type: 'local_service', status: 'running', place: 'here:shop', active: null },
      ...{ release_id: 'r2', deployment_id: '00d2', turns: 2 },
    } as Service);
    await watched.insert(newService({ shard: 'host:here' }));
    await looks();
  });

  it('does nothing while it runs', async () => {
    await goes('running', 1);
    await process().round(now);
    await goes('degraded', 2);
    await process().round(now);
    expect([kinds(), [...records.all]]).toEqual([[], []]);
  });

  it('lets the checks of whoever has just begun to look see it first', async () => {
    await goes('failed', 3);
    beganAt = new Date(now);
    await looks();
    await process().round(now);
    expect(kinds()).toEqual([]);
    await later();
    await process().round(now);
    expect(kinds()).toEqual(['restart']);
  });

  it('lets its checks see what was put there last first', async () => {
    await goes('failed', 3);
    await process().round(now);
    end();
    await later(20_000);
    now += 29_000; // Nobody has looked since.
    await process().round(now);
    expect(kinds()).toEqual(['restart']);
    await later();
    await process().round(now);
    expect(kinds()).toEqual(['restart', 'rollback']);
  });

  it('reads a release that says nothing of it once, and the next one again', async () => {
    const silent = { ...store.releases.get('r2')!, settings: { type: 'local_service' } } as Release;
    store.releases.set('r2', silent);
    const read = jest.spyOn(store, 'releasesWith');
    const one = process();
    await goes('failed', 3);
    await one.round(now);
    await one.round(now);
    expect(read.mock.calls).toEqual([[['r2']]]);
    change({ release_id: 'r1' });
    await one.round(now);
    expect(read.mock.calls.at(-1)).toEqual([['r1']]);
    expect(kinds()).toEqual(['restart']);
  });

  it('restarts, goes back and leaves it, each with its reason, once', async () => {
    await goes('failed', 3);
    const one = process();
    for (let round = 0; round < 3; round += 1) await one.round(now);
    expect(asked()).toMatchObject([
      {
        ...{ kind: 'restart', release_id: 'r2', triggered_by: 'system', status: 'pending' },
        warnings: [{ code: 'checks_failed' }],
      },
    ]);
    end();
    await later();
    for (let round = 0; round < 3; round += 1) await one.round(now);
    expect(kinds()).toEqual(['restart', 'rollback']);
    expect(asked()[1]).toMatchObject({ release_id: 'r1', failed_release_id: 'r2' });
    end();
    change({ release_id: 'r1', deployment_id: asked()[1]?._id ?? '' });
    await later();
    for (let round = 0; round < 3; round += 1) await one.round(now);
    await later();
    await one.round(now);
    expect(kinds()).toEqual(['restart', 'rollback']);
    const told = await records.of(SERVICE, 9);
    expect(told.map(({ action, state }) => `${action} ${state}`)).toEqual([
      ...['none left', 'rollback begun', 'restart begun'],
    ]);
    expect(told[0]?.reason.message).toContain('it has gone back already');
  });

  it('does it once where two processes see it at the same moment', async () => {
    await goes('failed', 3);
    await Promise.all([process().round(now), process().round(now), process().round(now)]);
    expect(kinds()).toEqual(['restart']);
    expect(records.all.size).toBe(1);
  });

  /** Killed behind its record, before the deployment is asked for. */
  const decidesAndIsKilled = async (): Promise<void> => {
    const accept = store.accept.bind(store);
    store.accept = () => Promise.reject(new Error('killed'));
    await process().round(now);
    store.accept = accept;
  };

  it('asks for what a killed process has decided, and for nothing else', async () => {
    await goes('failed', 3);
    await decidesAndIsKilled();
    expect([...records.all.values()]).toMatchObject([{ state: 'decided', action: 'restart' }]);
    for (let round = 0; round < 3; round += 1) await process().round(now);
    expect(kinds()).toEqual(['restart']);
    expect([...records.all.values()]).toMatchObject([{ state: 'begun' }]);
  });

  it('asks for it once where the process was killed behind that', async () => {
    await goes('failed', 3);
    const settle = records.settle.bind(records);
    records.settle = () => Promise.reject(new Error('killed'));
    await process().round(now);
    records.settle = settle;
    end();
    await later(1_000);
    await goes('running', 4);
    await process().round(now);
    expect(kinds()).toEqual(['restart']);
    expect([...records.all.values()]).toMatchObject([{ state: 'begun' }]);
  });

  it('waits with what was decided while nobody looks, and takes that for no other failure', async () => {
    await goes('failed', 3);
    await decidesAndIsKilled();
    for (const [seq, to] of [
      [3, 'failed'],
      [4, 'unknown'],
    ] as const) {
      const change = { seq, service: SERVICE, from: null, to, at: new Date(now) };
      const reason = { code: 'c', message: 'm' };
      await watched.insertChanges([{ ...change, _id: changeId(SERVICE, seq), reason }]);
    }
    await goes('unknown', 4);
    await process().round(now);
    expect([...records.all.values()]).toMatchObject([{ state: 'decided', seq: 3 }]);
    await goes('failed', 5);
    await process().round(now);
    expect([...records.all.values()]).toMatchObject([{ state: 'begun', seq: 3 }]);
    expect(kinds()).toEqual(['restart']);
  });

  it('drops what was decided where it is well again, or another release serves', async () => {
    for (const isWell of [true, false]) {
      records.all.clear();
      change({ release_id: 'r2' });
      await goes('failed', 3);
      await decidesAndIsKilled();
      if (isWell) await goes('running', 4);
      else change({ release_id: 'r1' });
      await process().round(now);
      const [first] = await records.of(SERVICE, 9).then((all) => all.slice(-1));
      expect([isWell, first?.state]).toEqual([isWell, 'dropped']);
      end();
    }
  });

  it('leaves it to whoever deploys it, or waits in its line', async () => {
    await goes('failed', 3);
    change({ active: 'mine' });
    await process().round(now);
    change({ active: null });
    store.deployments.set('mine', {
      ...{ _id: 'mine', request_key: 'mine', kind: 'deploy', status: 'pending' },
      ...{ service_id: SERVICE, turn: 3, finished_at: null },
    } as Deployment);
    await process().round(now);
    expect([kinds(), records.all.size]).toEqual([[], 0]);
    store.deployments.delete('mine');
    await process().round(now);
    expect(kinds()).toEqual(['restart']);
  });

  it('gives its checks the time to see what was deployed', async () => {
    await goes('failed', 3);
    const made = store.deployments.get('00d2');
    if (made) store.deployments.set('00d2', { ...made, finished_at: new Date(now) });
    // Twice in ten seconds, with a last answer of 5 s, and one interval more.
    await later(34_999);
    await process().round(now);
    expect(kinds()).toEqual([]);
    await later(1);
    await process().round(now);
    expect(kinds()).toEqual(['restart']);
  });

  it.each(['of its deployment', 'that was asked for'])(
    'gives a check %s its own time, which is longer',
    async (whose) => {
      const check = { name: 'ready', type: 'container', intervalMs: 300_000, timeoutMs: 5_000 };
      const serving = store.releases.get('r2');
      if (whose === 'of its deployment') {
        const settings = { ...serving?.settings, published: { port: 1 }, checks: [check] };
        store.releases.set('r2', { ...serving, settings } as unknown as Release);
      } else {
        await watched.remove(SERVICE);
        await watched.insert(newService({ shard: 'host:here', checks: [check as never] }));
      }
      await goes('failed', 3);
      const made = store.deployments.get('00d2');
      if (made) store.deployments.set('00d2', { ...made, finished_at: new Date(now) });
      await later(904_999);
      await process().round(now);
      expect(kinds()).toEqual([]);
      await later(1);
      await process().round(now);
      expect(kinds()).toEqual(['restart']);
    },
  );

  it.each([1, 30])(
    'gives its checks their time, whatever %d newer ones wait for people',
    async (count) => {
      await goes('failed', 3);
      const made = store.deployments.get('00d2');
      if (made) store.deployments.set('00d2', { ...made, finished_at: new Date(now) });
      for (let one = 0; one < count; one += 1) {
        const _id = `01-${one}`;
        store.deployments.set(_id, {
          ...{ _id, request_key: _id, kind: 'deploy', status: 'waiting', gate: 'closed' },
          ...{ service_id: SERVICE, environment: 'default', service: 'shop', turn: 3 + one },
          finished_at: null,
        } as Deployment);
      }
      await later(34_999);
      await process().round(now);
      expect(kinds()).toEqual([]);
      await later(1);
      await process().round(now);
      expect(kinds()).toEqual(['restart']);
    },
  );

  it('numbers what it does of one failure behind all that was done, however many', async () => {
    for (let attempt = 1; attempt <= 300; attempt += 1) {
      await records.add({
        ...{ _id: failureRecordId(SERVICE, 3, attempt), service: SERVICE, seq: 3, attempt },
        ...{ release: 2, action: 'restart', state: 'dropped', deployment_id: `x${attempt}` },
        ...{ at: new Date(0), reason: { code: 'c', message: 'm' } },
      });
    }
    await goes('failed', 3);
    await process().round(now);
    expect(kinds()).toEqual(['restart']);
    expect((await records.of(SERVICE, 1))[0]).toMatchObject({ attempt: 301, state: 'begun' });
  });

  it('does nothing in maintenance, and nothing while nobody looks', async () => {
    await goes('failed', 3);
    const { maintenance } = (await watched.find(SERVICE)) ?? {};
    if (maintenance === undefined) throw new Error('it is there');
    const until = new Date(now + 1_000);
    const window = { from: new Date(now), until, ended_at: null, reason: null, by: 'ada' };
    await watched.maintain(SERVICE, begun(maintenance, window));
    await process().round(now);
    now += 40_000;
    await process().round(now);
    expect([kinds(), records.all.size]).toEqual([[], 0]);
    await looks();
    await process().round(now);
    expect(kinds()).toEqual(['restart']);
  });

  it('lets all of its unit go back', async () => {
    const unit = 'default/all';
    await records.add({
      ...{ _id: `${SERVICE}:0000000003:00001`, service: SERVICE, seq: 3, attempt: 1, release: 2 },
      ...{ action: 'restart', state: 'begun', deployment_id: 'x', at: new Date(now - 60_000) },
      reason: { code: 'c', message: 'm' },
    });
    change({ unit });
    store.serviceRecords.set(unit, {
      ...{ _id: unit, environment: 'default', name: 'all', place: 'unit', release_id: 'u2' },
      ...{ deployment_id: 'ud2', turns: 2, active: null },
    } as Service);
    for (const [number, status] of [
      [1, 'kept'],
      [2, 'serving'],
    ] as const) {
      store.releases.set(`u${number}`, {
        ...{ _id: `u${number}`, service_id: unit, number, status, deployment_id: `ud${number}` },
        ...{ type: 'hybrid', settings: { type: 'hybrid', keep: 2, parts: [] } },
        parts: [{ service_id: SERVICE, release_id: `r${number}` }],
      } as unknown as Release);
    }
    store.deployments.set('ud2', {
      ...{ _id: 'ud2', request_key: 'ud2', previous_release_id: 'u1', status: 'success' },
      ...{ service_id: unit, kind: 'deploy', turn: 2, finished_at: new Date(0) },
    } as Deployment);
    await goes('failed', 3);
    // What serves of the unit is about to be noted: nothing is decided, and so nothing dropped.
    const serving = store.serviceRecords.get(unit);
    const whole = (more: Partial<Service>) =>
      store.serviceRecords.set(unit, { ...serving, ...more } as Service);
    whole({ release_id: 'u1' });
    store.releases.set('u1', { ...store.releases.get('u1'), parts: [] } as unknown as Release);
    for (let round = 0; round < 3; round += 1) await process().round(now);
    expect([kinds(), records.all.size]).toEqual([[], 1]);
    whole({});
    let added = 0;
    // The same between what is decided and what is asked for.
    const add = records.add.bind(records);
    records.add = async (one) => {
      added += 1;
      whole({ release_id: 'u1' });
      return add(one);
    };
    await process().round(now);
    expect([added, kinds()]).toEqual([1, []]);
    expect((await records.of(SERVICE, 1))[0]).toMatchObject({ state: 'decided' });
    whole({});
    await process().round(now);
    expect((await records.of(SERVICE, 1))[0]).toMatchObject({ state: 'begun', attempt: 2 });
    expect(asked()).toMatchObject([
      { kind: 'rollback', service_id: unit, release_id: 'u1', failed_release_id: 'u2' },
    ]);
  });
});
