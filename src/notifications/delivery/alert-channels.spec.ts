import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { AddressPolicy } from '../../common/net/address-policy.js';
import { type Mail, Mailer, MailFailure } from '../../integrations/mail/mailer.js';
import { NoMailer } from '../../integrations/mail/smtp-mailer.js';
import { newAlert, newExecutionAlert } from '../alerts/alert.fixture.js';
import type { WebhookTarget } from '../channels/channel.js';
import { AlertChannels } from './alert-channels.js';

class FakeMailer extends Mailer {
  readonly isConfigured = true;
  readonly sent: Mail[] = [];
  failure: Error | undefined;

  send(mail: Mail): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    this.sent.push(mail);
    return Promise.resolve();
  }
}

interface Got {
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

describe('AlertChannels', () => {
  const got: Got[] = [];
  let server: Server;
  let answer: (path: string | undefined) => {
    status: number;
    location?: string;
    endless?: boolean;
  };
  const mailer = new FakeMailer();
  const ways = (allowed = ['127.0.0.1'], timeoutMs = 5_000): AlertChannels =>
    new AlertChannels(new AddressPolicy(allowed), mailer, timeoutMs);
  const hook = (more: Partial<WebhookTarget> = {}): WebhookTarget => {
    const { port } = server.address() as AddressInfo;
    return {
      ...{ type: 'webhook', url: `http://127.0.0.1:${port}/T0K3N?k=s3cret`, secret: 'k3y-of-hmac' },
      headers: [{ name: 'Authorization', value: 'Bearer t0ken' }],
      ...more,
    };
  };
  const alert = newAlert(1, {
    followers: [{ service: 'default/web', status: 'failed', at: new Date(5) }],
    reason: { code: 'endpoints_failed', message: 'all fail: ü' },
  });

  beforeAll(async () => {
    server = createServer((request, response) => {
      void text(request).then((body) => {
        got.push({ path: request.url, headers: request.headers, body });
        const { status, location, endless } = answer(request.url);
        response.writeHead(status, location === undefined ? {} : { location });
        if (endless) response.write('x'.repeat(1_000));
        else response.end('s3cret answer');
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  beforeEach(() => {
    got.length = 0;
    mailer.sent.length = 0;
    mailer.failure = undefined;
    answer = () => ({ status: 204 });
  });

  it('posts an alert, signed over its very bytes', async () => {
    expect(await ways().send(alert, 'c', hook())).toBeUndefined();
    const [one] = got;
    expect(one?.headers).toMatchObject({
      ...{ authorization: 'Bearer t0ken', 'content-type': 'application/json' },
      'x-millrace-alert': alert._id,
    });
    const hmac = createHmac('sha256', 'k3y-of-hmac')
      .update(one?.body ?? '')
      .digest('hex');
    expect(one?.headers['x-millrace-signature-256']).toBe(`sha256=${hmac}`);
    expect(JSON.parse(one?.body ?? '')).toEqual({
      ...{ id: alert._id, kind: 'service', service: 'default/shop', from: 'running' },
      ...{ status: 'failed', at: '1970-01-01T00:00:01.000Z', after_deployment: null },
      ...{ caused_by: [], reason: { code: 'endpoints_failed', message: 'all fail: ü' } },
      followers: [{ service: 'default/web', status: 'failed', at: '1970-01-01T00:00:00.005Z' }],
    });
    expect(one?.body).not.toMatch(/t0ken|T0K3N|s3cret|k3y/);
    await ways().send(alert, 'c', hook({ secret: null }));
    expect(got[1]?.headers['x-millrace-signature-256']).toBeUndefined();
  });

  it('takes any 2xx for taken, however long its body is', async () => {
    answer = () => ({ status: 200, endless: true });
    expect(await ways().send(alert, 'c', hook())).toBeUndefined();
  });

  it.each([
    [500, 'unexpected_status', 'it answers with the status 500'],
    [404, 'unexpected_status', 'it answers with the status 404'],
    [302, 'unexpected_status', 'it answers with the status 302'],
  ])('takes %d for no, and follows nothing', async (status, code, message) => {
    answer = () => ({ status, location: '/elsewhere' });
    expect(await ways().send(alert, 'c', hook())).toEqual({ code, message });
    expect(got).toHaveLength(1);
  });

  it('says why nothing was reached, and never where it is', async () => {
    const refused = await ways([]).send(alert, 'c', hook());
    expect(refused).toMatchObject({ code: 'address_refused' });
    const closed = await ways(['all']).send(alert, 'c', hook({ url: 'http://127.0.0.1:1/T0K3N' }));
    expect(closed).toEqual({ code: 'no_connection', message: 'no connection (ECONNREFUSED)' });
    const nowhere = await ways().send(alert, 'c', hook({ url: 'http://t0ken.invalid/' }));
    expect(nowhere?.code).toBe('no_address');
    expect(JSON.stringify([refused, closed, nowhere])).not.toMatch(/127\.0\.0\.1|t0ken|T0K3N/);
    expect(got).toEqual([]);
  });

  it('waits no longer than it should', async () => {
    const silent = createServer();
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
    const { port } = silent.address() as AddressInfo;
    const target = hook({ url: `http://127.0.0.1:${port}/` });
    const told = await ways(['127.0.0.1'], 50).send(alert, 'c', target);
    silent.closeAllConnections();
    await new Promise((done) => silent.close(done));
    expect(told).toEqual({ code: 'timeout', message: 'no answer within 50 ms' });
  });

  it('writes mails for people, each try under one id', async () => {
    const target = { type: 'email', to: ['ops@example.org'] } as const;
    await ways().send(alert, 'c', target);
    await ways().send(alert, 'c', target);
    await ways().send(alert, 'other', target);
    const [one, again, other] = mailer.sent;
    expect(one?.subject).toBe('[Millrace] default/shop is failed');
    expect(one?.text).toContain('why      all fail: ü');
    expect(one?.text).toContain('also     default/web failed');
    expect(again?.id).toBe(one?.id);
    expect(other?.id).not.toBe(one?.id);
    const end = newAlert(2, { from: 'failed', to: 'running' });
    await ways().send(end, 'c', target);
    expect(mailer.sent[3]?.subject).toBe('[Millrace] default/shop is running again');
  });

  it('says why a mail was not taken', async () => {
    const target = { type: 'email', to: ['ops@example.org'] } as const;
    mailer.failure = new MailFailure('the mail server did not take it (EAUTH)');
    const refused = { code: 'mail_refused', message: 'the mail server did not take it (EAUTH)' };
    expect(await ways().send(alert, 'c', target)).toEqual(refused);
    mailer.failure = new Error('to ops@example.org: s3cret');
    const unknown = await ways().send(alert, 'c', target);
    expect(unknown?.code).toBe('delivery_failed');
    expect(unknown?.message).not.toContain('s3cret');
    const none = new AlertChannels(new AddressPolicy([]), new NoMailer());
    expect((await none.send(alert, 'c', target))?.code).toBe('mail_not_configured');
  });

  it('tells of an execution, with its address where that is known', async () => {
    answer = () => ({ status: 200 });
    got.length = 0;
    const told = newExecutionAlert({ subject: 'p1' });
    expect(await ways().send(told, 'c', hook())).toBeUndefined();
    const policy = new AddressPolicy(['127.0.0.1']);
    const known = new AlertChannels(policy, mailer, 5_000, undefined, 'https://ci.example');
    expect(await known.send(told, 'c', hook())).toBeUndefined();
    const [first, second] = got.map(({ body }) => JSON.parse(body) as object);
    const { id } = told.execution;
    expect(first).toEqual({
      ...{ id: told._id, kind: 'execution', pipeline: { id: 'p1', name: 'build' } },
      ...{ execution_id: id, number: 7, attempt: 1, branch: 'main', tag: null, commit: 'c0ffee' },
      ...{ status: 'failed', events: ['failure'], at: '1970-01-01T00:00:01.000Z' },
      reason: { code: 'exit_code', message: 'the command ended with exit code 1' },
      ...{ failure: { stage: 'test', step: 'unit' }, duration: 61_400, url: null },
    });
    expect(second).toEqual({ ...first, url: `https://ci.example/api/ci/executions/${id}` });
  });

  it('writes a mail of an execution, with one line of subject whatever names hold', async () => {
    const one = newExecutionAlert();
    const execution = { ...one.execution, pipeline_name: 'a\r\nBcc: b', branch: 'x\ny' };
    mailer.sent.length = 0;
    const to = { type: 'email', to: ['a@b.c'] } as const;
    await ways().send({ ...one, execution }, 'c', to);
    const fixed = { ...one.execution, status: 'success', events: ['success', 'fixed'] } as const;
    await ways().send({ ...one, reason: null, execution: fixed }, 'c', to);
    expect(mailer.sent.map(({ subject }) => subject)).toEqual([
      '[Millrace] a Bcc: b #7 ended: failed (x y)',
      '[Millrace] build #7 is fixed (main)',
    ]);
    expect(mailer.sent[0]?.text).toMatch(/^failed in  test \/ unit\nwhy        the command ended/m);
    expect(mailer.sent[0]?.text).not.toMatch(/^y$|^Bcc/m);
  });
});
