import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { MillraceServer } from '../support/millrace-server.js';

interface Told {
  readonly id: string;
  readonly service: string;
  readonly status: string;
}

interface AlertPage {
  readonly items: readonly {
    readonly id: string;
    readonly status: string;
    readonly deliveries: readonly { readonly channel: string; readonly state: string }[];
  }[];
}

const SECRET = 'a-secret-of-the-hook';
/** Until a lease of a killed process is taken, and what it did is done. */
const TAKEN_OVER_MS = 60_000;

describe('alerts of services', () => {
  let server: MillraceServer;
  let port: number;
  /** Of each test another one: one that changes often is flapping. */
  let path: string;
  let shop: Server | undefined;
  let hook: Server;
  let smtp: SMTPServer;
  const posted: { readonly body: string; readonly signature: unknown }[] = [];
  const mails: string[] = [];

  const open = async (): Promise<void> => {
    shop = createServer((_request, response) => response.end('well'));
    await new Promise<void>((done) => shop?.listen(port, '127.0.0.1', done));
  };
  const close = async (): Promise<void> => {
    const closing = shop;
    shop = undefined;
    closing?.closeAllConnections();
    await new Promise((done) => (closing ? closing.close(done) : done(undefined)));
  };
  const told = (): readonly Told[] => {
    const all = posted.map(({ body }) => JSON.parse(body) as Told);
    return all.filter(({ service }) => path.endsWith(service.replace('/', '%2F')));
  };
  const statuses = (): string[] => told().map(({ status }) => status);
  const untilTold = (count: number): Promise<unknown> =>
    eventually(() => (told().length >= count ? true : undefined), TAKEN_OVER_MS);
  const untilIt = (status: string): Promise<unknown> =>
    eventually(async () => {
      const one = await server.call<{ status: string }>('GET', path);
      return one.status === status ? one : undefined;
    }, TAKEN_OVER_MS);

  const register = async (name: string): Promise<void> => {
    posted.length = 0;
    port = await freePort();
    path = `/api/services/default%2F${name}`;
    await open();
    await server.call('POST', '/api/services', {
      ...{ name, endpoints: [`http://127.0.0.1:${port}/`] },
      check: { interval_seconds: 1, timeout_seconds: 0.9 },
    });
    await untilIt('running');
    const { port: hookPort } = hook.address() as AddressInfo;
    await server.call('PUT', `${path}/channels/hook`, {
      ...{ type: 'webhook', url: `http://127.0.0.1:${hookPort}/T0K3N`, secret: SECRET },
    });
    await server.call('PUT', `${path}/channels/mail`, { type: 'email', to: ['ops@example.org'] });
  };

  beforeAll(async () => {
    hook = createServer((request, response) => {
      void text(request).then((body) => {
        posted.push({ body, signature: request.headers['x-millrace-signature-256'] });
        response.end('thanks');
      });
    });
    await new Promise<void>((done) => hook.listen(0, '127.0.0.1', done));
    smtp = new SMTPServer({
      ...{ disabledCommands: ['STARTTLS', 'AUTH'] },
      onData: (stream, _session, done) => {
        void text(stream).then((mail) => {
          mails.push(mail);
          done();
        });
      },
    });
    await new Promise<void>((done) => void smtp.listen(0, '127.0.0.1', done));
    const { port: mailPort } = smtp.server.address() as AddressInfo;
    server = await MillraceServer.start({
      workers: 0,
      environment: {
        SMTP_URL: `smtp://127.0.0.1:${mailPort}`,
        SMTP_FROM: 'Millrace <ci@example.org>',
      },
    });
  });
  afterAll(async () => {
    await server.stop();
    await close();
    hook.closeAllConnections();
    await new Promise((done) => hook.close(done));
    await new Promise<void>((done) => smtp.close(done));
  });

  it('tell a failure and its end, by webhook and by mail', async () => {
    await register('shop');
    await close();
    await untilTold(1);
    await open();
    await untilTold(2);
    expect(statuses()).toEqual(['failed', 'running']);
    for (const { body, signature } of posted) {
      const hmac = createHmac('sha256', SECRET).update(body).digest('hex');
      expect(signature).toBe(`sha256=${hmac}`);
    }
    const alerts = await eventually(async () => {
      const page = await server.call<AlertPage>('GET', `${path}/alerts`);
      const all = page.items.flatMap(({ deliveries }) => deliveries.map(({ state }) => state));
      return all.every((state) => state === 'delivered') ? page : undefined;
    });
    expect(alerts.items.map(({ status }) => status)).toEqual(['running', 'failed']);
    expect(JSON.stringify(alerts)).not.toMatch(/T0K3N|ops@example|a-secret/);
    expect(mails.map((mail) => /^Subject: (.*)$/m.exec(mail)?.[1]?.trim())).toEqual([
      '[Millrace] default/shop is failed',
      '[Millrace] default/shop is running again',
    ]);
  });

  it.each([
    ['alert_stored', 'before anybody was told'],
    ['alert_sent', 'before it is stored that somebody was told'],
  ])('are one for each change when the process is killed at %s, %s', async (point) => {
    await close();
    await register(point.replace('_', '-'));
    await server.api?.end();
    const doomed = await server.startApi({ FAIL_POINT: point });
    await untilIt('running');
    await close();
    await eventually(() => doomed.child.signalCode ?? undefined, TAKEN_OVER_MS);
    await server.startApi();
    await untilTold(1);
    await untilIt('failed');
    await open();
    await eventually(() => (statuses().includes('running') ? true : undefined), TAKEN_OVER_MS);
    const ids = [...new Map(told().map(({ id, status }) => [id, status])).values()];
    expect(ids).toEqual(['failed', 'running']);
    if (point === 'alert_stored') expect(statuses()).toEqual(['failed', 'running']);
  });

  it('are none in maintenance', async () => {
    await close();
    await register('in-maintenance');
    await server.call('POST', `${path}/maintenance`, {
      ...{ minutes: 10, reason: 'a new disk' },
    });
    await close();
    await untilIt('failed');
    await open();
    await untilIt('running');
    await server.call('DELETE', `${path}/maintenance`);
    await close();
    await untilTold(1);
    const page = await server.call<AlertPage>('GET', `${path}/alerts?limit=2`);
    expect(page.items.map(({ status }) => status)).toEqual(['failed']);
    expect(statuses()).toEqual(['failed']);
  });
});
