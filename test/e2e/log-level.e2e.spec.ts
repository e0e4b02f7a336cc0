import { eventually } from '../support/eventually.js';
import { MillraceServer, type ServerProcess } from '../support/millrace-server.js';

interface LevelBody {
  readonly level: string;
  readonly configured: string;
  readonly override: {
    readonly level: string;
    readonly by: string;
    readonly reason: string;
  } | null;
}

describe('the log level at run time', () => {
  let server: MillraceServer;

  beforeAll(async () => {
    server = await MillraceServer.start({ workers: 1 });
  });

  afterAll(async () => {
    await server.stop();
  });

  const set = (body: object): Promise<LevelBody> =>
    server.call<LevelBody>('PUT', '/api/log-level', body);

  const linesOf = (process: ServerProcess | undefined, text: string): Record<string, unknown>[] =>
    (process?.output() ?? '')
      .split('\n')
      .filter((line) => line.includes(text))
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  const says = (process: ServerProcess | undefined, text: string): Promise<boolean> =>
    eventually(() => linesOf(process, text).length > 0 || undefined);

  it('is set for every process, those too that start later, and each says who did it and why', async () => {
    const body = await set({ level: 'debug', for_seconds: 600, reason: 'clones hang' });
    expect(body).toMatchObject({
      level: 'debug',
      configured: 'info',
      override: { level: 'debug', by: 'token', reason: 'clones hang' },
    });
    await server.startWorker();
    for (const process of [server.api, ...server.workers]) {
      await says(process, '"msg":"log level set"');
      const [line] = linesOf(process, '"msg":"log level set"');
      expect(line).toMatchObject({
        logLevel: { level: 'debug', by: 'token', reason: 'clones hang' },
      });
    }
    // Requests of probes are logged at debug.
    await server.fetch('GET', '/api/health/live');
    await eventually(() => linesOf(server.api, '/api/health/live').length > 0 || undefined);
    expect(await server.call('GET', '/api/log-level')).toEqual(body);
  });

  it('goes back by itself, in every process', async () => {
    await set({ level: 'error', for_seconds: 2 });
    await server.fetch('GET', '/api/ci/pipelines/quiet');
    expect(linesOf(server.api, '/api/ci/pipelines/quiet')).toEqual([]);
    for (const process of [server.api, ...server.workers]) {
      await says(process, '"msg":"log level as configured"');
    }
    expect(await server.call('GET', '/api/log-level')).toEqual({
      level: 'info',
      configured: 'info',
      override: null,
    });
    await server.fetch('GET', '/api/ci/pipelines/heard');
    await eventually(() => linesOf(server.api, '/api/ci/pipelines/heard').length > 0 || undefined);
  });

  it('can be put back before its time', async () => {
    await set({ level: 'warn' });
    const body = await server.call<LevelBody>('DELETE', '/api/log-level');
    expect(body).toMatchObject({ level: 'info', override: null });
  });

  it.each([
    { level: 'silent' },
    { level: 'loud' },
    {},
    { level: 'debug', for_seconds: 0 },
    { level: 'debug', for_seconds: 86_401 },
    { level: 'debug', reason: 'two\nlines' },
    { level: 'debug', other: 1 },
  ])('refuses %j', async (body) => {
    expect((await server.fetch('PUT', '/api/log-level', body)).status).toBe(400);
    expect((await fetch(`${server.baseUrl}/api/log-level`)).status).toBe(401);
  });
});
