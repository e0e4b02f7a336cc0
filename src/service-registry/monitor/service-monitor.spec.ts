import { DEFAULT_CHECK, type ProbeResult } from '../checks/service-check.js';
import { Prober, type ProbeTarget } from '../probing/prober.js';
import type { RawRow } from '../history/health-rows.js';
import { type MonitorOptions, ServiceMonitor } from './service-monitor.js';
import type { WatchedTarget } from './watched-target.js';

class FakeProber extends Prober {
  readonly begun: { url: string; at: number }[] = [];
  most = 0;
  tookMs = 5;
  result: ProbeResult = { ok: true };
  private running = 0;

  async probe({ url }: ProbeTarget): Promise<ProbeResult> {
    this.begun.push({ url, at: performance.now() });
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    await new Promise((resolve) => setTimeout(resolve, this.tookMs));
    this.running -= 1;
    return this.result;
  }
}

describe('ServiceMonitor', () => {
  let prober: FakeProber;
  let changes: string[];
  let rows: RawRow[];
  let monitor: ServiceMonitor;
  const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);
  const target = (name: string, more: Partial<WatchedTarget> = {}): WatchedTarget => ({
    ...{ id: `default/${name}`, check: DEFAULT_CHECK, isStopped: false, ttlMs: null, beat: null },
    ...{ endpoints: [{ url: `http://${name}.example/`, isOwn: false }], health: null, outbox: [] },
    ...{ problem: null, ...more },
  });
  const start = (more: Partial<MonitorOptions> = {}): void => {
    monitor = new ServiceMonitor({
      ...{ prober, fence: 1 },
      listener: {
        news: (_service, { change }) => {
          if (change) changes.push(change.to);
        },
        row: (_service, row) => rows.push(row),
      },
      ...more,
    });
    monitor.start();
  };
  /** The process does nothing for so long; its timers come late. */
  const hangs = (ms: number): void => {
    jest.setSystemTime(Date.now() + ms);
  };

  beforeEach(() => {
    jest.useFakeTimers();
    prober = new FakeProber();
    changes = [];
    rows = [];
    start();
  });
  afterEach(() => {
    monitor.stop();
    jest.useRealTimers();
  });

  it('asks each endpoint at its interval, no two at the same moment', async () => {
    for (let n = 0; n < 50; n += 1) monitor.watch(target(`s${n}`));
    await pass(10_000);
    expect(new Set(prober.begun.map(({ url }) => url)).size).toBe(50);
    await pass(90_000);
    expect(prober.begun.length).toBeGreaterThanOrEqual(490);
    expect(prober.begun.length).toBeLessThanOrEqual(510);
    const times = prober.begun.map(({ at }) => at).sort((a, b) => a - b);
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(0);
    // In any second about a tenth of them.
    for (let second = 10; second < 100; second += 1) {
      const within = times.filter((at) => Math.floor((at - (times[0] ?? 0)) / 1000) === second);
      expect(within.length).toBeLessThanOrEqual(8);
    }
  });

  it('tells changes and every probe that counts', async () => {
    monitor.watch(target('shop'));
    await pass(30_000);
    prober.result = { ok: false, code: 'timeout', message: 'no answer' };
    await pass(40_000);
    expect(changes).toEqual(['starting', 'running', 'failed']);
    expect(rows.length).toBe(7);
    expect(rows[0]).toMatchObject({
      url: 'http://shop.example/',
      intervalMs: 10_000,
      failure: null,
    });
  });

  it('has no more probes under way than it may, and leaves out what comes too late', async () => {
    monitor.stop();
    start({ atOnce: 2 });
    prober.tookMs = 2_000;
    for (let n = 0; n < 20; n += 1) monitor.watch(target(`s${n}`));
    await pass(60_000);
    expect(prober.most).toBe(2);
    expect(prober.begun.length).toBeGreaterThan(40);
    expect(prober.begun.length).toBeLessThanOrEqual(60);
  });

  it('asks endpoints at their times while instances hang, and looks into few of these at once', async () => {
    monitor.stop();
    start({ atOnce: 2, instancesAtOnce: 3 });
    const hanging: (() => void)[] = [];
    const probe = prober.probe.bind(prober);
    prober.probe = async (one) => {
      if (one.instance === undefined) return probe(one);
      await new Promise<void>((resolve) => hanging.push(resolve));
      return { ok: true };
    };
    const check = {
      name: 'ready',
      type: 'container',
      intervalMs: 10_000,
      timeoutMs: 5_000,
    } as const;
    for (let n = 0; n < 9; n += 1) {
      const service = `default/i${n}`;
      const instance = { service, host: 'here', check };
      const endpoints = [{ url: `check:${service}`, isOwn: true, instance }];
      monitor.watch(target(`i${n}`, { endpoints }));
    }
    await pass(10_000);
    expect(hanging).toHaveLength(3);
    monitor.watch(target('shop'));
    await pass(30_000);
    expect(prober.begun).toHaveLength(3);
    expect(hanging).toHaveLength(3);
    for (const end of hanging) end();
    await pass(30_000);
    expect(hanging).toHaveLength(6);
  });

  it('asks one endpoint once at a time', async () => {
    prober.tookMs = 35_000;
    monitor.watch(target('shop'));
    await pass(60_000);
    expect(prober.most).toBe(1);
  });

  it('counts nothing of what was under way while the process was held up', async () => {
    monitor.watch(target('shop'));
    await pass(30_000);
    expect(changes.at(-1)).toBe('running');
    const counted = rows.length;
    prober.tookMs = 4_000;
    prober.result = { ok: false, code: 'timeout', message: 'no answer' };
    for (let n = 0; n < 3; n += 1) {
      const begun = prober.begun.length;
      while (prober.begun.length === begun) await pass(100);
      hangs(3_000);
      await pass(4_000);
    }
    expect(rows.length).toBe(counted);
    expect(changes).not.toContain('failed');
  });

  it('knows nothing of services after the machine was away', async () => {
    monitor.watch(target('shop'));
    await pass(30_000);
    hangs(600_000);
    await pass(1_000);
    expect(changes.at(-1)).toBe('unknown');
    await pass(10_000);
    expect(changes.at(-1)).toBe('running');
  });

  it('tells that nobody has looked also when an answer comes first', async () => {
    const check = { ...DEFAULT_CHECK, interval_seconds: 1, timeout_seconds: 0.5 };
    monitor.watch(target('shop', { check }));
    await pass(30_000);
    hangs(600_000);
    // Before the next whole second, in which all that is late is looked for.
    await pass(700);
    expect(changes).toEqual(['starting', 'running', 'unknown', 'running']);
  });

  it('takes a changed interval at once, and forgets', async () => {
    monitor.watch(target('shop'));
    await pass(10_000);
    const check = { ...DEFAULT_CHECK, interval_seconds: 1, timeout_seconds: 0.5 };
    monitor.watch(target('shop', { check }));
    prober.begun.length = 0;
    await pass(10_000);
    expect(prober.begun.length).toBeGreaterThanOrEqual(9);
    monitor.forget('default/shop');
    prober.begun.length = 0;
    await pass(10_000);
    expect(prober.begun).toEqual([]);
  });

  it('says nothing any more once it was stopped', async () => {
    monitor.watch(target('shop'));
    await pass(15_000);
    prober.tookMs = 4_000;
    const begun = prober.begun.length;
    while (prober.begun.length === begun) await pass(100);
    const told = [changes.length, rows.length];
    monitor.stop();
    await pass(60_000);
    expect([changes.length, rows.length]).toEqual(told);
    expect(prober.begun.length).toBe(begun + 1);
  });
});
