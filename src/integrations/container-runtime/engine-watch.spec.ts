import { ContainerSupport } from './container-support.js';
import { EngineAwayError, type ImageRequest } from './container-runtime.js';
import { absentParts, type EngineParts } from './engine-parts.js';
import { type EngineProbe, type EngineProof, EngineWatch } from './engine-watch.js';
import { FakeContainerRuntime } from './fake-container-runtime.js';
import { WatchedBuilder, WatchedGiver, WatchedRuntime } from './watched-engine.js';

/** The longest that a period of 10 s can be. */
const PERIOD_MS = 12_500;
const REQUEST: ImageRequest = { group: 'g', reference: 'i', pull: 'missing' };

/** An engine of the spec's own, as somebody starts and ends it. */
class FakeEngine implements EngineProbe {
  readonly calls: string[] = [];
  /** Undefined: nobody listens. */
  running:
    { readonly name: string; readonly life: number; readonly parts: EngineParts } | undefined;
  unfit: string | undefined;
  private lives = 0;

  begin(name: string, parts = partsOf()): EngineParts {
    this.lives += 1;
    this.running = { name, parts, life: this.lives };
    return parts;
  }

  async ping(): Promise<string> {
    this.calls.push('ping');
    if (!this.running) throw new EngineAwayError('nobody listens');
    return `life ${this.running.life}`;
  }

  async prove(): Promise<EngineProof> {
    this.calls.push('prove');
    const { running, unfit } = this;
    if (!running) return { kind: 'away', reason: 'nobody listens' };
    if (unfit !== undefined) return { kind: 'unfit', reason: unfit };
    const support = ContainerSupport.by(running.name, 'linux/amd64');
    return { kind: 'fit', stamp: `life ${running.life}`, support, parts: running.parts };
  }
}

function partsOf(): EngineParts {
  const runtime = new FakeContainerRuntime(new Map(), () => ({
    exit: new Promise(() => undefined),
  }));
  return { ...absentParts(''), runtime };
}

describe('EngineWatch', () => {
  let engine: FakeEngine;
  let watch: EngineWatch;
  let told: (string | undefined)[];
  let prepared: EngineParts[];
  let notPrepared: Error | undefined;

  beforeEach(() => {
    jest.useFakeTimers();
    engine = new FakeEngine();
    [told, prepared] = [[], []];
    notPrepared = undefined;
    watch = new EngineWatch(engine, {
      prepare: async (parts) => {
        prepared.push(parts);
        if (notPrepared) throw notPrepared;
      },
    });
    watch.whenChanged(() => told.push(watch.support.engine ?? watch.support.reason));
  });
  afterEach(async () => {
    await watch.stop();
    jest.useRealTimers();
  });

  const begin = async (): Promise<void> => {
    await watch.look();
    watch.start();
  };
  const later = (): Promise<void> => jest.advanceTimersByTimeAsync(PERIOD_MS);
  const away = 'the container engine does not answer: nobody listens';

  it('finds an engine that is there, and asks it little from then on', async () => {
    const parts = engine.begin('docker 1');
    await begin();
    await later();
    expect(engine.calls.slice(0, 2)).toEqual(['prove', 'ping']);
    expect(engine.calls.filter((call) => call === 'prove')).toHaveLength(1);
    expect([told, prepared]).toEqual([['docker 1'], [parts]]);
    expect(watch.parts).toBe(parts);
  });

  it('finds one that comes later, and says once why there is none until then', async () => {
    await begin();
    await later();
    await later();
    expect([told, watch.hasEverBeenThere]).toEqual([['nobody listens'], false]);
    const parts = engine.begin('docker 1');
    await later();
    expect(told).toEqual(['nobody listens', 'docker 1']);
    expect([watch.parts, watch.hasEverBeenThere]).toEqual([parts, true]);
  });

  it('says that one is gone, keeps what ran on it, and proves it again when it is back', async () => {
    const parts = engine.begin('docker 1');
    await begin();
    engine.running = undefined;
    await later();
    expect(told).toEqual(['docker 1', away]);
    expect(watch.support.isThere).toBe(false);
    expect([watch.parts, watch.hasEverBeenThere]).toEqual([parts, true]);
    engine.begin('docker 1', parts);
    await later();
    expect(told.at(-1)).toBe('docker 1');
    expect(prepared).toEqual([parts, parts]);
  });

  it('proves one again that was started again between two looks, and takes another as new', async () => {
    engine.begin('docker 1');
    await begin();
    const other = engine.begin('docker 2');
    await later();
    expect(told).toEqual(['docker 1', 'docker 2']);
    expect(watch.parts).toBe(other);
  });

  it('runs nothing on another engine that cannot be used', async () => {
    engine.begin('docker 1');
    await begin();
    engine.begin('docker 2');
    engine.unfit = 'it does not see the workspaces';
    await later();
    expect(told).toEqual(['docker 1', 'it does not see the workspaces']);
    await expect(watch.parts.runtime.facts()).rejects.toThrow('it does not see the workspaces');
  });

  it('offers nothing until what a dead worker left is removed', async () => {
    engine.begin('docker 1');
    notPrepared = new EngineAwayError('gone again');
    await begin();
    expect(watch.support.isThere).toBe(false);
    notPrepared = undefined;
    await later();
    expect(told.at(-1)).toBe('docker 1');
  });

  it('tells at the moment whether a step can be begun, and asks once for many', async () => {
    await begin();
    engine.calls.length = 0;
    expect(await watch.isThereNow()).toBe(false);
    expect(engine.calls).toEqual([]);
    engine.begin('docker 1');
    await watch.look();
    jest.advanceTimersByTime(1_000);
    engine.calls.length = 0;
    const answers = await Promise.all([watch.isThereNow(), watch.isThereNow()]);
    expect(await watch.isThereNow()).toBe(true);
    expect([answers, engine.calls]).toEqual([[true, true], ['ping']]);
    jest.advanceTimersByTime(1_000);
    engine.running = undefined;
    expect(await watch.isThereNow()).toBe(false);
  });

  describe('by what is used of it', () => {
    let runtime: WatchedRuntime;
    let parts: EngineParts;
    const settled = (): Promise<void> => jest.advanceTimersByTimeAsync(0);

    beforeEach(async () => {
      parts = engine.begin('docker 1');
      runtime = new WatchedRuntime(watch);
      await watch.look();
    });

    it('hears at once of a call that is not answered', async () => {
      engine.running = undefined;
      jest.spyOn(parts.runtime, 'provide').mockRejectedValue(new EngineAwayError('gone'));
      const { signal } = new AbortController();
      await expect(runtime.provide(REQUEST, () => undefined, signal)).rejects.toThrow('gone');
      await settled();
      expect(told.at(-1)).toBe(away);
    });

    it('hears at once of a container that is lost, and asks before it believes that', async () => {
      await runtime.start({ group: 'g' } as never);
      await runtime.start({ group: 'h' } as never);
      (parts.runtime as FakeContainerRuntime).loseAll('lost');
      await settled();
      expect(told).toEqual(['docker 1']);
      expect(engine.calls).toContain('ping');
      await runtime.start({ group: 'g' } as never);
      engine.running = undefined;
      (parts.runtime as FakeContainerRuntime).loseAll('lost');
      await settled();
      expect(told.at(-1)).toBe(away);
    });

    it('does not look for what another call says', async () => {
      engine.calls.length = 0;
      jest.spyOn(parts.runtime, 'sweep').mockRejectedValue(new Error('refused'));
      await expect(runtime.sweep('g')).rejects.toThrow('refused');
      await settled();
      expect(engine.calls).toEqual([]);
    });

    it('gives each call to the engine of the time', async () => {
      const [builder, giver] = [new WatchedBuilder(watch), new WatchedGiver(watch)];
      expect([builder.reason, giver.isThere]).toEqual(['', false]);
      const other = partsOf();
      engine.begin('docker 2', {
        ...other,
        builder: absentParts('no program').builder,
        giver: { isThere: true, give: async () => undefined },
      });
      await watch.look();
      expect([builder.reason, giver.isThere]).toEqual(['no program', true]);
      await runtime.start({ group: 'g' } as never);
      expect((other.runtime as FakeContainerRuntime).started).toHaveLength(1);
    });
  });
});
