import { createServer, type Server } from 'node:http';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { MillraceServer } from '../support/millrace-server.js';

interface ServiceBody {
  readonly id: string;
  readonly status: string;
  readonly reason: { readonly code: string; readonly message: string };
  readonly since: string;
  readonly deployed: boolean;
  readonly endpoints: readonly { readonly status: string; readonly problem: unknown }[];
}

describe('services', () => {
  let server: MillraceServer;
  let port: number;
  let shop: Server | undefined;

  const open = async (): Promise<void> => {
    const opened = createServer((_request, response) => response.end('well'));
    await new Promise<void>((done) => opened.listen(port, '127.0.0.1', done));
    shop = opened;
  };
  const close = async (): Promise<void> => {
    const closing = shop;
    shop = undefined;
    closing?.closeAllConnections();
    await new Promise((done) => (closing ? closing.close(done) : done(undefined)));
  };
  const until = (id: string, status: string): Promise<ServiceBody> =>
    eventually(async () => {
      const body = await server.call<ServiceBody>('GET', `/api/services/${id}`);
      return body.status === status ? body : undefined;
    });

  beforeAll(async () => {
    port = await freePort();
    server = await MillraceServer.start({ environment: { ALLOW_PRIVATE_URLS: '127.0.0.1' } });
  });
  afterAll(async () => {
    await server.stop();
    await close();
  });

  it('are seen to run, to fail and to run again', async () => {
    await open();
    const made = await server.call<ServiceBody>('POST', '/api/services', {
      name: 'shop',
      endpoints: [`http://127.0.0.1:${port}/`],
      check: { interval_seconds: 1, timeout_seconds: 0.9, body_contains: 'well' },
    });
    expect(made.status).toBe('starting');
    expect((await until(made.id, 'running')).reason.code).toBe('checks_pass');
    const found = await server.call<{ endpoints: string[] }>('GET', '/api/discovery/shop');
    expect(found.endpoints).toEqual([`http://127.0.0.1:${port}/`]);
    await close();
    const failed = await until('default%2Fshop', 'failed');
    expect(failed.endpoints).toMatchObject([
      { status: 'failed', problem: { code: 'no_connection' } },
    ]);
    const none = await server.fetch('GET', '/api/discovery/shop');
    expect(none.status).toBe(503);
    expect(await none.json()).toMatchObject({
      error: 'ServiceUnavailableError',
      details: { code: 'endpoints_failed' },
    });
    await open();
    await until(made.id, 'running');
    const history = await server.call<{ changes: { from: string; to: string }[] }>(
      'GET',
      `/api/services/${made.id}/health?resolution=raw`,
    );
    expect(history.changes.map(({ to }) => to)).toEqual([
      ...['running', 'failed', 'running', 'starting'],
    ]);
  });

  it('are shown when they were deployed', async () => {
    const id = await server.createPipeline(
      'name: site\nsteps: [{ run: mkdir out }, { deploy: { type: local_directory, service: site, source: out } }]\n',
    );
    await server.trigger(id);
    const site = await eventually(async () => {
      const { items } = await server.call<{ items: ServiceBody[] }>(
        'GET',
        '/api/services?name=site&status=running',
      );
      return items[0];
    });
    expect(site).toMatchObject({ deployed: true, reason: { code: 'not_checked' } });
  });
});
