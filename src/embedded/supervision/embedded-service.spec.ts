import { mkdtemp, rm, access, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RotatingLog } from './rotating-log.js';
import { EmbeddedService, type ServiceEvent, type ServiceSpec } from './embedded-service.js';

describe('EmbeddedService', () => {
  let folder: string;
  let events: ServiceEvent[];
  let wake: () => void;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'supervised-spec-'));
    events = [];
    wake = () => undefined;
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  function supervise(script: string, over: Partial<ServiceSpec> = {}): EmbeddedService {
    const ready = join(folder, 'ready');
    const spec: ServiceSpec = {
      name: 'redis',
      program: '/bin/sh',
      args: ['-c', script],
      env: { PATH: process.env['PATH'] },
      cwd: folder,
      user: undefined,
      log: new RotatingLog(join(folder, 'log'), 1000),
      stopSignal: 'SIGTERM',
      stopGraceMs: 200,
      prepare: () => rm(ready, { force: true }),
      isReady: () =>
        access(ready).then(
          () => true,
          () => false,
        ),
      ...over,
    };
    const onEvent = (event: ServiceEvent): void => {
      events.push(event);
      wake();
    };
    return new EmbeddedService(spec, onEvent, () => Promise.resolve());
  }

  const eventOf = (kind: ServiceEvent['kind']): Promise<void> =>
    new Promise((resolve) => {
      wake = () => {
        if (events.some((event) => event.kind === kind)) resolve();
      };
      wake();
    });

  it('starts again what ends by itself, and not what was stopped', async () => {
    const service = supervise('touch ready; exec sleep 600');
    await service.start();
    const first = service.process?.pid ?? 0;
    process.kill(first, 'SIGKILL');
    await eventOf('restarted');
    expect(service.process?.pid).not.toBe(first);
    expect(events[0]).toEqual({ kind: 'died', service: 'redis', how: 'signal SIGKILL' });
    await service.stop();
    expect(service.process).toBeUndefined();
    expect(events.map((event) => event.kind)).toEqual(['died', 'restarted']);
  });

  it('kills what does not end in its grace', async () => {
    const service = supervise("trap '' TERM; touch ready; while :; do sleep 0.05; done");
    await service.start();
    await service.stop();
    expect(service.process).toBeUndefined();
  });

  it('tells the end of the log when the first start fails', async () => {
    const service = supervise('echo no memory >&2; exit 3');
    await expect(service.start()).rejects.toMatchObject({
      code: 'service_failed',
      message: expect.stringContaining('no memory'),
    });
  });

  it('fails when the program is not there', async () => {
    const service = supervise('', { program: '/nonexistent' });
    await expect(service.start()).rejects.toMatchObject({ code: 'service_failed' });
  });

  it('tries on while a restart fails, and stop ends that', async () => {
    const service = supervise('[ -e broken ] && exit 1; touch ready; exec sleep 600');
    await service.start();
    await writeFile(join(folder, 'broken'), '');
    process.kill(service.process?.pid ?? 0, 'SIGKILL');
    await eventOf('restart_failed');
    await rm(join(folder, 'broken'));
    await eventOf('restarted');
    await writeFile(join(folder, 'broken'), '');
    events.splice(0);
    process.kill(service.process?.pid ?? 0, 'SIGKILL');
    await eventOf('restart_failed');
    await service.stop();
    expect(service.process).toBeUndefined();
  });
});
