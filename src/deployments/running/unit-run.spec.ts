import { uuidV7 } from '../../common/ids/uuid.js';
import {
  type Deployment,
  type DirectorySettings,
  GONE,
  isFinished,
  notBegun,
  unitPlace,
  type UnitSettings,
} from '../record/deployment.js';
import type { NewDeployment, NewService } from '../record/deployment-store.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import { removalOf } from '../record/removal.js';
import { rollbackOf } from '../record/rollback.js';
import { DeployRefusedError, type PlacedRelease } from '../targets/deploy-target.js';
import { DeploymentRun } from './deployment-run.js';
import { Files, Killed, MemoryTarget } from './memory-target.fixture.js';
import { DeploymentFencedError, type DeploymentTools, type RunDeployment } from './recorded-run.js';
import { RemovalRun } from './removal-run.js';
import { UnitRemovalRun } from './unit-removal-run.js';
import { UnitRun } from './unit-run.js';

const UNIT = 'default/shop';
/** In the order in which they are put into service. */
const PARTS = ['db', 'api', 'web'];

const settingsOf = (name: string): DirectorySettings => ({
  ...{ type: 'local_directory', path: `/srv/${name}`, keep: 2 },
  ...{ exclude: [], shared: [], permissions: {} },
});

/** The same object, in the hands of a process that ends before its nth call. */
function inHandsOf<T extends object>(process: Process, target: T): T {
  return new Proxy(target, {
    get: (of, key) => {
      const value: unknown = Reflect.get(of, key);
      if (typeof value !== 'function') return value;
      return (...values: unknown[]): unknown => {
        process.call();
        return (value as (...all: unknown[]) => unknown).apply(of, values);
      };
    },
  });
}

class Process {
  private calls = 0;
  constructor(private readonly dies = Infinity) {}
  get isDead(): boolean {
    return this.calls >= this.dies;
  }
  call(): void {
    this.calls += 1;
    if (this.isDead) throw new Killed();
  }
}

/** One whose releases run, and are asked before they serve. */
class ProgramTarget extends MemoryTarget {
  gates: string[] = [];
  override runner = {
    start: () => Promise.resolve(),
    gate: ({ number }: PlacedRelease) => {
      this.gates.push(`${number}`);
      this.gateFails?.(this.gates.length);
      return Promise.resolve();
    },
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
  gateFails: ((asked: number) => void) | undefined;
}

describe('UnitRun', () => {
  let store: MemoryDeploymentStore;
  let targets: Map<string, ProgramTarget>;
  let environments: DeploymentTools['environments'];
  const never = new AbortController().signal;

  beforeEach(() => {
    store = new MemoryDeploymentStore();
    environments = undefined;
    targets = new Map(PARTS.map((name) => [name, new ProgramTarget()]));
    // A folder is one that only is switched to.
    for (const name of ['db', 'web']) Object.assign(target(name), { runner: undefined });
  });

  const target = (name: string): ProgramTarget => {
    const found = targets.get(name);
    if (found === undefined) throw new Error(`there is no part ${name}`);
    return found;
  };
  const service: NewService = {
    ...{ _id: UNIT, id: 's', name: 'shop', environment: 'default', host: 'h' },
    ...{ service_type: 'hybrid', place: unitPlace('h', UNIT), status: 'starting' },
    ...{ release_id: null, deployment_id: null },
    ...{ created_at: new Date(0), updated_at: new Date(0) },
  };
  const asked = (
    names: readonly string[],
    { keep = 2, ...more }: Partial<NewDeployment> & { readonly keep?: number } = {},
  ): NewDeployment => {
    const _id = uuidV7();
    const parts = names.map((name) => ({
      ...{ service: name, needs: [], settings: { ...settingsOf(name), keep } },
    }));
    return {
      ...{ _id, request_key: _id, kind: 'deploy', service_id: UNIT, service: 'shop', host: 'h' },
      ...{ environment: 'default', type: 'hybrid', settings: { type: 'hybrid', keep, parts } },
      ...{ worker_id: 'w', fence: 1, release_id: null, execution_id: _id, pipeline_id: null },
      ...{ pipeline_name: null, stage: null, step: null, commit: null, branch: null },
      ...{ triggered_by: 'ada', ...notBegun(new Date(0)), ...more },
    };
  };
  /** By a process that may end in the midst of it. */
  const runIn = async (
    process: Process,
    deployment: Deployment,
    more: Partial<RunDeployment> = {},
  ): Promise<Deployment> => {
    const { settings } = deployment;
    const tools = {
      ...{ store: inHandsOf(process, store), host: 'h', ...(environments && { environments }) },
      targetOf: (one: object) =>
        inHandsOf(process, target((one as DirectorySettings).path.replace('/srv/', ''))),
    };
    const all = { signal: never, ...more };
    if (deployment.kind === 'remove') {
      return settings.type === 'hybrid'
        ? new UnitRemovalRun({ ...deployment, settings }, tools, all).run()
        : new RemovalRun(deployment, tools, all).run();
    }
    return settings.type === 'hybrid'
      ? new UnitRun({ ...deployment, settings }, tools, all).run()
      : new DeploymentRun(deployment, tools, all).run();
  };
  const sourcesOf = (text: string): Pick<RunDeployment, 'sources'> => ({
    sources: new Map(PARTS.map((name) => [name, new Files(text)])),
  });
  const deploy = async (
    text: string,
    { process = new Process(), parts = PARTS, ...more }: Partial<Deploy> = {},
  ): Promise<Deployment> => {
    const accepted = await store.accept(asked(parts), service);
    return runIn(process, accepted, { ...sourcesOf(text), datedBy: accepted._id, ...more });
  };
  interface Deploy extends RunDeployment {
    readonly process: Process;
    readonly parts: readonly string[];
  }
  const rollback = async (number: number, process = new Process()): Promise<Deployment> => {
    const unit = store.serviceRecords.get(UNIT);
    const all = await store.releasesOf(UNIT);
    const release = all.find((one) => one.number === number);
    if (unit === undefined || release === undefined) throw new Error('there is no such release');
    const accepted = await store.accept(rollbackOf(unit, release, undefined, 'ada'), unit);
    const taken = await store.take(accepted, 'w');
    return runIn(process, taken ?? accepted);
  };
  /** As rounds of other workers: parts of a unit that is not over are left to it. */
  const recover = async (process = new Process()): Promise<void> => {
    for (let round = 0; round < 20; round += 1) {
      const open = (await store.unfinishedOn('h')).filter(({ unit }) => {
        const of = unit && store.deployments.get(unit.deployment_id);
        return of === undefined || isFinished(of);
      });
      if (open.length === 0) return;
      for (const one of open) {
        const taken = await store.take(one, 'w2');
        if (taken) await runIn(process, taken).catch(ignoreKilled);
        if (process.isDead) return;
      }
    }
    throw new Error('there is no end to it');
  };
  const texts = (): readonly (string | undefined)[] =>
    PARTS.map((name) => {
      const { placed, current } = target(name);
      return current === undefined ? undefined : placed.get(current);
    });
  const partsOf = ({ _id }: Deployment): readonly Deployment[] =>
    (store.deployments.get(_id)?.parts ?? []).flatMap(
      ({ deployment_id: id }) => store.deployments.get(id) ?? [],
    );
  const kill = (what: string, name: string, error: Error): void => {
    target(name).fails.set(what, () => {
      throw error;
    });
  };
  const refusal = (code: string): DeployRefusedError =>
    new DeployRefusedError({ code, message: 'no' });

  /** All of one text, and the record says so; nothing is under way, and nothing is left over. */
  const expectWhole = (): string | undefined => {
    const [first, ...others] = texts();
    expect(others).toEqual(others.map(() => first));
    expect([...store.deployments.values()].filter((one) => !isFinished(one))).toEqual([]);
    for (const name of PARTS) {
      const there = [...store.releases.values()]
        .filter((one) => one.service === name && !GONE.includes(one.status))
        .map(({ number }) => number);
      expect([name, [...target(name).placed.keys()].sort()]).toEqual([name, there.sort()]);
    }
    return first;
  };
  /** What the record of the unit says that serves. */
  const recorded = (): number | undefined =>
    store.releases.get(store.serviceRecords.get(UNIT)?.release_id ?? '')?.number;

  it('puts all parts into service, each as a deployment of its own', async () => {
    const ended = await deploy('one');
    expect(ended).toMatchObject({ status: 'success', reason: { code: 'release_serves' } });
    expect(expectWhole()).toBe('one');
    expect(recorded()).toBe(1);
    expect(partsOf(ended)).toMatchObject(
      PARTS.map((name) => ({ service: name, status: 'success', unit: { service_id: UNIT } })),
    );
    expect(store.serviceRecords.get('default/api')?.unit).toBe(UNIT);
    const [release] = await store.releasesOf(UNIT);
    expect(release?.parts?.map(({ service_id: id }) => id)).toEqual(
      PARTS.map((name) => `default/${name}`),
    );
    expect(ended.logs).toContain('api: release 1 is started');
  });

  it('switches nothing before all have passed, and asks the first ones again then', async () => {
    await deploy('one');
    const seen: (readonly unknown[])[] = [];
    target('web').fails.set('prepare', () => seen.push([...texts(), ...target('api').gates]));
    await deploy('two');
    expect(seen).toEqual([['one', 'one', 'one', '1', '1', '2']]);
    expect(target('api').gates).toEqual(['1', '1', '2', '2']);

    // It was well once, and is not any more when the last one is ready.
    target('api').gateFails = (count) => {
      if (count === 6) throw refusal('gate_failed');
    };
    const failed = await deploy('three');
    expect(failed).toMatchObject({
      ...{ status: 'failed', reason: { code: 'part_failed', data: { part: 'api' } } },
    });
    expect(partsOf(failed).map(({ status, reason }) => [status, reason?.code])).toEqual([
      ['cancelled', 'unit_undone'],
      ['failed', 'gate_failed'],
      ['cancelled', 'unit_undone'],
    ]);
    expect(expectWhole()).toBe('two');
  });

  it.each(['plan', 'prepare', 'arm', 'switchTo'])(
    'serves what served before where %s of one fails, and says which and why',
    async (what) => {
      await deploy('one');
      for (const name of PARTS) {
        kill(what, name, refusal('path_unusable'));
        const failed = await deploy('two');
        expect(failed).toMatchObject({
          ...{ status: 'failed', reason: { code: 'part_failed', data: { part: name } } },
        });
        target(name).fails.clear();
        expect([what, name, expectWhole(), recorded()]).toEqual([what, name, 'one', 1]);
      }
      expect(await deploy('three')).toMatchObject({ status: 'success' });
      expect(expectWhole()).toBe('three');
    },
  );

  it('goes back with a part that was stopped, though it has the release already', async () => {
    await deploy('one');
    const [one] = await store.releasesOf('default/api');
    await deploy('two');
    const api = store.serviceRecords.get('default/api');
    if (one === undefined || api === undefined) throw new Error('it is there');
    const stopped = { deployment_id: 'd', by: 'ada', at: new Date(0), message: null };
    store.serviceRecords.set(api._id, { ...api, release_id: one._id, stopped });
    const back = await rollback(1);
    expect(partsOf(back).map(({ service: name }) => name)).toEqual(PARTS);
    expect([back.status, expectWhole()]).toEqual(['success', 'one']);
    expect(store.serviceRecords.get('default/api')?.stopped).toBeNull();
  });

  it('takes back in the opposite order, by rollbacks of its own', async () => {
    await deploy('one');
    kill('switchTo', 'web', refusal('busy'));
    const failed = await deploy('two');
    expect(failed.reason).toMatchObject({ data: { taken_back: ['api', 'db'] } });
    const back = [...store.deployments.values()].filter(({ unit }) => unit?.takes_back === true);
    expect(back.map(({ service: name, kind, status }) => [name, kind, status])).toEqual([
      ['api', 'rollback', 'success'],
      ['db', 'rollback', 'success'],
    ]);
  });

  it('lets what served nothing before serve nothing again', async () => {
    kill('switchTo', 'web', refusal('busy'));
    const failed = await deploy('one');
    expect(failed).toMatchObject({ status: 'failed', reason: { code: 'part_failed' } });
    expect([expectWhole(), recorded()]).toEqual([undefined, undefined]);
    const back = [...store.deployments.values()].filter(({ unit }) => unit?.takes_back === true);
    expect(back.map((one) => [one.service, one.kind])).toEqual([
      ['api', 'remove'],
      ['db', 'remove'],
    ]);
    target('web').fails.clear();
    expect(await deploy('two')).toMatchObject({ status: 'success' });
    expect(expectWhole()).toBe('two');
  });

  it('says what it could not take back', async () => {
    await deploy('one');
    kill('switchTo', 'web', refusal('busy'));
    target('api').gateFails = (count) => {
      if (count === 5) throw refusal('gate_failed');
    };
    expect(await deploy('two')).toMatchObject({
      ...{ status: 'failed', reason: { code: 'unit_torn', data: { left: 1 } } },
    });
    expect(texts()).toEqual(['one', 'two', 'one']);
  });

  it('switches all its parts before the first one cleans up', async () => {
    const current = (): readonly unknown[] => PARTS.map((name) => target(name).current);
    for (const text of ['one', 'two', 'three']) await deploy(text);
    let seen: readonly unknown[] = [];
    target(PARTS[0] ?? '').fails.set('remove', () => (seen = current()));
    expect((await deploy('four')).status).toBe('success');
    expect(seen).toEqual(PARTS.map(() => 4));
    expect(expectWhole()).toBe('four');
  });

  it('is cancelled also in the moment of its switch', async () => {
    await deploy('one');
    const enter = store.enterSwitch.bind(store);
    store.enterSwitch = async (hold, change) => {
      await store.requestCancel(hold.id, 'ada');
      return enter(hold, change);
    };
    // While a part is under way the unit is: else another worker would take the part as lost.
    const open: (boolean | undefined)[] = [];
    target('api').fails.set('remove', () => {
      const unit = [...store.deployments.values()].filter((one) => !one.unit).at(-1);
      open.push(unit && !isFinished(unit));
    });
    const ended = await deploy('two');
    expect(ended).toMatchObject({ status: 'cancelled', reason: { code: 'cancelled' } });
    expect(open).toEqual([true]);
    expect(expectWhole()).toBe('one');
  });

  it('is cancelled until it switches, with all its parts', async () => {
    await deploy('one');
    target('web').fails.set('prepare', () => {
      const [open] = [...store.deployments.values()].filter((one) => !isFinished(one) && !one.unit);
      void store.requestCancel(open?._id ?? '', 'ada');
    });
    const ended = await deploy('two');
    expect(ended).toMatchObject({ status: 'cancelled', reason: { code: 'cancelled' } });
    expect(partsOf(ended).map(({ status }) => status)).toEqual(PARTS.map(() => 'cancelled'));
    expect(expectWhole()).toBe('one');

    const stop = new AbortController();
    target('api').fails.set('prepare', () => stop.abort({ kind: 'interrupt' }));
    target('web').fails.clear();
    expect(await deploy('three', { signal: stop.signal })).toMatchObject({
      ...{ status: 'cancelled', reason: { code: 'interrupted' } },
    });
    expect(expectWhole()).toBe('one');
  });

  it('is not stopped half-way any more when it switches', async () => {
    await deploy('one');
    const stop = new AbortController();
    target('db').fails.set('switched', () => stop.abort({ kind: 'interrupt' }));
    expect(await deploy('two', { signal: stop.signal })).toMatchObject({ status: 'success' });
    expect(expectWhole()).toBe('two');
  });

  it('goes back with all its parts, to releases that their clean-ups have kept', async () => {
    for (const text of ['one', 'two', 'three']) await deploy(text);
    expect(await rollback(2)).toMatchObject({
      status: 'success',
      previous_release_id: expect.any(String) as string,
    });
    expect([expectWhole(), recorded()]).toEqual(['two', 2]);
    kill('switchTo', 'web', refusal('busy'));
    expect(await rollback(3)).toMatchObject({ status: 'failed', reason: { code: 'part_failed' } });
    expect([expectWhole(), recorded()]).toEqual(['two', 2]);
  });

  it('keeps the releases of parts that a release of the unit names', async () => {
    const deployed = async (text: string): Promise<Deployment> =>
      runIn(new Process(), await store.accept(asked(PARTS, { keep: 3 }), service), sourcesOf(text));
    await deployed('one');
    await deployed('two');
    // Some releases of the next one have served, and are newer than those that the unit keeps.
    kill('switchTo', 'web', refusal('busy'));
    await deployed('three');
    target('web').fails.clear();
    await deployed('four');
    expect(await rollback(1)).toMatchObject({ status: 'success' });
    expect([expectWhole(), recorded()]).toEqual(['one', 1]);
  });

  it('leaves alone what serves already what it should', async () => {
    await deploy('one');
    await deploy('two', { parts: ['db', 'api'] });
    const back = await rollback(1);
    expect(partsOf(back).map((part) => part.service)).toEqual(['db', 'api']);
    expect(expectWhole()).toBe('one');

    const attempt = async (text: string): Promise<Deployment> => {
      const accepted = await store.accept(asked(PARTS, { execution_id: 'e' }), service);
      const sources = new Map(PARTS.map((name) => [name, new Files(name === 'db' ? 'x' : text)]));
      return runIn(new Process(), accepted, { sources });
    };
    await attempt('x');
    kill('switchTo', 'web', refusal('busy'));
    expect((await attempt('y')).reason).toMatchObject({ data: { taken_back: ['api'] } });
    expect(expectWhole()).toBe('x');
  });

  it.each([
    ['prepare', 'web', 'one'],
    ['arm', 'db', 'one'],
    ['switchTo', 'api', 'one'],
    ['switched', 'web', 'two'],
  ])(
    'of a worker that slept at %s of %s nothing counts once another has the unit',
    async (what, name, text) => {
      await deploy('one');
      const asleep = Promise.withResolvers<void>();
      const awake = Promise.withResolvers<void>();
      const own = target(name);
      const [method, isAfter] = what === 'switched' ? ['switchTo', true] : [what, false];
      const original = Reflect.get(own, method) as (...all: unknown[]) => Promise<unknown>;
      Object.assign(own, {
        [method]: async (...all: unknown[]): Promise<unknown> => {
          Object.assign(own, { [method]: original });
          const before = isAfter ? await original.apply(own, all) : undefined;
          asleep.resolve();
          await awake.promise;
          return isAfter ? before : original.apply(own, all);
        },
      });
      const sleeping = deploy('two').catch(ignoreFenced);
      await asleep.promise;
      await recover();
      expect(texts()).toEqual(PARTS.map(() => text));
      awake.resolve();
      await sleeping;
      await recover();
      expect(texts()).toEqual(PARTS.map(() => text));
      expect(recorded()).toBe(text === 'one' ? 1 : 2);
    },
  );

  it('keeps what an earlier attempt of the execution has put into service', async () => {
    await deploy('one');
    const first = await store.accept(asked(PARTS, { execution_id: 'e' }), service);
    await runIn(new Process(), first, sourcesOf('two'));
    const again = await store.accept(asked(PARTS, { execution_id: 'e' }), service);
    expect(await runIn(new Process(), again, sourcesOf('two'))).toMatchObject({
      ...{ status: 'success', reason: { code: 'already_serves' } },
    });
    expect([expectWhole(), recorded()]).toEqual(['two', 2]);
  });

  it('takes no service that has served by itself, and gives no part away', async () => {
    const own: NewService = {
      ...{ ...service, _id: 'default/api', name: 'api', service_type: 'local_directory' },
      place: 'h:/srv/api',
    };
    const alone = (): NewDeployment => ({
      ...asked([], { service_id: 'default/api', service: 'api', type: 'local_directory' }),
      settings: settingsOf('api'),
    });
    const deployAlone = async (): Promise<Deployment> =>
      runIn(new Process(), await store.accept(alone(), own), { source: new Files('own') });
    await deployAlone();
    expect(await deploy('one')).toMatchObject({ status: 'failed', reason: { code: 'no_part' } });
    expect(texts()).toEqual([undefined, 'own', undefined]);

    store.serviceRecords.clear();
    target('api').current = undefined;
    await deploy('two');
    expect(await deployAlone()).toMatchObject({
      ...{ status: 'failed', reason: { code: 'part_of_unit' } },
    });
    expect(texts()).toEqual(['two', 'two', 'two']);
  });

  it('tells what is different of its parts, of a rollback alone', async () => {
    const told = { code: 'environment_differs', message: 'default/api: A is different today' };
    environments = {
      warnings: () => Promise.resolve([]),
      ofParts: ({ number }) => Promise.resolve(number === 1 ? [told] : []),
    };
    for (const text of ['one', 'two']) expect((await deploy(text)).warnings).toEqual([]);
    const { warnings, logs } = await rollback(1);
    expect(warnings).toEqual([told]);
    expect(logs).toContain(`warning: ${told.message}`);
  });

  it('names all that goes with it before any part of it is removed', async () => {
    await deploy('one');
    const shop = store.serviceRecords.get(UNIT);
    if (shop === undefined) throw new Error('it is there');
    const accepted = await store.accept(removalOf(shop, asked(PARTS).settings, 'ada'), shop);
    const { logs, status } = await runIn(
      new Process(),
      (await store.take(accepted, 'w')) ?? accepted,
    );
    expect(status).toBe('success');
    const said = logs.slice(0, logs.indexOf('web: release 1 is removed'));
    for (const name of PARTS) {
      const folders = `/srv/${name}/releases/1, /srv/${name}/current`;
      expect(said).toContain(`${name}: removed are the folders ${folders}`);
    }
    expect(said).toContain('shop: removed are the releases 1');
  });

  it('tells which parts cannot be taken back whole, and asks so of no rollback', async () => {
    const before = (name: string, settings: object): object =>
      name === 'web' ? settings : { ...settings, before_switch: 'migrate' };
    const settings = (parts: readonly string[]): UnitSettings => {
      const { settings: all } = asked(parts);
      if (all.type !== 'hybrid') throw new Error('no unit');
      const changed = all.parts.map((part) => ({
        ...part,
        settings: before(part.service, part.settings) as typeof part.settings,
      }));
      return { ...all, parts: changed };
    };
    const accepted = await store.accept({ ...asked(PARTS), settings: settings(PARTS) }, service);
    const first = await runIn(new Process(), accepted, { ...sourcesOf('one'), datedBy: 'x' });
    expect(first.warnings).toMatchObject([
      { code: 'before_switch_stays', data: { services: ['default/db', 'default/api'] } },
    ]);
    expect((await deploy('two')).warnings).toEqual([]);
    expect((await rollback(1)).warnings).toEqual([]);
    expect(texts()).toEqual(['one', 'one', 'one']);
  });

  it('tells of a part that is left out, which continues to serve', async () => {
    await deploy('one');
    expect(await deploy('two', { parts: ['db', 'api'] })).toMatchObject({
      ...{ status: 'success', warnings: [{ code: 'part_left', data: { service: 'default/web' } }] },
    });
    expect(texts()).toEqual(['two', 'two', 'one']);
  });

  describe('is brought to its end by another worker, wherever its own one was killed:', () => {
    /** Lets the process end before its first, second, … call, until it comes to its end. */
    const atEachCall = async (
      act: (process: Process) => Promise<Deployment>,
      check: (ended: Deployment | undefined, at: number) => void,
      isFirst = false,
    ): Promise<number> => {
      for (let at = 1; ; at += 1) {
        store = new MemoryDeploymentStore();
        for (const name of PARTS) {
          Object.assign(target(name), { current: undefined, armed: undefined });
          target(name).placed.clear();
          target(name).fails.clear();
        }
        if (!isFirst) await deploy('one');
        const process = new Process(at);
        const ended = await act(process).catch(ignoreKilled);
        // The one that finds it may be killed, too.
        if (process.isDead && at % 2 === 0) await recover(new Process(1 + (at % 17)));
        await recover();
        check(ended, at);
        if (!process.isDead) return at;
      }
    };
    const unit = (): Deployment | undefined =>
      [...store.deployments.values()].filter((one) => one.unit === undefined).at(-1);

    it('all new, or all old', async () => {
      const seen = new Set<string>();
      const calls = await atEachCall(
        (process) => deploy('two', { process }),
        (_ended, at) => {
          const isNew = unit()?.status === 'success' && recorded() === 2;
          expect([at, expectWhole(), recorded()]).toEqual([
            at,
            isNew ? 'two' : 'one',
            isNew ? 2 : 1,
          ]);
          seen.add(`${isNew}`);
        },
      );
      expect([calls > 100, seen.size]).toEqual([true, 2]);
    });

    it('all old where one fails at its switch, also while others are taken back', async () => {
      const calls = await atEachCall(
        (process) => {
          kill('switchTo', 'web', refusal('busy'));
          return deploy('two', { process });
        },
        (_ended, at) => {
          expect([at, expectWhole(), recorded()]).toEqual([at, 'one', 1]);
          expect(unit()?.status).toBe('failed');
        },
      );
      expect(calls).toBeGreaterThan(130);
    });

    it('nothing serves where the first one fails at its switch', async () => {
      const calls = await atEachCall(
        (process) => {
          kill('switchTo', 'web', refusal('busy'));
          return deploy('one', { process });
        },
        (_ended, at) => {
          expect([at, expectWhole(), recorded()]).toEqual([at, undefined, undefined]);
          expect(unit()?.status).toBe('failed');
        },
        true,
      );
      expect(calls).toBeGreaterThan(100);
    });

    it('a removal, of all its parts', async () => {
      await atEachCall(
        async (process) => {
          const shop = store.serviceRecords.get(UNIT);
          if (shop === undefined) throw new Error('there is no unit');
          const { settings } = asked(PARTS);
          const accepted = await store.accept(removalOf(shop, settings, 'ada'), shop);
          return runIn(process, (await store.take(accepted, 'w')) ?? accepted);
        },
        (_ended, at) => {
          expect([at, expectWhole(), recorded(), unit()?.status]).toEqual([
            ...[at, undefined, undefined, 'success'],
          ]);
          for (const { status } of store.serviceRecords.values()) expect(status).toBe('removed');
        },
      );
      expect(await deploy('again')).toMatchObject({ status: 'success' });
      expect([expectWhole(), recorded()]).toEqual(['again', 2]);
    });

    it('a rollback', async () => {
      await atEachCall(
        async (process) => {
          await deploy('two');
          return rollback(1, process);
        },
        (_ended, at) => {
          const isBack = unit()?.status === 'success';
          expect([at, expectWhole(), recorded()]).toEqual([
            at,
            isBack ? 'one' : 'two',
            isBack ? 1 : 2,
          ]);
        },
      );
    });
  });
});

function ignoreFenced(error: unknown): undefined {
  if (!(error instanceof DeploymentFencedError)) throw error;
}

function ignoreKilled(error: unknown): undefined {
  if (!(error instanceof Killed)) throw error;
}
