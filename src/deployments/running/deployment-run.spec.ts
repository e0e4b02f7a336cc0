import { uuidV7 } from '../../common/ids/uuid.js';
import type { Deployment, Release, TargetSettings } from '../record/deployment.js';
import type { NewDeployment, NewService } from '../record/deployment-store.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import {
  DeployRefusedError,
  type ReleaseRunner,
  TargetAwayError,
} from '../targets/deploy-target.js';
import { DeploymentRun } from './deployment-run.js';
import { Files, Killed, MemoryTarget } from './memory-target.fixture.js';
import { DeploymentFencedError, type RunDeployment } from './recorded-run.js';

const SETTINGS: TargetSettings = {
  ...{ type: 'local_directory', path: '/srv/shop', keep: 2 },
  ...{ exclude: [], shared: [], permissions: {} },
};
const RUNNER: ReleaseRunner = {
  start: () => Promise.resolve(),
  gate: () => Promise.resolve(),
  closed: () => Promise.resolve(),
  stop: () => Promise.resolve(),
  instanceServing: () => Promise.resolve(0),
  probe: () => Promise.resolve({ hasEnded: false, restarts: 0 }),
  answer: () => Promise.resolve(undefined),
  before: () => undefined,
  warnings: () => Promise.resolve([]),
  runBefore: () => Promise.resolve(),
  drainMs: () => 0,
  keepAssetsMs: () => 0,
  watchMs: () => 0,
};

describe('DeploymentRun', () => {
  let store: MemoryDeploymentStore;
  let target: MemoryTarget;
  const never = new AbortController().signal;

  beforeEach(() => {
    store = new MemoryDeploymentStore();
    target = new MemoryTarget();
  });

  const service: NewService = {
    ...{ _id: 'default/shop', id: 's', name: 'shop', environment: 'default', host: 'h' },
    ...{ service_type: 'local_directory', place: 'h:/srv/shop', status: 'starting' },
    ...{ release_id: null, deployment_id: null },
    ...{ created_at: new Date(0), updated_at: new Date(0) },
  };
  const accept = (more: Partial<NewDeployment> = {}): Promise<Deployment> => {
    const _id = uuidV7();
    return store.accept(
      {
        ...{ _id, request_key: _id, kind: 'deploy', service_id: 'default/shop', service: 'shop' },
        ...{ environment: 'default', type: 'local_directory', settings: SETTINGS, host: 'h' },
        ...{ status: 'pending', phase: null, phases: [], reason: null, warnings: [] },
        ...{ worker_id: 'w', fence: 1, release_id: null, previous_release_id: null },
        ...{ execution_id: _id, pipeline_id: null, pipeline_name: null, stage: null, step: null },
        ...{ commit: null, branch: null, triggered_by: 'ada', cancel_requested_by: null },
        ...{ logs: [], created_at: new Date(0), started_at: null, finished_at: null, ...more },
      },
      service,
    );
  };
  const runOf = (deployment: Deployment, asked: Partial<RunDeployment> = {}): Promise<Deployment> =>
    new DeploymentRun(
      deployment,
      { store, host: 'h', targetOf: () => target },
      { signal: never, ...asked },
    ).run();
  const deploy = async (text: string, more: Partial<NewDeployment> = {}): Promise<Deployment> => {
    const accepted = await accept(more);
    return runOf(accepted, {
      source: new Files(text),
      datedBy: accepted.execution_id ?? undefined,
    });
  };
  /** Another worker takes what a killed one left. */
  const recover = async ({ _id }: Deployment): Promise<Deployment> => {
    const seen = await store.find(_id);
    if (!seen) throw new Error('it was lost');
    const taken = await store.take(seen, 'w2');
    return taken ? runOf(taken) : seen;
  };
  const kill = (): never => {
    throw new Killed();
  };
  const statuses = (): Record<number, string> =>
    Object.fromEntries([...store.releases.values()].map((one) => [one.number, one.status]));

  it('records what it does, keeps what has served, and frees the service', async () => {
    const first = await deploy('one');
    expect(first).toMatchObject({ status: 'success', reason: { data: { release: 1 } } });
    expect(first.phases.map(({ name }) => name)).toEqual([
      ...['plan', 'prepare', 'switch', 'clean_up'],
    ]);
    expect(first.phases.every(({ finished_at: at }) => at !== null)).toBe(true);
    await deploy('two');
    const third = await deploy('three');
    expect(third).toMatchObject({
      reason: { code: 'release_serves', data: { release: 3, previous: 2 } },
      logs: expect.arrayContaining(['release 1 is removed']) as string[],
    });
    expect(statuses()).toEqual({ 1: 'removed', 2: 'kept', 3: 'serving' });
    expect([...target.placed.keys()]).toEqual([2, 3]);
    expect(await store.service('default/shop')).toMatchObject({
      ...{ active: null, status: 'running', deployment_id: third._id },
    });
  });

  it('refuses another type of deployment where something serves', async () => {
    await deploy('one');
    const other = await deploy('two', { type: 'local_service' });
    expect(other).toMatchObject({ status: 'failed', reason: { code: 'type_changed' } });
    expect(target.current).toBe(1);
  });

  it.each(['plan', 'prepare', 'switchTo'])('changes nothing where %s fails', async (what) => {
    await deploy('one');
    target.fails.set(what, () => {
      throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' });
    });
    const failed = await deploy('two');
    expect(failed).toMatchObject({ status: 'failed', reason: { code: 'deploy_failed' } });
    expect([target.current, [...target.placed.keys()]]).toEqual([1, [1]]);
    expect((await store.service('default/shop'))?.active).toBeNull();
    target.fails.clear();
    expect(await deploy('three')).toMatchObject({ status: 'success' });
  });

  it('ends as it switched, whatever fails after the switch', async () => {
    target.fails.set('switched', () => {
      throw new Error('the answer was lost');
    });
    expect(await deploy('one')).toMatchObject({ status: 'success' });
    target.fails.clear();
    await deploy('two');
    target.fails.set('remove', () => {
      throw new Error('busy');
    });
    expect(await deploy('three')).toMatchObject({
      ...{ status: 'success', warnings: [{ code: 'clean_up_failed' }] },
    });
    expect(target.current).toBe(3);
  });

  it.each([
    ['plan', 'failed', 2],
    ['prepare', 'failed', 2],
    ['switchTo', 'failed', 2],
    ['switched', 'success', 3],
    ['remove', 'success', 3],
  ])('killed at %s, another worker brings it to its end: %s', async (what, status, serving) => {
    await deploy('one');
    await deploy('two');
    const accepted = await accept();
    target.fails.set(what, kill);
    await runOf(accepted, { source: new Files('three') }).catch(() => undefined);
    target.fails.clear();
    const ended = await recover(accepted);
    expect(ended).toMatchObject({ status, fence: 2 });
    if (status === 'failed') expect(ended.reason?.code).toBe('worker_lost');
    expect(target.current).toBe(serving);
    expect(statuses()[serving]).toBe('serving');
    expect([...target.placed.keys()]).toEqual(serving === 3 ? [2, 3] : [1, 2]);
    expect((await store.service('default/shop'))?.active).toBeNull();
    expect(target.wasAskedArmed).toBe(false);
  });

  it('of a worker that slept, nothing counts once another has taken the deployment', async () => {
    await deploy('one');
    const accepted = await accept();
    target.fails.set('switchTo', () => {
      target.fails.clear();
      // All of this happens while it sleeps right before the switch.
      target.armed = undefined;
      const { _id } = accepted;
      const seen = store.deployments.get(_id);
      if (seen) store.deployments.set(_id, { ...seen, fence: 2, worker_id: 'w2' });
    });
    await expect(runOf(accepted, { source: new Files('two') })).rejects.toThrow(
      DeploymentFencedError,
    );
    expect(target.current).toBe(1);
    expect(await store.find(accepted._id)).toMatchObject({ status: 'running', phase: 'switch' });
  });

  it('waits for those before it, says for which, and is refused where it is older', async () => {
    const [first, second] = [await accept(), await accept()];
    const waiting = runOf(second, { source: new Files('two'), datedBy: 'b' });
    while ((await store.find(second._id))?.status !== 'waiting') await nextTurn();
    expect((await store.find(second._id))?.reason).toMatchObject({
      ...{ code: 'behind_deployment', data: { deployment_id: first._id } },
    });
    await runOf(first, { source: new Files('one'), datedBy: 'c' });
    expect(await waiting).toMatchObject({ status: 'failed', reason: { code: 'older_execution' } });
    expect(target.current).toBe(1);
  });

  it('takes a service from a deployment that is over', async () => {
    await deploy('one');
    const over = [...store.deployments.keys()][0] ?? '';
    await store.claimService('default/shop', over);
    expect(await deploy('two')).toMatchObject({ status: 'success' });
  });

  it('goes back to a release that is kept as it was, and to no other', async () => {
    await deploy('one');
    await deploy('two');
    const kept = [...store.releases.values()].find(({ number }) => number === 1);
    const back = async (): Promise<Deployment> =>
      runOf(await accept({ kind: 'rollback', release_id: kept?._id ?? '' }));
    target.placed.set(1, 'changed');
    expect(await back()).toMatchObject({ status: 'failed', reason: { code: 'release_changed' } });
    target.placed.set(1, 'one');
    expect(await back()).toMatchObject({ status: 'success', reason: { data: { previous: 2 } } });
    expect([target.current, statuses()]).toEqual([1, { 1: 'serving', 2: 'kept' }]);
    target.placed.delete(2);
    const gone = [...store.releases.values()].find(({ number }) => number === 2);
    const none = await runOf(await accept({ kind: 'rollback', release_id: gone?._id ?? '' }));
    expect(none.reason?.code).toBe('release_gone');
  });

  it('copies a release that comes back with other variables, and does once nothing again', async () => {
    const calls: string[] = [];
    target.runner = {
      ...RUNNER,
      before: () => 'npm run migrate',
      runBefore: () => Promise.resolve(void calls.push('before')),
      watchMs: () => 60_000,
    };
    await deploy('one');
    await deploy('two');
    calls.length = 0;
    const [first] = [...store.releases.values()].filter(({ number }) => number === 1);
    const source_release_id = first?._id ?? '';
    const copy = async (digest = first?.digest ?? ''): Promise<Deployment> =>
      runOf(await accept({ kind: 'rollback', source_release_id }), {
        ...{ source: new Files('one'), digest, datedBy: '0', mayBeOlder: true },
      });
    expect(await copy('sha256:other')).toMatchObject({ reason: { code: 'digest_differs' } });
    expect([target.current, target.placed.has(3)]).toEqual([2, false]);
    const back = await copy();
    expect(back).toMatchObject({ status: 'success', reason: { data: { release: 4 } } });
    expect([calls, target.current, target.placed.get(4)]).toEqual([[], 4, 'one']);
    expect(statuses()).toMatchObject({ 1: 'draining', 3: 'failed', 4: 'serving' });
    expect((await store.release(back.release_id ?? ''))?.watch_until).toBeNull();
  });

  it('knows that a service has failed whose watch could not let it go back', async () => {
    target.runner = { ...RUNNER };
    await deploy('one');
    await deploy('two');
    const [one, two] = [...store.releases.values()].map(({ _id }) => _id);
    const watched = { service_id: 'default/shop', release_id: two ?? '' };
    const why = { code: 'watch_failed', message: 'release 2 failed 3 s after its switch: no' };
    const back = async (): Promise<Deployment> =>
      runOf(await accept({ kind: 'rollback', release_id: one ?? '', watched, warnings: [why] }));
    const problem = (): unknown => store.serviceRecords.get('default/shop')?.problem;
    const refused = new DeployRefusedError({ code: 'gate_failed', message: 'it answers 500' });
    target.runner = { ...RUNNER, gate: () => Promise.reject(refused) };
    expect(await back()).toMatchObject({ status: 'failed' });
    expect(problem()).toEqual({
      code: 'release_failed',
      message:
        'release 2 failed 3 s after its switch: no; it did not go back: it answers 500. Nothing more is done by itself',
    });
    target.runner = RUNNER;
    await deploy('three');
    expect(problem()).toBeNull();
  });

  it('says of what comes back how its environment differs, before it is started', async () => {
    await deploy('one');
    expect(target.before).toBeUndefined();
    await deploy('two');
    expect(target.before).toBe(1);
    const numbers: unknown[] = [];
    const told = { code: 'environment_differs', message: 'TOKEN is different today' };
    const environments = {
      warnings: (...both: readonly ({ readonly number: number } | undefined)[]) => {
        numbers.push(...both.map((one) => one?.number));
        return Promise.resolve([told]);
      },
      ofParts: () => Promise.resolve([]),
    };
    const run = async (more: Partial<NewDeployment>): Promise<Deployment> => {
      const tools = { store, host: 'h', targetOf: () => target, environments };
      const asked = { signal: never, source: new Files('three') };
      return new DeploymentRun(await accept(more), tools, asked).run();
    };
    const [first] = [...store.releases.values()].filter(({ number }) => number === 1);
    const back = await run({ kind: 'rollback', release_id: first?._id ?? '' });
    expect([back.warnings, numbers]).toEqual([[told], [1, 2]]);
    expect(back.logs[0]).toBe('warning: TOKEN is different today');
    expect((await run({})).warnings).toEqual([]);
  });

  it('shows no secret, neither in its lines nor in its reason', async () => {
    target.fails.set('prepare', () => {
      throw new DeployRefusedError({ code: 'gate_failed', message: 'no, hunter-22 is wrong' });
    });
    const told: string[] = [];
    const mask = (text: string): string => text.replaceAll('hunter-22', '***');
    const tell = (line: string): number => told.push(line);
    const ended = await runOf(await accept(), { source: new Files('one'), mask, tell });
    expect(ended.reason?.message).toBe('no, *** is wrong');
    expect(JSON.stringify([ended, told])).not.toContain('hunter-22');
  });

  it('starts nothing of what may still be ending of a release that is kept', async () => {
    await deploy('one');
    await deploy('two');
    const calls: string[] = [];
    const call = (name: string) => (): Promise<void> => {
      calls.push(name);
      return Promise.resolve();
    };
    const runner = { start: call('start'), gate: call('gate'), stop: call('stop') };
    target.runner = { ...RUNNER, ...runner, drainMs: () => 60_000 };
    const back = async (number: number): Promise<Deployment> => {
      const release = [...store.releases.values()].find((one) => one.number === number);
      return runOf(await accept({ kind: 'rollback', release_id: release?._id ?? '' }));
    };
    expect(await back(1)).toMatchObject({ status: 'success' });
    expect(calls.splice(0)).toEqual(['stop', 'start', 'gate']);
    // What drains has connections still.
    expect(statuses()).toEqual({ 1: 'serving', 2: 'draining' });
    expect(await back(2)).toMatchObject({ status: 'success' });
    expect(calls).toEqual(['start', 'gate']);
  });

  describe('of a service whose old releases drain', () => {
    const drainFor = (ms: number): void => {
      target.runner = { ...RUNNER, drainMs: () => ms };
    };
    const release = (number: number): string =>
      [...store.releases.values()].find((one) => one.number === number)?._id ?? '';
    const text = /^release 1 ends before its drain is over \(.+Z\): of a service at most 3 old/;
    const cut = (number: number) => ({
      ...{ code: 'drain_cut', data: { release: number } },
      message: expect.stringMatching(new RegExp(text.source.replace('1', `${number}`))) as string,
    });

    it('lets three of them drain, ends the oldest for the next one, and says so', async () => {
      drainFor(60_000);
      for (const one of ['one', 'two', 'three', 'four']) {
        expect((await deploy(one)).warnings).toEqual([]);
      }
      const fifth = await deploy('five');
      expect(fifth).toMatchObject({ status: 'success', warnings: [cut(1)] });
      expect(fifth.logs).toContainEqual(expect.stringMatching(/^warning: release 1 ends before/));
      expect(statuses()).toMatchObject({ 1: 'kept', 2: 'draining', 4: 'draining', 5: 'serving' });
    });

    it('ends the oldest, though a newer one has less time', async () => {
      drainFor(3_600_000);
      await deploy('one');
      await deploy('two');
      drainFor(60_000);
      for (const one of ['three', 'four']) await deploy(one);
      expect((await deploy('five')).warnings).toEqual([cut(1)]);
      expect(statuses()).toMatchObject({ 1: 'kept', 2: 'draining', 3: 'draining', 4: 'draining' });
    });

    it('ends none for one that has no drain, nor for one whose drain is over', async () => {
      drainFor(60_000);
      for (const one of ['one', 'two', 'three', 'four']) await deploy(one);
      drainFor(0);
      expect((await deploy('five')).warnings).toEqual([]);
      drainFor(60_000);
      store.releases.set(release(1), {
        ...(store.releases.get(release(1)) as Release),
        drain_until: new Date(Date.now() - 1),
      });
      expect((await deploy('six')).warnings).toEqual([]);
    });

    it('ends none for one that comes back from its drain', async () => {
      drainFor(60_000);
      for (const one of ['one', 'two', 'three', 'four']) await deploy(one);
      const back = await runOf(await accept({ kind: 'rollback', release_id: release(1) }));
      expect(back).toMatchObject({ status: 'success', warnings: [] });
      expect(statuses()).toEqual({ 1: 'serving', 2: 'draining', 3: 'draining', 4: 'draining' });
    });

    it('says it once, whoever is killed in between', async () => {
      drainFor(60_000);
      for (const one of ['one', 'two', 'three', 'four']) await deploy(one);
      const fifth = await accept();
      const end = jest.spyOn(store, 'endDrain').mockImplementationOnce(kill);
      await expect(runOf(fifth, { source: new Files('five') })).rejects.toThrow(Killed);
      expect(statuses()).toMatchObject({ 1: 'draining', 4: 'serving' });
      expect((await recover(fifth)).warnings).toEqual([cut(1)]);
      expect(statuses()).toMatchObject({ 1: 'kept', 2: 'draining', 4: 'draining', 5: 'serving' });
      end.mockRestore();
    });
  });

  it('keeps the release before running as long as its files are wanted', async () => {
    target.runner = { ...RUNNER, drainMs: () => 10_000, keepAssetsMs: () => 600_000 };
    await deploy('one');
    const from = Date.now();
    await deploy('two');
    const [before] = [...store.releases.values()].filter(({ number }) => number === 1);
    expect(before?.drain_until?.getTime()).toBeGreaterThanOrEqual(from + 600_000);
    target.runner = { ...RUNNER, drainMs: () => 10_000 };
    await deploy('three');
    const [next] = [...store.releases.values()].filter(({ number }) => number === 2);
    expect(next?.drain_until?.getTime()).toBeLessThan(from + 600_000);
  });

  it('runs once what a release says, before it starts, and watches it behind the switch', async () => {
    const calls: string[] = [];
    target.runner = {
      ...RUNNER,
      before: () => 'npm run migrate',
      runBefore: () => {
        calls.push('before');
        target.fails.get('before')?.();
        return Promise.resolve();
      },
      start: () => Promise.resolve(void calls.push('start')),
      watchMs: () => 60_000,
    };
    const watched = async (number: number): Promise<Date | null | undefined> =>
      (await store.releasesOf('default/shop')).find((one) => one.number === number)?.watch_until;
    const first = await deploy('one');
    expect(first.phases.map(({ name }) => name)).toEqual([
      ...['plan', 'prepare', 'before_switch', 'start', 'gate', 'switch', 'clean_up'],
    ]);
    expect(calls.splice(0)).toEqual(['before', 'start']);
    // There is nothing to go back to.
    expect(await watched(1)).toBeNull();
    await deploy('two');
    expect((await watched(2))?.getTime()).toBeGreaterThan(Date.now());
    const release_id = first.release_id;
    calls.length = 0;
    await runOf(await accept({ kind: 'rollback', release_id }));
    expect([calls, await watched(1)]).toEqual([['start'], null]);

    target.fails.set('before', () => {
      throw new DeployRefusedError({ code: 'before_switch_failed', message: 'no table' });
    });
    calls.length = 0;
    expect((await deploy('three')).reason?.code).toBe('before_switch_failed');
    expect([calls, target.current, target.placed.has(3)]).toEqual([['before'], 1, false]);
    target.fails.set('before', kill);
    const accepted = await accept();
    await expect(runOf(accepted, { source: new Files('four') })).rejects.toThrow(Killed);
    target.fails.clear();
    const { reason } = await recover(accepted);
    expect([reason?.code, target.current]).toEqual(['worker_lost', 1]);
    expect(reason?.message).toContain('of which a part may be done');
  });

  it('keeps what a gate has said with its phase, passed or not, and nothing secret of it', async () => {
    const mask = (text: string): string => text.replaceAll('hunter-22', '***');
    const nothing = (): Promise<void> => Promise.resolve();
    const refusals: DeployRefusedError[] = [];
    target.runner = {
      ...{ ...RUNNER, start: nothing, stop: nothing },
      gate: async (_release, tell) => {
        tell('it says hunter-22');
        for (const refusal of refusals) throw refusal;
      },
    };
    const saidOf = ({ phases }: Deployment): unknown =>
      phases.flatMap(({ name, said }) => (said ? [{ name, said }] : []));
    const passed = await runOf(await accept(), { source: new Files('one'), mask });
    expect(passed.status).toBe('success');
    refusals.push(new DeployRefusedError({ code: 'gate_failed', message: 'no' }));
    const failed = await runOf(await accept(), { source: new Files('two'), mask });
    expect(failed.status).toBe('failed');
    for (const { _id } of [passed, failed]) {
      const stored = await store.find(_id);
      expect(stored && saidOf(stored)).toEqual([{ name: 'gate', said: ['it says ***'] }]);
    }
  });

  it('ends also where what was begun cannot be removed, and the next one removes it', async () => {
    const busy = (): never => {
      throw Object.assign(new Error('device or resource busy'), { statusCode: 500 });
    };
    target.fails.set('prepare', () => {
      throw new DeployRefusedError({ code: 'gate_failed', message: 'no' });
    });
    target.fails.set('remove', busy);
    expect(await deploy('one')).toMatchObject({
      ...{ status: 'failed', reason: { code: 'gate_failed' } },
      warnings: [{ code: 'clean_up_failed' }],
    });
    target.fails.clear();
    expect(await deploy('two')).toMatchObject({ status: 'success' });
    expect([...target.placed.keys()]).toEqual([2]);
  });

  it('stops before the switch, and not after it', async () => {
    await deploy('one');
    const control = new AbortController();
    target.fails.set('prepare', () => control.abort({ kind: 'interrupt' }));
    const asked = { source: new Files('two'), signal: control.signal };
    expect(await runOf(await accept(), asked)).toMatchObject({
      ...{ status: 'cancelled', reason: { code: 'interrupted' } },
    });
    target.fails.clear();
    const wanted = await accept();
    await store.requestCancel(wanted._id, 'ada');
    expect(await runOf(wanted, { source: new Files('two') })).toMatchObject({
      ...{ status: 'cancelled', reason: { code: 'cancelled', data: { by: 'ada' } } },
    });
    expect([target.current, [...target.placed.keys()]]).toEqual([1, [1]]);
    const armed = await accept();
    target.fails.set('arm', () => void store.requestCancel(armed._id, 'ada'));
    expect(await runOf(armed, { source: new Files('two') })).toMatchObject({
      ...{ status: 'cancelled', reason: { code: 'cancelled', data: { by: 'ada' } } },
    });
    target.fails.clear();
    expect([target.current, target.armed]).toEqual([1, undefined]);
    const late = new AbortController();
    target.fails.set('switched', () => late.abort({ kind: 'cancel' }));
    const asked2 = { source: new Files('three'), signal: late.signal };
    expect(await runOf(await accept(), asked2)).toMatchObject({ status: 'success' });
  });

  it('is cancelled also by whoever does so in the moment of the switch, and is told so', async () => {
    await deploy('one');
    const wanted = await accept();
    const enter = store.enterSwitch.bind(store);
    const told: boolean[] = [];
    store.enterSwitch = async (hold, change) => {
      told.push(await store.requestCancel(wanted._id, 'ada'));
      return enter(hold, change);
    };
    expect(await runOf(wanted, { source: new Files('two') })).toMatchObject({
      ...{ status: 'cancelled', reason: { code: 'cancelled', data: { by: 'ada' } } },
    });
    expect([told, target.current, target.armed]).toEqual([[true], 1, undefined]);
    expect([...target.placed.keys()]).toEqual([1]);
  });

  it('tells what its target has said of why it could not switch', async () => {
    await deploy('one');
    target.fails.set('switchTo', () => {
      throw new TargetAwayError({ code: 'ssh_lost', message: 'the connection was lost' });
    });
    expect(await deploy('two')).toMatchObject({
      ...{ status: 'failed', reason: { code: 'ssh_lost', message: 'the connection was lost' } },
    });
    expect([target.current, target.armed]).toEqual([1, undefined]);
  });

  describe('with an instance', () => {
    let gates: number;
    let probes: number;
    let problem: string | undefined;

    beforeEach(() => {
      [gates, probes, problem] = [0, 0, undefined];
      target.runner = {
        ...RUNNER,
        gate: () => {
          gates += 1;
          return problem === undefined ? Promise.resolve() : Promise.reject(refusal(problem));
        },
        // What runs it may be away by now.
        probe: () => Promise.reject(new TargetAwayError({ code: 'engine_away', message: 'away' })),
        answer: () => {
          probes += 1;
          return Promise.resolve(problem);
        },
      };
    });
    const refusal = (message: string): DeployRefusedError =>
      new DeployRefusedError({ code: 'gate_failed', message });
    /** What it is made ready for takes a while. */
    const lasts = (ms: number): void => {
      let clock = 1_000;
      jest.spyOn(performance, 'now').mockImplementation(() => clock);
      target.fails.set('arm', () => (clock += ms));
    };
    afterEach(() => jest.restoreAllMocks());

    it('keeps and tells what is to be told of an instance that has passed', async () => {
      const open = { code: 'open_to_others', message: 'it listens at 0.0.0.0:1' };
      if (target.runner) target.runner.warnings = () => Promise.resolve([open]);
      expect(await deploy('one')).toMatchObject({
        ...{ status: 'success', warnings: [open] },
        logs: expect.arrayContaining([`warning: ${open.message}`]) as string[],
      });
    });

    it('switches at once behind its gate', async () => {
      lasts(100);
      expect((await deploy('one')).status).toBe('success');
      expect([gates, probes]).toEqual([1, 0]);
    });

    it('looks once more where its gate is a while ago, and does not switch to what has failed', async () => {
      lasts(2_000);
      expect((await deploy('one')).status).toBe('success');
      expect([gates, probes]).toEqual([1, 1]);
      target.fails.set('arm', () => (problem = 'no connection'));
      lasts(2_000);
      const arm = target.fails.get('arm');
      target.fails.set('arm', () => {
        arm?.();
        problem = 'no connection';
      });
      expect(await deploy('two')).toMatchObject({
        ...{ status: 'failed', reason: { code: 'gate_failed' } },
        logs: expect.arrayContaining(['release 2 answers no more: no connection']) as string[],
      });
      expect([target.current, gates]).toEqual([1, 3]);
    });
  });

  it.each([
    ['a deployment', { triggered_by: 'ada' }, null],
    ['what the system does', { triggered_by: 'system', failed_release_id: 'r1' }, new Date(9e12)],
  ])('by %s the watch of what serves ends or stays', async (_name, more, expected) => {
    await deploy('one');
    const [serving] = [...store.releases.values()];
    if (serving === undefined) throw new Error('it is there');
    const failed = 'failed_release_id' in more && { failed_release_id: serving._id };
    await store.changeRelease(serving._id, { watch_until: new Date(9e12) });
    target.fails.set('prepare', () => {
      throw new DeployRefusedError({ code: 'no', message: 'no' });
    });
    expect((await deploy('two', { ...more, ...failed })).status).toBe('failed');
    expect((await store.release(serving._id))?.watch_until).toEqual(expected);
  });

  it('deploys the same files of one execution once', async () => {
    const first = await deploy('one', { execution_id: 'e' });
    const again = await deploy('one', { execution_id: 'e' });
    expect(again).toMatchObject({
      ...{ status: 'success', reason: { code: 'already_serves' }, release_id: first.release_id },
    });
    expect(target.current).toBe(1);
    expect(await deploy('one', { execution_id: 'f' })).toMatchObject({
      reason: { code: 'release_serves' },
    });
  });

  it('puts a release into the service of one that was stopped, also the same files', async () => {
    target.runner = RUNNER;
    await deploy('one', { execution_id: 'e' });
    const stopped = { deployment_id: 'd', by: 'ada', at: new Date(0), message: null };
    const [first] = store.releases.values();
    const shop = store.serviceRecords.get('default/shop');
    if (first === undefined || shop === undefined) throw new Error('it is there');
    store.releases.set(first._id, { ...first, status: 'kept' });
    store.serviceRecords.set(shop._id, { ...shop, status: 'stopped', stopped });
    const again = await deploy('one', { execution_id: 'e' });
    expect(again).toMatchObject({ reason: { code: 'release_serves', data: { previous: 1 } } });
    // It had its drain when it was stopped.
    expect(statuses()).toEqual({ 1: 'kept', 2: 'serving' });
    expect(await store.service('default/shop')).toMatchObject({ status: 'running', stopped: null });
    await deploy('two', { execution_id: 'f' });
    expect(statuses()).toMatchObject({ 2: 'draining', 3: 'serving' });
  });

  it('deploys the same image of one execution again where it is run in another way', async () => {
    const settings: TargetSettings = {
      ...{ type: 'docker_container', service_id: '/srv/shop', keep: 2, image: 'shop:1', port: 80 },
      ...{ image_id: 'i', published: { address: '127.0.0.1' }, variables: 'v1', drain: 0 },
      ...{ gate: { status: { from: 200, to: 299 }, timeoutMs: 1, stableMs: 0 }, limits: {} },
    };
    const execution_id = 'e';
    await deploy('one', { execution_id, settings });
    expect(await deploy('one', { execution_id, settings })).toMatchObject({
      reason: { code: 'already_serves' },
    });
    const other = { ...settings, variables: 'v2' };
    expect(await deploy('one', { execution_id, settings: other })).toMatchObject({
      reason: { code: 'release_serves' },
    });
  });

  it.each([
    [{ host: 'other' }, 'wrong_host'],
    [{ place: 'h:/srv/elsewhere' }, 'place_changed'],
  ])('stays where its service lives: %j', async (lives, code) => {
    await deploy('one');
    const known = await store.service('default/shop');
    if (known) store.serviceRecords.set('default/shop', { ...known, ...lives });
    expect((await deploy('two')).reason?.code).toBe(code);
  });

  it('holds no place for what has never served', async () => {
    target.fails.set('plan', () => {
      throw new DeployRefusedError({ code: 'path_unusable', message: 'no' });
    });
    await deploy('one');
    expect((await store.service('default/shop'))?.place).toBe('nowhere default/shop');
    target.fails.clear();
    expect((await deploy('two')).status).toBe('success');
    expect((await store.service('default/shop'))?.place).toBe('h:/srv/shop');
  });

  it.each(['h:/srv', 'h:/srv/shop/x'])('takes no place that overlaps with %s', async (place) => {
    await deploy('one');
    const known = await store.service('default/shop');
    if (known) store.serviceRecords.set('other', { ...known, _id: 'other', place });
    expect((await deploy('two')).reason?.code).toBe('path_taken');
  });

  it('tells what its target refuses', async () => {
    target.fails.set('plan', () => {
      throw new DeployRefusedError({ code: 'path_unusable', message: 'no' });
    });
    expect(await deploy('one')).toMatchObject({
      status: 'failed',
      reason: { code: 'path_unusable' },
    });
  });
});

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
