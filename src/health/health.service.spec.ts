import { Logger } from '@nestjs/common';
import { HealthProbe, type ProbeResult } from '../common/health/health-probe.js';
import { HealthRegistry } from '../common/health/health-registry.js';
import { DiskProbe, MemoryProbe } from './machine.probes.js';
import { HealthService } from './health.service.js';

beforeAll(() => {
  Logger.overrideLogger(false);
});

class FakeProbe extends HealthProbe {
  readonly downMessage = 'not reachable';
  calls = 0;

  constructor(
    readonly name: string,
    readonly critical: boolean,
    private readonly answer: () => Promise<ProbeResult>,
  ) {
    super();
  }

  check(): Promise<ProbeResult> {
    this.calls += 1;
    return this.answer();
  }
}

const up = async (): Promise<ProbeResult> => ({ status: 'up', message: 'reachable' });
const broken = async (): Promise<ProbeResult> => {
  throw new Error('connect ECONNREFUSED 10.0.0.7:27017');
};

function serviceOf(...probes: HealthProbe[]): HealthService {
  const registry = new HealthRegistry();
  for (const probe of probes) registry.register(probe);
  return new HealthService(registry);
}

describe('HealthService', () => {
  it('is ok when every part is up', async () => {
    const report = await serviceOf(
      new FakeProbe('database', true, up),
      new FakeProbe('redis', false, up),
    ).report();
    expect(report.status).toBe('ok');
    expect(report.checks['database']).toEqual({
      status: 'up',
      message: 'reachable',
      duration_ms: expect.any(Number),
    });
  });

  it('is degraded without a part that it can do without, down without one that it needs', async () => {
    const service = serviceOf(
      new FakeProbe('database', true, up),
      new FakeProbe('redis', false, broken),
    );
    expect((await service.report()).status).toBe('degraded');
    const down = await serviceOf(new FakeProbe('database', true, broken)).report();
    expect(down.status).toBe('down');
    expect(down.message).toBe('Millrace cannot serve; trouble: database (not reachable).');
    expect(JSON.stringify(down)).not.toContain('10.0.0.7');
  });

  it('waits about a second for a part that hangs, and asks it once only meanwhile', async () => {
    const hung = new FakeProbe('database', true, () => new Promise(() => undefined));
    const service = serviceOf(hung, new FakeProbe('redis', false, up));
    const start = performance.now();
    const reports = await Promise.all([service.report(), service.report()]);
    expect(performance.now() - start).toBeLessThan(1_900);
    for (const report of reports) {
      expect(report.status).toBe('down');
      expect(report.checks['database']?.message).toBe('no answer within 1000 ms');
      expect(report.checks['redis']?.status).toBe('up');
    }
    expect(hung.calls).toBe(1);
  });

  it('sees probes that are registered after it was asked, and none twice', async () => {
    const registry = new HealthRegistry();
    const service = new HealthService(registry);
    expect((await service.report()).checks).toEqual({});
    registry.register(new FakeProbe('queue', false, up));
    expect(Object.keys((await service.report()).checks)).toEqual(['queue']);
    expect(() => registry.register(new FakeProbe('queue', false, up))).toThrow('queue');
  });
});

describe('machine probes', () => {
  it('compare what is free with the floors', async () => {
    const disk = (minFreeDisk: number): Promise<ProbeResult> =>
      new DiskProbe({ home: '/', minFreeDisk }).check();
    expect((await disk(0)).status).toBe('up');
    expect(await disk(Number.MAX_SAFE_INTEGER)).toMatchObject({
      status: 'degraded',
      message: expect.stringContaining('MIN_FREE_DISK'),
    });
    const memory = await new MemoryProbe({ minFreeMemory: Number.MAX_SAFE_INTEGER }).check();
    expect(memory.status).toBe('degraded');
    expect(memory.data?.['free_bytes']).toBeGreaterThan(1024 * 1024);
  });
});
