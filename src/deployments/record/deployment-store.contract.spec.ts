import { uuidV7 } from '../../common/ids/uuid.js';
import type { Approval, DeploymentCause } from '../../environments/approval.js';
import type { Deployment, Release, TargetSettings } from './deployment.js';
import {
  type DeploymentStore,
  type HeldService,
  type NewDeployment,
  type NewService,
  PlaceTakenError,
  type ReleaseChange,
  type ServicePlace,
} from './deployment-store.js';
import { MemoryDeploymentStore } from './memory-deployment-store.fixture.js';

const SETTINGS: TargetSettings = {
  ...{ type: 'local_directory', path: '/srv/shop', keep: 2 },
  ...{ exclude: [], shared: [], permissions: {} },
};

const CAUSE: DeploymentCause = {
  ...{ deployer: 'ada', accounts: ['ada'], names: [], branch: 'main', plan_hash: 'p' },
};

/** What every adapter of `DeploymentStore` does. */
export function describeDeploymentStore(title: string, store: () => DeploymentStore): void {
  describe(`${title} as DeploymentStore`, () => {
    let name: string;
    beforeEach(() => {
      name = `s-${uuidV7()}`;
    });

    const service = (more: Partial<NewService> = {}): NewService => ({
      ...{ _id: `default/${name}`, id: uuidV7(), name, environment: 'default', host: name },
      ...{ service_type: 'local_directory', place: `${name}:/srv`, status: 'starting' },
      ...{ release_id: null, deployment_id: null },
      ...{ created_at: new Date(0), updated_at: new Date(0), ...more },
    });
    const at = (place: string, unit: string | null = null): ServicePlace => ({
      ...{ host: name, place, service_type: 'local_directory', unit },
    });
    const deployment = (more: Partial<NewDeployment> = {}): NewDeployment => {
      const _id = uuidV7();
      return {
        ...{ _id, request_key: _id, kind: 'deploy', service_id: `default/${name}`, service: name },
        ...{ environment: 'default', type: 'local_directory', settings: SETTINGS, host: name },
        ...{ status: 'pending', phase: null, phases: [], reason: null, warnings: [] },
        ...{ worker_id: 'w', fence: 1, release_id: null, previous_release_id: null },
        ...{ execution_id: _id, pipeline_id: null, pipeline_name: null, stage: null, step: null },
        ...{ commit: null, branch: null, triggered_by: 'ada', cancel_requested_by: null },
        ...{ logs: [], created_at: new Date(0), started_at: null, finished_at: null, ...more },
      };
    };
    const accept = (more: Partial<NewDeployment> = {}): ReturnType<DeploymentStore['accept']> =>
      store().accept(deployment(more), service());
    const hold = { fence: 1 };

    it('gives each deployment of a service a turn of its own', async () => {
      const all = await Promise.all(Array.from({ length: 10 }, () => accept()));
      expect(all.map(({ turn }) => turn).sort((a, b) => a - b)).toEqual([
        ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      ]);
      const [one] = all;
      expect(await store().find(one?._id ?? '')).toEqual(one);
    });

    it('keeps what waits at its gate out of the line, until it is let through', async () => {
      const [first, second] = [await accept(), await accept()];
      const before = (): Promise<Deployment | undefined> =>
        store().firstBefore(first.service_id, second.turn);
      expect((await before())?._id).toBe(first._id);
      await store().change({ id: first._id, ...hold }, { gate: 'closed', status: 'waiting' });
      expect(await before()).toBeUndefined();
      expect(await store().openGate({ id: first._id, fence: 2 })).toBe(false);
      expect(await store().openGate({ id: first._id, ...hold })).toBe(true);
      expect((await before())?._id).toBe(first._id);
    });

    it('takes approvals at the gate only, each once, and nothing after a rejection', async () => {
      const { _id: id } = await accept();
      const said = (
        by: string,
        kind: Approval['kind'] = 'approval',
        generation = 1,
      ): Promise<boolean> =>
        store().addApproval(id, {
          ...{ kind, by, login: by, generation, reason: null, at: new Date() },
          ...{ commit: 'c', plan_hash: 'p' },
        });
      expect(await said('ada')).toBe(false);
      await store().change({ id, ...hold }, { gate: 'closed', status: 'waiting' });
      const all = await Promise.all(['ada', 'bob', 'cyd'].map((by) => said(by)));
      expect(all).toEqual([true, true, true]);
      expect(await said('ada')).toBe(false);
      expect(await said('ada', 'override')).toBe(true);
      // What was said before a sign-out everywhere counts no more.
      expect(await said('bob', 'approval', 2)).toBe(true);
      expect(await said('dan', 'rejection')).toBe(true);
      expect(await said('eve')).toBe(false);
      expect(await store().openGate({ id, ...hold })).toBe(false);
      const { approvals = [] } = (await store().find(id)) ?? {};
      expect(approvals.map(({ by }) => by).sort()).toEqual([
        'ada',
        'ada',
        'bob',
        'bob',
        'cyd',
        'dan',
      ]);
    });

    it('knows what is in an environment', async () => {
      const environment = `e-${name}`;
      const place = { environment, service_id: `${environment}/a` };
      const made = await store().accept(
        deployment({ ...place, cause: CAUSE }),
        service({ _id: place.service_id, environment }),
      );
      expect(made.cause).toEqual(CAUSE);
      expect((await store().find(made._id))?.cause).toEqual(CAUSE);
      expect((await store().servicesIn(environment, 5)).map(({ _id }) => _id)).toEqual([
        place.service_id,
      ]);
      expect(await store().environments()).toContain(environment);
      expect((await store().unfinishedIn(environment, 5)).map(({ _id }) => _id)).toEqual([
        made._id,
      ]);
      await store().change({ id: made._id, ...hold }, { status: 'failed' });
      expect(await store().unfinishedIn(environment, 5)).toEqual([]);
    });

    it('takes what is asked for twice once', async () => {
      const request_key = `key-${name}`;
      const all = await Promise.all(Array.from({ length: 5 }, () => accept({ request_key })));
      expect(new Set(all.map(({ _id }) => _id)).size).toBe(1);
      expect((await store().unfinishedOn(name)).length).toBe(1);
    });

    it('gives one place to one service', async () => {
      await accept();
      const other = service({ _id: `default/other-${name}` });
      await expect(store().accept(deployment({ service_id: other._id }), other)).rejects.toThrow(
        new PlaceTakenError(`default/${name}`),
      );
      expect(await store().servicesOn(name)).toMatchObject([
        { _id: `default/${name}`, place: `${name}:/srv` },
      ]);
    });

    it('gives back the place of what has never served, and lets it take another one', async () => {
      const { _id } = await accept();
      const id = `default/${name}`;
      const other = service({ _id: `default/other-${name}` });
      expect(await store().claimService(id, _id)).toBe(true);
      await store().freeService(id, 'somebody else');
      await expect(store().accept(deployment({ service_id: other._id }), other)).rejects.toThrow(
        PlaceTakenError,
      );
      await store().freeService(id, _id);
      await store().accept(deployment({ service_id: other._id }), other);
      await expect(store().takePlace(id, at(other.place))).rejects.toThrow(
        new PlaceTakenError(other._id),
      );
      const there = { ...at(`${name}:/new`), service_type: 'local_service' } as const;
      await store().takePlace(id, there);
      expect(await store().service(id)).toMatchObject({ ...there, active: null });
    });

    it('tells which services are held', async () => {
      const { _id, service_id: id } = await accept();
      const held = async (): Promise<readonly HeldService[]> =>
        (await store().heldServices()).filter((one) => one._id === id);
      expect(await held()).toEqual([]);
      await store().claimService(id, _id);
      expect(await held()).toEqual([{ _id: id, active: _id }]);
      await store().freeService(id, _id);
      expect(await held()).toEqual([]);
    });

    it('takes a service into a unit by its place, until it is given back', async () => {
      const { _id, service_id: id } = await accept();
      await store().claimService(id, _id);
      await store().takePlace(id, at(`${name}:/new`, 'default/unit'));
      expect(await store().service(id)).toMatchObject({ unit: 'default/unit' });
      await store().freeService(id, _id);
      expect(await store().service(id)).toMatchObject({ unit: null });
    });

    it('keeps which deployments and releases are parts', async () => {
      const unit = { service_id: 'default/unit', deployment_id: 'u' };
      const [one, other] = [await accept({ unit }), await accept()];
      const parts = [{ service_id: one.service_id, deployment_id: one._id }];
      await store().change({ id: other._id, ...hold }, { parts });
      const found = await store().deploymentsWith([other._id, one._id, uuidV7()]);
      expect([...found.keys()].sort()).toEqual([one._id, other._id].sort());
      expect(found.get(other._id)?.parts).toEqual(parts);
      expect(found.get(one._id)?.unit).toEqual(unit);
      expect(await store().deploymentsWith([])).toEqual(new Map());
    });

    it('names the sealed texts that are needed', async () => {
      const ssh = (identity: string): TargetSettings => ({
        ...{ type: 'local_directory', path: '/srv', keep: 5, exclude: [], shared: [] },
        ...{ permissions: {}, ssh: { host: 'web', port: 22, user: 'deploy', identity } },
      });
      const [asked, ended, kept, gone] = [uuidV7(), uuidV7(), uuidV7(), uuidV7()];
      const ofPart = uuidV7();
      const parts = [{ service: 'web', needs: [], settings: ssh(ofPart) }];
      await accept({ type: 'hybrid', settings: { type: 'hybrid', keep: 1, parts } });
      await accept({ settings: ssh(asked) });
      await accept({ settings: ssh(ended), status: 'failed' });
      for (const [text, status] of [
        [kept, 'kept'],
        [gone, 'removed'],
      ] as const) {
        await store().insertRelease({
          ...{ _id: uuidV7(), service_id: `default/${name}`, environment: 'default' },
          ...{ service: name, number: 1, type: 'local_directory', settings: ssh(text), status },
          ...{ host: name, deployment_id: 'd', execution_id: null, dated_by: null },
          ...{ pipeline_id: null, commit: null, digest: null, files: 0, bytes: 0 },
          ...{ created_at: new Date(0), served_at: new Date(0) },
        });
      }
      const needed = await store().neededTexts();
      expect([asked, ended, kept, gone, ofPart].map((text) => needed.has(text))).toEqual([
        ...[true, false, true, false, true],
      ]);
    });

    it('leaves what has served where it is', async () => {
      const { _id } = await accept();
      const id = `default/${name}`;
      await store().claimService(id, _id);
      await store().setServing(id, _id, 'r1', new Date(0));
      await store().freeService(id, _id);
      await store().takePlace(id, at(`${name}:/new`));
      expect(await store().service(id)).toMatchObject({ place: `${name}:/srv` });
    });

    it('keeps the numbers of what is removed, and lists it no more until it is back', async () => {
      const { _id } = await accept();
      const id = `default/${name}`;
      await store().claimService(id, _id);
      const before = (await store().service(id))?.id;
      await store().nextRelease(id);
      await store().setServing(id, _id, 'r1', new Date(0));
      expect(await store().retire(id, _id, new Date(1))).toBe(false);
      expect(await store().setNothingServing(id, 'somebody else', new Date(1))).toBe(false);
      expect(await store().setNothingServing(id, _id, new Date(1))).toBe(true);
      expect(await store().service(id)).toMatchObject({
        ...{ release_id: null, deployment_id: null, status: 'stopped' },
      });
      expect(await store().retire(id, 'somebody else', new Date(1))).toBe(false);
      expect(await store().retire(id, _id, new Date(1))).toBe(true);
      await store().freeService(id, _id);
      const uuid = async (): Promise<string> => (await store().service(id))?.id ?? '';
      expect(await uuid()).not.toBe(before);
      const listed = async (): Promise<readonly boolean[]> => [
        (await store().servicesOn(name)).length > 0,
        (await store().servicesWith([id])).length > 0,
        (await store().serviceWithUuid(await uuid())) !== undefined,
        (await store().services({ limit: 1000 })).items.some((one) => one._id === id),
        (await store().servicesIn('default', 1000)).some((one) => one._id === id),
      ];
      expect(await listed()).toEqual([false, false, false, false, false]);
      const place = { host: name, place: `${name}:/srv`, service_type: 'local_directory' } as const;
      await store().takePlace(id, place);
      expect(await listed()).toEqual([true, true, true, true, true]);
      expect(await store().nextRelease(id)).toBe(2);
    });

    it('is stopped and started by whoever holds it, and by what serves next', async () => {
      const { _id } = await accept();
      const id = `default/${name}`;
      const stop = { deployment_id: _id, by: 'ada', at: new Date(7), message: 'a new disk' };
      expect(await store().setStopped(id, stop)).toBe(false);
      await store().claimService(id, _id);
      await store().setServing(id, _id, 'r1', new Date(0));
      await store().setProcess(id, 'r1', 7);
      expect(await store().setStopped(id, { ...stop, deployment_id: 'another' })).toBe(false);
      expect(await store().setStopped(id, stop)).toBe(true);
      expect(await store().service(id)).toMatchObject({
        ...{ status: 'stopped', stopped: stop, release_id: 'r1', deployment_id: _id },
        ...{ process_id: null, updated_at: new Date(7) },
      });
      expect(await store().setStarted(id, 'another', new Date(8))).toBe(false);
      expect(await store().setStarted(id, _id, new Date(8))).toBe(true);
      const started = { status: 'running', stopped: null, release_id: 'r1' } as const;
      expect(await store().service(id)).toMatchObject(started);
      await store().setStopped(id, stop);
      await store().setServing(id, _id, 'r2', new Date(9));
      expect(await store().service(id)).toMatchObject({ ...started, release_id: 'r2' });
    });

    it('says who is before another in the line', async () => {
      const [first, second, third] = [await accept(), await accept(), await accept()];
      const before = async (turn: number): Promise<string | undefined> =>
        (await store().firstBefore(first.service_id, turn))?._id;
      expect([await before(1), await before(2), await before(3)]).toEqual([
        ...[undefined, first._id, first._id],
      ]);
      await store().change({ ...hold, id: first._id }, { status: 'failed' });
      expect([await before(2), await before(3)]).toEqual([undefined, second._id]);
      expect((await store().unfinishedOn(name)).map(({ _id }) => _id)).toEqual([
        ...[second._id, third._id],
      ]);
    });

    it('gives what is done by SSH to workers of every host', async () => {
      const host = `ssh://deploy@${name}:22`;
      const { _id } = await accept({ host });
      const own = await accept();
      const idsFor = async (worker: string): Promise<readonly string[]> =>
        (await store().unfinishedOn(worker))
          .filter(({ service_id: id }) => id === `default/${name}`)
          .map(({ _id: id }) => id);
      expect(await idsFor('somewhere')).toEqual([_id]);
      expect(await idsFor(name)).toEqual([_id, own._id]);
      await store().change({ ...hold, id: _id }, { status: 'success' });
      expect(await idsFor('somewhere')).toEqual([]);
    });

    it('gives what is suspended to workers of every host, until somebody takes it', async () => {
      const { _id } = await accept();
      const idsFor = async (worker: string): Promise<readonly string[]> =>
        (await store().unfinishedOn(worker))
          .filter(({ service_id: id }) => id === `default/${name}`)
          .map(({ _id: id }) => id);
      expect(await idsFor('somewhere')).toEqual([]);
      const expires_at = new Date(1_000);
      const approved_files = [{ service: 'a.b', digest: 'sha256:1' }];
      const change = { suspended_in: 2, expires_at, approved_files, images_on: 'web-1' } as const;
      await store().change({ ...hold, id: _id }, change);
      expect(await store().find(_id)).toMatchObject(change);
      expect(await idsFor('somewhere')).toEqual([_id]);
      expect(await store().take({ _id, fence: 1 }, 'w')).toMatchObject({ suspended_in: null });
      const moved = await store().take({ _id, fence: 2 }, 'w', 'other');
      expect([moved?.host, (await store().find(_id))?.host]).toEqual(['other', 'other']);
      expect((await store().take({ _id, fence: 3 }, 'w'))?.host).toBe('other');
      expect(await idsFor('somewhere')).toEqual([]);
    });

    it('lets one of twenty take a deployment, and refuses writes of whoever had it', async () => {
      const { _id } = await accept();
      const taken = await Promise.all(
        Array.from({ length: 20 }, (_item, n) => store().take({ _id, fence: 1 }, `w${n}`)),
      );
      expect(taken.filter((one) => one !== undefined)).toMatchObject([{ fence: 2 }]);
      expect(await store().change({ id: _id, fence: 1 }, { status: 'success' })).toBe(false);
      expect(await store().change({ id: _id, fence: 2 }, { status: 'success' })).toBe(true);
      expect(await store().take({ _id, fence: 2 }, 'late')).toBeUndefined();
      expect(await store().requestCancel(_id, 'ada')).toBe(false);
    });

    it('keeps who wants to cancel', async () => {
      const { _id } = await accept();
      expect(await store().requestCancel(_id, 'ada')).toBe(true);
      expect((await store().find(_id))?.cancel_requested_by).toBe('ada');
    });

    it('lets a deployment either be cancelled or switch', async () => {
      const change = { status: 'running' } as const;
      const cancelled = (await accept())._id;
      expect(await store().requestCancel(cancelled, 'ada')).toBe(true);
      expect(await store().enterSwitch({ id: cancelled, fence: 1 }, change)).toBe(false);
      expect((await store().find(cancelled))?.phase).toBeNull();
      const switched = (await accept())._id;
      expect(await store().enterSwitch({ id: switched, fence: 2 }, change)).toBe(false);
      expect(await store().enterSwitch({ id: switched, fence: 1 }, change)).toBe(true);
      expect(await store().find(switched)).toMatchObject({ ...change, phase: 'switch' });
      expect(await store().requestCancel(switched, 'ada')).toBe(false);
      await store().change({ id: switched, fence: 1 }, { phase: 'clean_up' });
      expect(await store().requestCancel(switched, 'ada')).toBe(false);
      expect((await store().find(switched))?.cancel_requested_by).toBeNull();
      const both = await Promise.all(
        Array.from({ length: 10 }, async () => {
          const id = (await accept())._id;
          return Promise.all([
            store().requestCancel(id, 'ada'),
            store().enterSwitch({ id, fence: 1 }, change),
          ]);
        }),
      );
      expect(both.filter(([isCancelled, isSwitched]) => isCancelled === isSwitched)).toEqual([]);
    });

    it('gives a service to one deployment at a time', async () => {
      const { service_id: id } = await accept();
      const claims = await Promise.all(['a', 'b'].map((one) => store().claimService(id, one)));
      expect(claims.filter(Boolean)).toEqual([true]);
      const [holder, other] = claims[0] ? ['a', 'b'] : ['b', 'a'];
      expect(await store().claimService(id, holder)).toBe(true);
      const at = new Date(5);
      expect(await store().setServing(id, other, 'r', at)).toBe(false);
      expect(await store().setServing(id, holder, 'before', at)).toBe(true);
      await store().setProcess(id, 'other', 7);
      expect((await store().service(id))?.process_id).toBeNull();
      await store().setProcess(id, 'before', 7);
      expect((await store().service(id))?.process_id).toBe(7);
      const problem = { code: 'release_failed', message: 'it failed' };
      await store().setProblem(id, 'other', problem);
      expect((await store().service(id))?.problem).toBeNull();
      await store().setProblem(id, 'before', problem);
      expect((await store().service(id))?.problem).toEqual(problem);
      // Of another release nothing is known yet.
      expect(await store().setServing(id, holder, 'r', at)).toBe(true);
      expect(await store().service(id)).toMatchObject({ process_id: null, problem: null });
      await store().freeService(id, other);
      expect((await store().service(id))?.active).toBe(holder);
      await store().freeService(id, holder);
      expect(await store().service(id)).toMatchObject({
        ...{ active: null, release_id: 'r', deployment_id: holder, updated_at: at },
      });
      expect(await store().claimService('default/nothing', 'a')).toBe(false);
    });

    it('numbers releases, and lists them the newest first', async () => {
      const { service_id, _id: deployment_id } = await accept();
      const numbers = await Promise.all([1, 2, 3].map(() => store().nextRelease(service_id)));
      expect([...numbers].sort()).toEqual([1, 2, 3]);
      const release = (number: number): Release => ({
        ...{ _id: uuidV7(), service_id, environment: 'default', service: name, number },
        ...{ type: 'local_directory', settings: SETTINGS, host: name, status: 'preparing' },
        ...{ deployment_id, execution_id: null, dated_by: null, pipeline_id: null, commit: null },
        ...{ digest: null, files: 0, bytes: 0, created_at: new Date(0), served_at: null },
      });
      const [one, two] = [release(1), release(2)];
      await store().insertRelease(one);
      await store().insertRelease(two);
      await store().insertRelease(two);
      const change: ReleaseChange = {
        ...{ status: 'serving', digest: 'sha256:1', instance: 1, watch_until: new Date(4) },
        ...{ drain_until: new Date(2), drains_since: new Date(1) },
        draining_instances: [{ instance: 0, until: new Date(3) }],
      };
      await store().changeRelease(one._id, change);
      expect((await store().releasesOf(service_id)).map(({ number }) => number)).toEqual([2, 1]);
      const both = await store().releasesWith([one._id, two._id, uuidV7()]);
      expect([...both.values()].map(({ number }) => number).sort()).toEqual([1, 2]);
      expect([...(await store().releasesWith([])).keys()]).toEqual([]);
      await store().changeRelease(two._id, { status: 'removed' });
      expect(await store().everServedOn(two.host)).toEqual([service_id]);
      expect(await store().everServedOn('nowhere')).toEqual([]);
      expect(await store().release(one._id)).toEqual({ ...one, ...change });
    });

    it('lists pages, the newest first', async () => {
      const ids: string[] = [];
      for (let n = 0; n < 3; n += 1) ids.unshift((await accept())._id);
      const first = await store().list({ service: name }, { limit: 2 });
      expect(first).toMatchObject({ items: ids.slice(0, 2).map((_id) => ({ _id })) });
      const rest = await store().list({ service: name }, { limit: 2, after: first.next });
      expect(rest).toMatchObject({ items: [{ _id: ids[2] }] });
      expect(rest.next).toBeUndefined();
      const none = await store().list({ service: name, status: 'failed' }, { limit: 2 });
      expect(none.items).toEqual([]);
      const filter = { executionId: ids[1] ?? '', environment: 'default' };
      expect((await store().list(filter, { limit: 2 })).items).toMatchObject([{ _id: ids[1] }]);
    });

    it('finds services by id, UUID and host', async () => {
      await accept();
      const one = await store().service(`default/${name}`);
      expect(one?.host).toBe(name);
      expect(await store().serviceWithUuid(one?.id ?? '')).toEqual(one);
      expect(await store().serviceWithUuid(uuidV7())).toBeUndefined();
      expect(await store().servicesWith([`default/${name}`, 'default/none'])).toEqual([one]);
      expect(await store().servicesWith([])).toEqual([]);
      expect(await store().servicesOn(name)).toEqual([one]);
      expect(await store().servicesOn('nowhere')).toEqual([]);
    });
  });
}

const memory = new MemoryDeploymentStore();
describeDeploymentStore('MemoryDeploymentStore', () => memory);
