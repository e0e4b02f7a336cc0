import crypto from 'node:crypto';
import type { HeldLease } from '../../leases/held-lease.js';
import { Leases } from '../../leases/leases.js';
import { MemoryLeaseStore } from '../../leases/memory-lease-store.js';
import { eventually } from '../../../test/support/eventually.js';
import { standIn } from '../../../test/support/stand-in.js';
import type { ContainerSettings, Release, ReleaseStatus, Service } from '../record/deployment.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import { instanceName } from '../routes/service-route.js';
import {
  type PlacedRelease,
  type ReleaseRunner,
  TargetAwayError,
} from '../targets/deploy-target.js';
import {
  type InstanceState,
  type ListedInstance,
  ReleaseInstances,
} from '../targets/release-instances.js';
import { InstanceTurns } from './instance-turns.js';
import { InstanceUpkeep } from './instance-upkeep.js';

const SERVICE = 'default/shop';
const NOW = 1_000_000;
const name = (number: number): string => instanceName(SERVICE, number);

class KeptInstances extends ReleaseInstances {
  readonly type = 'local_service';
  readonly all = new Map<string, InstanceState['state']>();
  readonly calls: string[] = [];
  isAway = false;
  pid = 7;
  isGivenUp = false;
  exec = () => Promise.resolve(undefined);
  said = (): Promise<readonly string[]> => Promise.resolve([]);
  look(one: string): Promise<InstanceState | undefined> {
    const state = this.all.get(one);
    const pid = state === 'running' ? this.pid : null;
    const more = { end: 'it ended', exitCode: 1, restarts: 0, startedAt: new Date(NOW), pid };
    const given = state === 'left' && this.isGivenUp ? { isGivenUp: true } : {};
    return Promise.resolve(state && { state, ...more, ...given });
  }
  remove(one: string): Promise<void> {
    this.calls.push(`remove ${one}`);
    this.all.delete(one);
    return Promise.resolve();
  }
  async list(): Promise<readonly ListedInstance[]> {
    if (this.isAway) throw new TargetAwayError({ code: 'services_away', message: 'away' });
    return [...this.all].map(([one, state]) =>
      state === 'running' ? { name: one, runningPid: this.pid } : { name: one },
    );
  }
}

describe('InstanceUpkeep', () => {
  let store: MemoryDeploymentStore;
  let instances: KeptInstances;
  let upkeep: InstanceUpkeep;
  let isTaken: boolean;
  let turns: InstanceTurns;
  let problem: Error | undefined;
  let isLong: Promise<void> | undefined;
  let isStubborn: Promise<void> | undefined;

  beforeEach(() => {
    store = new MemoryDeploymentStore();
    instances = new KeptInstances();
    isTaken = false;
    problem = undefined;
    isLong = undefined;
    isStubborn = undefined;
    const runner = standIn<ReleaseRunner>({
      start: async ({ number, service_id: service, instance }) => {
        if (problem !== undefined && service === SERVICE) throw problem;
        if (service === SERVICE) await isLong;
        instances.calls.push(`start ${number}`);
        instances.all.set(instanceName(service, number, instance), 'running');
      },
      stop: async ({ number, instance }) => {
        instances.calls.push(`stop ${number}`);
        await isStubborn;
        instances.all.delete(instanceName(SERVICE, number, instance));
      },
    });
    const lease = standIn<HeldLease>({ release: () => Promise.resolve() });
    const take = (): Promise<HeldLease | undefined> => Promise.resolve(isTaken ? undefined : lease);
    const leases = standIn<Leases>({ take });
    turns = new InstanceTurns(new Leases(new MemoryLeaseStore()));
    const remove = ({ number }: PlacedRelease): Promise<void> => {
      if (instances.isAway) throw new TargetAwayError({ code: 'services_away', message: 'away' });
      instances.calls.push(`drop ${number}`);
      return Promise.resolve();
    };
    upkeep = new InstanceUpkeep({ store, instances, runner, leases, turns, host: 'here', remove });
    serve('r1');
  });

  const round = async (now: number): Promise<void> => {
    await upkeep.round(now);
    await upkeep.settled();
  };
  const serve = (releaseId: string | null, active: string | null = null): void => {
    store.serviceRecords.set(SERVICE, {
      ...{ _id: SERVICE, host: 'here', service_type: 'local_service' },
      ...{ release_id: releaseId, active },
    } as Service);
  };
  const release = (number: number, status: ReleaseStatus, drainMs = 0): void => {
    store.releases.set(`r${number}`, {
      ...{ _id: `r${number}`, service_id: SERVICE, number, status },
      ...{ type: 'local_service', settings: { keep: 5 }, served_at: null },
      drain_until: status === 'draining' ? new Date(NOW + drainMs) : null,
    } as Release);
  };
  /** Of a service that was removed: its records say that it was here. */
  const removed = (id: string, host = 'here'): void => {
    const old = { _id: `of ${id}`, service_id: id, number: 1, status: 'removed', host };
    store.releases.set(old._id, old as Release);
  };
  const run = (...numbers: readonly number[]): void => {
    for (const number of numbers) instances.all.set(name(number), 'running');
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
    await round(NOW);
    expect(instances.calls.sort()).toEqual(['stop 3', 'stop 4']);
  });

  it('ends a drain when its time is over, and the oldest of too many', async () => {
    release(1, 'serving');
    release(2, 'draining', -1);
    for (const [index, number] of [3, 4, 5, 6].entries()) {
      release(number, 'draining', 1_000 + index);
    }
    run(1, 2, 3, 4, 5, 6);
    await round(NOW);
    expect(store.releases.get('r2')?.status).toBe('kept');
    expect(store.releases.get('r3')?.status).toBe('kept');
    expect(store.releases.get('r4')?.status).toBe('draining');
    await round(NOW);
    expect(instances.calls.sort()).toEqual(['stop 2', 'stop 3']);
  });

  it('ends of too many that drain the one that began first, not the one that has least time', async () => {
    for (const [index, number] of [2, 3, 4, 5].entries()) {
      release(number, 'draining', 60_000 - index);
      const of = store.releases.get(`r${number}`) as Release;
      store.releases.set(of._id, { ...of, drains_since: new Date(NOW - 1_000 + index) });
    }
    await round(NOW);
    const statuses = [2, 3, 4, 5].map((number) => store.releases.get(`r${number}`)?.status);
    expect(statuses).toEqual(['kept', 'draining', 'draining', 'draining']);
  });

  it('waits in no round for one that is long in ending, and ends it once', async () => {
    release(1, 'serving');
    release(2, 'kept');
    run(1, 2);
    const ended = Promise.withResolvers<void>();
    isStubborn = ended.promise;
    await upkeep.round(NOW);
    await upkeep.round(NOW + 1_000);
    const ending = upkeep.settled();
    while (instances.calls.length === 0) await Promise.resolve();
    expect(instances.calls).toEqual(['stop 2']);
    ended.resolve();
    await ending;
    await round(NOW + 2_000);
    expect(instances.calls).toEqual(['stop 2']);
  });

  it('does not touch what is being deployed, be it kept or drained', async () => {
    release(1, 'serving');
    release(2, 'kept');
    run(1, 2);
    store.deployments.set('d', { _id: 'd', release_id: 'r2' } as never);
    serve('r1', 'd');
    await round(NOW);
    release(2, 'draining', -1);
    await round(NOW);
    expect(instances.calls).toEqual([]);
    expect(store.releases.get('r2')?.status).toBe('draining');
  });

  it('stops nothing that somebody is starting at this moment, or has begun to bring back', async () => {
    release(1, 'serving');
    release(2, 'kept');
    run(1, 2);
    const started = Promise.withResolvers<void>();
    const starting = turns.tryNow({ service_id: SERVICE, number: 2 }, () => started.promise);
    await round(NOW);
    started.resolve();
    await starting;
    const released = store.releasesOf.bind(store);
    // A rollback begins between what is read first and the stop.
    store.releasesOf = async (id) => {
      const all = await released(id);
      store.find = (one) => Promise.resolve({ _id: one, release_id: 'r2' } as never);
      const service = store.service.bind(store);
      store.service = async (one) => {
        store.service = service;
        const seen = await service(one);
        serve('r1', 'd');
        return seen;
      };
      return all;
    };
    await round(NOW);
    expect(instances.calls).toEqual([]);
  });

  it('leaves what served before to its drain while the record of a switch is half written', async () => {
    release(1, 'serving');
    release(2, 'prepared');
    run(1, 2);
    store.deployments.set('d', { _id: 'd', release_id: 'r2' } as never);
    serve('r2', 'd');
    await round(NOW);
    expect(instances.calls).toEqual([]);
    // Nobody switches: what the record has left over may go.
    serve('r2');
    await round(NOW);
    expect(instances.calls).toEqual(['stop 1']);
  });

  it('leaves what served before to its drain when it is switched between two reads', async () => {
    release(1, 'serving');
    release(2, 'prepared');
    run(1, 2);
    const releasesOf = store.releasesOf.bind(store);
    store.releasesOf = async (id) => {
      const all = await releasesOf(id);
      release(1, 'draining', 5_000);
      release(2, 'serving');
      serve('r2');
      return all;
    };
    await round(NOW);
    expect(instances.calls).toEqual([]);
  });

  it('asks nothing of a service that runs as it did, until something of it changes', async () => {
    release(1, 'serving');
    run(1);
    const read = jest.spyOn(store, 'releasesOf');
    const readsAt = async (second: number): Promise<number> => {
      read.mockClear();
      await round(NOW + second * 1_000);
      return read.mock.calls.length;
    };
    expect([await readsAt(0), await readsAt(1), await readsAt(2)]).toEqual([1, 0, 0]);
    instances.pid = 8;
    expect([await readsAt(3), await readsAt(4)]).toEqual([1, 0]);
    run(2);
    expect([await readsAt(5), await readsAt(6)]).toEqual([1, 1]);
    instances.all.delete(name(2));
    expect([await readsAt(7), await readsAt(8)]).toEqual([0, 0]);
    const hold = (active: string | null): void => {
      const service = store.serviceRecords.get(SERVICE) as Service;
      store.serviceRecords.set(SERVICE, { ...service, active });
    };
    hold('d');
    expect([await readsAt(9), await readsAt(10)]).toEqual([1, 1]);
    hold(null);
    expect(await readsAt(11)).toBe(1);
    // Whatever was overlooked is seen after a while.
    await readsAt(12);
    expect(await readsAt(60)).toBe(1);
  });

  it('looks each second at a service whose release drains or is watched, or that has ended', async () => {
    release(1, 'serving');
    release(2, 'draining', 5_000);
    run(1, 2);
    const read = jest.spyOn(store, 'releasesOf');
    await round(NOW);
    instances.all.delete(name(2));
    await round(NOW + 1_000);
    expect(read).toHaveBeenCalledTimes(2);
    await round(NOW + 6_000);
    instances.all.set(name(1), 'ended');
    await round(NOW + 8_000);
    expect(instances.calls).toContain('start 1');
    await round(NOW + 9_000);
    expect(read).toHaveBeenCalledTimes(5);
  });

  it('starts what serves again, with longer and longer pauses', async () => {
    release(1, 'serving');
    const starts: number[] = [];
    for (let second = 0; second < 20; second += 1) {
      instances.all.set(name(1), 'ended');
      const before = instances.calls.length;
      await round(NOW + second * 1_000);
      if (instances.calls.length > before) starts.push(second);
    }
    expect(starts).toEqual([0, 1, 3, 7, 15]);
  });

  it('starts what was stopped or is gone, and nothing that its own supervisor cares for', async () => {
    release(1, 'serving');
    const startedFor: unknown[] = [];
    for (const state of ['running', 'left', 'ended', undefined] as const) {
      if (state === undefined) instances.all.delete(name(1));
      else instances.all.set(name(1), state);
      const before = instances.calls.length;
      await round(NOW + startedFor.length * 10_000);
      if (instances.calls.length > before) startedFor.push(state);
    }
    expect(startedFor).toEqual(['ended', undefined]);
  });

  const problemNow = () => store.serviceRecords.get(SERVICE)?.problem;

  it('says so where the restarts of a container are used up, until it runs again', async () => {
    release(1, 'serving');
    const restart = { max: 2, windowMs: 60_000, backoffMs: 5_000 };
    const known = store.releases.get('r1') as Release;
    const settings = { ...known.settings, type: 'docker_container', restart } as ContainerSettings;
    store.releases.set('r1', { ...known, settings });
    const starts: number[] = [];
    for (let second = 0; second < 100; second += 1) {
      instances.all.set(name(1), 'ended');
      const before = instances.calls.length;
      await round(NOW + second * 1_000);
      if (instances.calls.length > before) starts.push(second);
    }
    expect(starts).toEqual([0, 5]);
    expect(problemNow()).toMatchObject({
      code: 'restarts_used_up',
      message: 'release 1 has ended too often (it ended) and is not started again by itself',
    });
    run(1);
    await round(NOW + 200_000);
    expect(problemNow()).toBeNull();
  });

  it('says so where the supervisor of a program has given it up', async () => {
    release(1, 'serving');
    instances.all.set(name(1), 'left');
    await round(NOW);
    expect(problemNow() ?? null).toBeNull();
    instances.isGivenUp = true;
    await round(NOW + 1_000);
    expect(problemNow()).toMatchObject({ code: 'restarts_used_up', data: { release: 1 } });
    run(1);
    await round(NOW + 2_000);
    expect(problemNow()).toBeNull();
  });

  it('leaves alone what is known against what serves already', async () => {
    release(1, 'serving');
    const known = { code: 'release_failed', message: 'it did not go back' };
    await store.setProblem(SERVICE, 'r1', known);
    instances.isGivenUp = true;
    instances.all.set(name(1), 'left');
    await round(NOW);
    run(1);
    await round(NOW + 1_000);
    expect(problemNow()).toEqual(known);
  });

  it('notes which process serves, once for each', async () => {
    release(1, 'serving');
    run(1);
    const noted: unknown[] = [];
    const setProcess = store.setProcess.bind(store);
    store.setProcess = (id, releaseId, pid) => {
      noted.push(pid);
      return setProcess(id, releaseId, pid);
    };
    for (const pid of [7, 7, 8]) {
      instances.pid = pid;
      await round(NOW);
    }
    expect(store.serviceRecords.get(SERVICE)?.process_id).toBe(8);
    instances.all.set(name(1), 'left');
    await round(NOW);
    expect(noted).toEqual([7, 8, null]);
  });

  it('touches nothing while what runs them cannot be asked', async () => {
    release(1, 'serving');
    instances.isAway = true;
    await round(NOW);
    instances.isAway = false;
    expect(instances.calls).toEqual([]);
    await round(NOW);
    expect(instances.calls).toEqual(['start 1']);
  });

  it('keeps the others where it cannot keep one', async () => {
    release(1, 'serving');
    const other = { ...store.serviceRecords.get(SERVICE), _id: 'default/tea', release_id: 't7' };
    store.serviceRecords.set('default/tea', other as Service);
    const tea = { ...store.releases.get('r1'), _id: 't7', service_id: 'default/tea', number: 7 };
    store.releases.set('t7', tea as Release);
    problem = new Error('its variables are not stored');
    removed('default/gone');
    instances.all.set(instanceName('default/gone', 1), 'running');
    await round(NOW);
    const gone = `remove ${instanceName('default/gone', 1)}`;
    expect(instances.calls).toEqual(['start 7', gone]);
  });

  it('waits for no other service when one takes long', async () => {
    release(1, 'serving');
    const other = { ...store.serviceRecords.get(SERVICE), _id: 'default/tea', release_id: 't7' };
    store.serviceRecords.set('default/tea', other as Service);
    const tea = { ...store.releases.get('r1'), _id: 't7', service_id: 'default/tea', number: 7 };
    store.releases.set('t7', tea as Release);
    let end = (): void => undefined;
    isLong = new Promise((resolve) => (end = resolve));
    const round = upkeep.round(NOW);
    await eventually(() => instances.calls.includes('start 7') || undefined);
    expect(instances.calls).toEqual(['start 7']);
    end();
    await round;
    expect(instances.calls).toEqual(['start 7', 'start 1']);
  });

  it('ends an instance that a restart has replaced, and none that one may be about to start', async () => {
    release(2, 'serving');
    serve('r2');
    const change = (instance: number): void => {
      const seen = store.releases.get('r2');
      if (seen) store.releases.set('r2', { ...seen, instance });
    };
    change(1);
    run(2);
    instances.all.set(instanceName(SERVICE, 2, 1), 'running');
    store.deployments.set('d', { _id: 'd', release_id: 'r2' } as never);
    serve('r2', 'd');
    await round(NOW);
    expect(instances.calls).toEqual([]);
    serve('r2');
    await round(NOW);
    expect(instances.calls).toEqual(['stop 2']);
    // A restart that has ended behind what was listed.
    instances.calls.length = 0;
    instances.all.set(instanceName(SERVICE, 2, 2), 'running');
    const read = store.releasesOf.bind(store);
    store.releasesOf = async (id) => {
      const before = await read(id);
      change(2);
      instances.all.delete(instanceName(SERVICE, 2, 1));
      return before;
    };
    await round(NOW);
    expect(instances.calls).toEqual([]);
    expect(instances.all.has(instanceName(SERVICE, 2, 2))).toBe(true);
  });

  it('looks at the instances of a service alone, and works no name out for each of the others', async () => {
    // Each name holds a hash.
    const names = jest.spyOn(crypto, 'createHash');
    let now = NOW;
    const worked = async (): Promise<number> => {
      names.mockClear();
      // As late as a service that runs well is looked at.
      await round((now += 60_000));
      return names.mock.calls.length;
    };
    for (const number of [1, 2, 3]) release(number, number === 1 ? 'serving' : 'kept');
    run(1);
    const alone = await worked();
    for (let other = 0; other < 40; other += 1) {
      removed(`default/other-${other}`);
      instances.all.set(instanceName(`default/other-${other}`, 1), 'running');
    }
    // Of all of them alike, and of each that was ever here, once.
    const remove = jest.spyOn(instances, 'remove');
    expect(await worked()).toBe(alone + 1 + 40);
    expect(remove).toHaveBeenCalledTimes(40);
    expect(await worked()).toBe(alone);
    names.mockRestore();
  });

  it('starts what serves again while a restart is under way, and leaves the new instance to that', async () => {
    release(2, 'serving');
    const deployed = (kind: string): void => {
      store.deployments.set('d', { _id: 'd', kind, release_id: 'r2', instance: 1 } as never);
      serve('r2', 'd');
    };
    instances.all.set(name(2), 'ended');
    instances.all.set(instanceName(SERVICE, 2, 1), 'ended');
    deployed('rollback');
    await round(NOW);
    expect(instances.calls).toEqual([]);
    deployed('restart');
    await round(NOW);
    expect(instances.calls).toEqual(['start 2']);
    expect([...instances.all.values()]).toEqual(['running', 'ended']);
    // It has switched, and ends the one before.
    store.releases.set('r2', { ...store.releases.get('r2'), instance: 1 } as Release);
    instances.all.set(name(2), 'ended');
    instances.all.set(instanceName(SERVICE, 2, 1), 'running');
    await round(NOW + 60_000);
    expect(instances.calls).toEqual(['start 2']);
  });

  describe('of a service that is stopped', () => {
    const stop = (active: string | null = null): void => {
      serve('r2', active);
      const stopped = { deployment_id: 's', by: 'ada', at: new Date(0), message: null };
      const service = store.serviceRecords.get(SERVICE);
      if (service) store.serviceRecords.set(SERVICE, { ...service, stopped, status: 'stopped' });
    };

    it('runs nothing, and ends what has drained', async () => {
      release(2, 'draining', 5_000);
      run(2);
      stop();
      await round(NOW);
      expect(instances.calls).toEqual([]);
      await round(NOW + 6_000);
      expect(instances.calls).toEqual(['stop 2']);
      expect(store.releases.get('r2')?.status).toBe('kept');
      const look = jest.spyOn(store, 'releasesOf');
      for (const ms of [60_000, 61_000, 62_000]) await round(NOW + ms);
      expect(instances.calls).toEqual(['stop 2']);
      // Nothing is to be done: it is not looked at in every round.
      expect(look).toHaveBeenCalledTimes(1);
    });

    it('leaves its instance to the deployment that stops it', async () => {
      release(2, 'draining', -5_000);
      run(2);
      stop('d');
      store.deployments.set('d', { _id: 'd', kind: 'stop', release_id: 'r2' } as never);
      await round(NOW);
      expect(instances.calls).toEqual([]);
    });
  });

  it('leaves an instance that was replaced its drain', async () => {
    release(2, 'serving');
    const until = new Date(NOW + 5_000);
    store.releases.set('r2', {
      ...store.releases.get('r2'),
      ...{ instance: 1, draining_instances: [{ instance: 0, until }] },
    } as Release);
    for (const one of [name(2), instanceName(SERVICE, 2, 1)]) instances.all.set(one, 'running');
    serve('r2');
    await round(NOW);
    expect(instances.calls).toEqual([]);
    await round(NOW + 5_000);
    expect(instances.calls).toEqual(['stop 2']);
    expect([...instances.all.keys()]).toEqual([instanceName(SERVICE, 2, 1)]);
  });

  it('removes those of services that are no more, and no others', async () => {
    release(1, 'serving');
    run(1);
    removed('default/gone');
    instances.all.set(instanceName('default/gone', 1), 'running');
    await round(NOW);
    expect(instances.calls).toEqual([`remove ${instanceName('default/gone', 1)}`]);
  });

  it('removes nothing of a service that was made since its round has begun', async () => {
    release(1, 'serving');
    run(1);
    removed('default/tea');
    instances.all.set(instanceName('default/tea', 2), 'running');
    const list = instances.list.bind(instances);
    instances.list = async () => {
      const before = await list();
      const tea = { ...store.serviceRecords.get(SERVICE), _id: 'default/tea', release_id: null };
      store.serviceRecords.set('default/tea', tea as Service);
      return before;
    };
    await round(NOW);
    expect(instances.calls).toEqual([]);
  });

  it('leaves alone what no record of this host tells of, and asks for it once', async () => {
    release(1, 'serving');
    run(1);
    removed('default/gone', 'elsewhere');
    // As after a database was brought back from an older copy.
    for (const id of ['default/gone', 'default/unknown']) {
      instances.all.set(instanceName(id, 1), 'running');
    }
    const ask = jest.spyOn(store, 'everServedOn');
    for (const second of [0, 1, 2]) await round(NOW + second * 1_000);
    expect([instances.calls, ask.mock.calls]).toEqual([[], [['here']]]);
    instances.all.delete(instanceName('default/gone', 1));
    await round(NOW + 3_000);
    // Another one of that name, which is of a service of this host.
    removed('default/gone');
    instances.all.set(instanceName('default/gone', 1), 'running');
    await round(NOW + 4_000);
    expect(instances.calls).toEqual([`remove ${instanceName('default/gone', 1)}`]);
  });

  it('removes what a deployment has left of a release, and not while one has the service', async () => {
    release(1, 'serving');
    run(1);
    release(2, 'prepared');
    serve('r1', 'd');
    await round(NOW);
    expect(instances.calls).toEqual([]);
    serve('r1');
    await round(NOW);
    await round(NOW);
    expect(instances.calls).toEqual(['drop 2']);
    expect(store.releases.get('r2')?.status).toBe('failed');
  });

  it('does nothing while another process of the host does it', async () => {
    release(1, 'serving');
    isTaken = true;
    await round(NOW);
    expect(instances.calls).toEqual([]);
  });
});
