import { DEFAULT_CHECK, type ProbeResult } from '../checks/service-check.js';
import { ServiceWatch } from './service-watch.js';
import type { WatchedTarget } from './watched-target.js';

const A = 'http://a.example/';
const B = 'http://b.example/';
const good: ProbeResult = { ok: true };
const bad: ProbeResult = { ok: false, code: 'timeout', message: 'no answer within 5 s' };

const target = (more: Partial<WatchedTarget> = {}): WatchedTarget => ({
  ...{ id: 'default/shop', check: DEFAULT_CHECK, endpoints: [{ url: A, isOwn: false }] },
  ...{ isStopped: false, ttlMs: null, beat: null, health: null, outbox: [], problem: null },
  ...more,
});
const newWatch = (more: Partial<WatchedTarget> = {}, now = 0, observedAt?: number): ServiceWatch =>
  new ServiceWatch(target(more), 7, now, observedAt);
const both = { endpoints: [A, B].map((url) => ({ url, isOwn: false })) };

describe('ServiceWatch', () => {
  it('tells each change once, with its number, fence and time', () => {
    const watch = newWatch();
    expect(watch.news(0)?.change).toMatchObject({ seq: 1, from: null, to: 'starting' });
    expect(watch.news(1)).toBeUndefined();
    watch.probed(A, good, 1_000);
    expect(watch.news(1_000)).toBeUndefined();
    watch.probed(A, good, 11_000);
    const news = watch.news(11_000);
    expect(news?.change).toEqual({
      ...{ _id: 'default/shop:0000000002', service: 'default/shop', seq: 2 },
      ...{ from: 'starting', to: 'running', at: new Date(11_000), reason: news?.health.reason },
    });
    expect(news?.health).toMatchObject({
      ...{ status: 'running', since: new Date(11_000), seq: 2, fence: 7 },
    });
    expect(watch.news(12_000)).toBeUndefined();
  });

  it('stores what an endpoint answers, though the state of the service stays', () => {
    const watch = newWatch(both);
    for (const at of [1, 2]) for (const url of [A, B]) watch.probed(url, good, at);
    watch.news(2);
    watch.probed(A, bad, 3);
    const news = watch.news(3);
    expect(news?.change).toBeUndefined();
    expect(news?.health.endpoints[0]).toMatchObject({
      status: 'running',
      problem: { code: 'timeout' },
    });
    watch.probed(A, bad, 4);
    expect(watch.news(4)).toBeUndefined();
    watch.probed(A, bad, 5);
    expect(watch.news(5)?.change).toMatchObject({ from: 'running', to: 'degraded' });
  });

  it('is unknown since it was last looked at, when probes do not come', () => {
    const watch = newWatch();
    for (const at of [0, 10_000]) watch.probed(A, good, at);
    watch.news(10_000);
    watch.tick(35_000);
    expect(watch.news(35_000)).toBeUndefined();
    watch.tick(35_001);
    const change = watch.news(35_001)?.change;
    expect(change).toMatchObject({ from: 'running', to: 'unknown', at: new Date(10_000) });
    watch.probed(A, good, 50_000);
    expect(watch.news(50_000)?.change).toMatchObject({ to: 'running', at: new Date(50_000) });
  });

  it('continues where an earlier monitor stopped; a long time between is not observed', () => {
    const first = newWatch();
    for (const at of [0, 10_000]) first.probed(A, good, at);
    const health = first.news(10_000)?.health ?? null;
    const soon = newWatch({ health }, 20_000, 12_000);
    soon.tick(20_000);
    expect(soon.news(20_000)).toBeUndefined();
    const late = newWatch({ health }, 90_000, 12_000);
    expect(late.news(90_000)?.change).toMatchObject({
      to: 'unknown',
      at: new Date(12_000),
      seq: 2,
    });
  });

  it('keeps the state of endpoints that stay when something is changed', () => {
    const watch = newWatch(both);
    for (const at of [1, 2]) for (const url of [A, B]) watch.probed(url, good, at);
    watch.news(2);
    watch.change(target({ check: { ...DEFAULT_CHECK, up: 5 } }), 3);
    expect(watch.news(3)?.health.endpoints).toMatchObject([{ url: A, status: 'running' }]);
    watch.probed(B, bad, 4);
    expect(watch.news(4)).toBeUndefined();
    watch.change(target({ isStopped: true, endpoints: [] }), 5);
    expect(watch.news(5)?.change).toMatchObject({ to: 'stopped' });
  });

  it('has failed while its deployment knows something against it, however well it answers', () => {
    const watch = newWatch();
    for (const at of [1, 2]) watch.probed(A, good, at);
    expect(watch.news(2)?.change).toMatchObject({ to: 'running' });
    const problem = { code: 'release_failed', message: 'it did not go back' };
    watch.change(target({ problem }), 3);
    expect(watch.news(3)?.change).toMatchObject({ to: 'failed', reason: problem });
    watch.probed(A, good, 4);
    expect(watch.news(4)).toBeUndefined();
    watch.change(target(), 5);
    expect(watch.news(5)?.change).toMatchObject({ from: 'failed', to: 'running' });
  });

  it('fails when heartbeats stop, and runs again with the next one', () => {
    const watch = newWatch({ endpoints: [], ttlMs: 30_000 });
    expect(watch.news(0)?.change).toMatchObject({ to: 'starting' });
    watch.tick(100_000);
    expect(watch.news(100_000)).toBeUndefined();
    watch.heard(100_000);
    expect(watch.news(100_000)?.change).toMatchObject({ to: 'running' });
    watch.tick(130_000);
    expect(watch.news(130_000)).toBeUndefined();
    watch.tick(130_001);
    expect(watch.news(130_001)?.change).toMatchObject({
      ...{ to: 'failed', reason: { code: 'heartbeat_missed' } },
    });
    watch.heard(140_000);
    expect(watch.news(140_000)?.change).toMatchObject({ to: 'running' });
  });

  it('waits for no heartbeats of what is stopped, and a whole time behind its start', () => {
    const own = { endpoints: [], ttlMs: 30_000, beat: 'b1' };
    const watch = newWatch(own);
    watch.heard(0);
    expect(watch.news(0)?.change).toMatchObject({ to: 'running' });
    watch.change(target({ ...own, isStopped: true }), 1);
    expect(watch.news(1)?.change).toMatchObject({ to: 'stopped' });
    watch.tick(100_000);
    expect(watch.news(100_000)).toBeUndefined();
    watch.change(target(own), 100_000);
    watch.tick(130_000);
    expect(watch.news(130_000)?.change).toMatchObject({ from: 'stopped', to: 'running' });
    watch.tick(130_001);
    expect(watch.news(130_001)?.change).toMatchObject({ to: 'failed' });
  });

  it('waits a whole time for heartbeats that may have come while nobody listened', () => {
    const watch = newWatch({ endpoints: [], ttlMs: 30_000, beat: 'b1' });
    watch.news(0);
    watch.wasAway(100_000);
    watch.tick(130_000);
    expect(watch.news(130_000)).toBeUndefined();
    watch.tick(130_001);
    expect(watch.news(130_001)?.change).toMatchObject({ to: 'failed' });
  });
});
