import { eventually } from '../../../test/support/eventually.js';
import type { LocalServices, ServiceSpec, ServiceStatus } from './local-services.js';

/** No services yet, and what a contract needs around them. */
export interface ServicesUnderTest {
  readonly services: LocalServices;
  /** A line for a shell: it prints `ready`, then runs until it is ended. */
  readonly program: string;
  /** Ends the program of a running service, by no call of the port. */
  end(status: ServiceStatus): void;
  close(): Promise<void>;
}

/** What every adapter of `LocalServices` does. */
export function localServicesContract(make: () => Promise<ServicesUnderTest>): void {
  let test: ServicesUnderTest;
  let services: LocalServices;

  const spec = (id: string, more: Partial<ServiceSpec> = {}): ServiceSpec => ({
    ...{ id, command: test.program, cwd: '/' },
    restart: { max: 1, window_ms: 60_000, backoff_ms: { first: 5, most: 5 } },
    ...more,
  });
  const state = (id: string, wanted: ServiceStatus['state']) =>
    eventually(async () => {
      const status = await services.status(id);
      return status?.state === wanted ? status : undefined;
    });

  beforeEach(async () => {
    test = await make();
    services = test.services;
  });
  afterEach(() => test.close());

  it('has none at first', async () => {
    expect(await services.list()).toEqual([]);
    expect(await services.status('web')).toBeUndefined();
    expect(await services.log('web', { tail: 10 })).toEqual([]);
    expect(await services.listening('web')).toEqual([]);
  });

  it('starts a program once, however often it is asked to', async () => {
    const [first, second] = await Promise.all([
      services.start(spec('web')),
      services.start(spec('web')),
    ]);
    expect(first).toMatchObject({ id: 'web', state: 'running', restarts: 0, last_exit: null });
    expect(first.pid).toEqual(expect.any(Number));
    expect(Date.parse(first.started_at ?? '')).not.toBeNaN();
    expect(second.pid).toBe(first.pid);
    expect((await services.start(spec('web'))).pid).toBe(first.pid);
    expect(await services.status('web')).toMatchObject({ pid: first.pid });
    expect(await services.listening('web')).toEqual([]);
  });

  it('lists all of them by id', async () => {
    for (const id of ['web', 'api', 'Work_er.2']) await services.start(spec(id));
    expect((await services.list()).map(({ id }) => id)).toEqual(['Work_er.2', 'api', 'web']);
  });

  it('takes no other spec for an id, unless that was removed', async () => {
    await services.start(spec('web'));
    const other = spec('web', { environment: [['COLOR', 'red']] });
    await expect(services.start(other)).rejects.toMatchObject({ code: 'other_spec' });
    await services.remove('web');
    expect((await services.start(other)).state).toBe('running');
  });

  it.each([
    { id: '../web' },
    { id: '..' },
    { id: '' },
    { command: '' },
    { command: [] },
    { command: ['a\0b'] },
    { cwd: 'relative' },
    { environment: [['A=B', 'c']] },
    { environment: [['MILLRACE_SERVICE', 'x']] },
    { environment: [['A', 'b'] as const, ['A', 'c'] as const] },
    { limits: { open_files: 0 } },
    { stop: { signal: 'SIGTERM', grace_ms: -1 } },
    { restart: { max: -1, window_ms: 1000, backoff_ms: { first: 1, most: 1 } } },
  ] as Partial<ServiceSpec>[])('refuses %j', async (more) => {
    await expect(services.start(spec('web', more))).rejects.toMatchObject({ code: 'bad_spec' });
    expect(await services.list()).toEqual([]);
  });

  it('stops one, which can be started again, and knows nothing of unknown ones', async () => {
    const first = await services.start(spec('web'));
    await services.stop('web');
    expect(await services.status('web')).toMatchObject({
      ...{ state: 'stopped', pid: null, started_at: null, reason: null },
      last_exit: { kind: 'signalled', signal: 'SIGTERM' },
    });
    await services.stop('web');
    await services.stop('nobody');
    const again = await services.start(spec('web'));
    expect(again).toMatchObject({ state: 'running', restarts: 0, last_exit: null });
    expect(again.pid).not.toBe(first.pid);
  });

  it('starts one again that has ended, until that has happened too often', async () => {
    const first = await services.start(spec('web'));
    test.end(first);
    const second = await eventually(async () => {
      const status = await services.status('web');
      return status?.state === 'running' && status.restarts === 1 ? status : undefined;
    });
    expect(second.pid).not.toBe(first.pid);
    expect(second.last_exit).not.toBeNull();
    test.end(second);
    const failed = await state('web', 'failed');
    expect(failed).toMatchObject({ pid: null, restarts: 1 });
    expect(failed.reason).toEqual(expect.any(String));
    expect(await services.start(spec('web'))).toMatchObject({
      ...{ state: 'running', restarts: 0, reason: null },
    });
  });

  it('stops one that waits for its next start', async () => {
    const backoff = { first: 3_600_000, most: 3_600_000 };
    const restart = { max: 9, window_ms: 60_000, backoff_ms: backoff };
    test.end(await services.start(spec('web', { restart })));
    expect((await state('web', 'backoff')).reason).toEqual(expect.any(String));
    await services.stop('web');
    expect((await services.status('web'))?.state).toBe('stopped');
  });

  it('keeps the end of what it prints', async () => {
    await services.start(spec('web'));
    await eventually(async () =>
      (await services.log('web', { tail: 10 })).includes('ready') ? true : undefined,
    );
    await services.stop('web');
    await services.start(spec('web'));
    await eventually(async () =>
      (await services.log('web', { tail: 10 })).length === 2 ? true : undefined,
    );
    expect(await services.log('web', { tail: 1 })).toEqual(['ready']);
  });

  it('runs a command beside a program that runs, and only then', async () => {
    const request = { command: ['true'], limit_ms: 5_000 };
    expect(await services.exec('web', request)).toBeUndefined();
    await services.start(spec('web'));
    expect(await services.exec('web', request)).toMatchObject({ kind: 'exited', code: 0 });
    for (const wrong of [{ command: [] }, { limit_ms: 0 }, { limit_ms: 60_001 }]) {
      await expect(services.exec('web', { ...request, ...wrong })).rejects.toMatchObject({
        code: 'bad_spec',
      });
    }
    await services.stop('web');
    expect(await services.exec('web', request)).toBeUndefined();
  });

  it('removes one with all that was kept of it, and may be asked to twice', async () => {
    await services.start(spec('web'));
    await services.remove('web');
    expect(await services.status('web')).toBeUndefined();
    expect(await services.list()).toEqual([]);
    expect(await services.log('web', { tail: 10 })).toEqual([]);
    await services.remove('web');
  });
}
