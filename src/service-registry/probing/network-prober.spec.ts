import { createServer as createHttp, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcp, type Server as TcpServer } from 'node:net';
import { AddressPolicy } from '../../common/net/address-policy.js';
import { DEFAULT_CHECK, type ProbeResult, type ServiceCheck } from '../checks/service-check.js';
import { NetworkProber } from './network-prober.js';

const resolve = (host: string) => {
  if (host === 'none.example') {
    return Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' }));
  }
  if (host === 'silent.example') return new Promise<never>(() => undefined);
  return Promise.resolve([{ address: '127.0.0.1', family: 4 as const }]);
};

describe('NetworkProber', () => {
  let server: Server;
  let tcp: TcpServer;
  /** Another program at a loopback address. */
  let beside: Server;
  let base: string;
  const asked: IncomingMessage[] = [];
  const anywhere = new NetworkProber(new AddressPolicy(['all']), resolve);
  const probe = (
    url: string,
    check: Partial<ServiceCheck> = {},
    prober = anywhere,
    isOwn = false,
  ): Promise<ProbeResult> => prober.probe({ url, isOwn }, { ...DEFAULT_CHECK, ...check });
  const portOf = (one: Server | TcpServer): number => (one.address() as AddressInfo).port;

  beforeAll(async () => {
    server = createHttp((request, response) => {
      asked.push(request);
      const [path] = (request.url ?? '').split('?');
      switch (path) {
        case '/ok':
          return response.end('all is well');
        case '/large':
          response.write('start');
          return response.write('x'.repeat(200_000));
        case '/away':
          return response.writeHead(302, { location: '/ok' }).end();
        case '/loop':
          return response.writeHead(302, { location: '/loop' }).end();
        case '/inside':
          return response.writeHead(302, { location: 'http://10.0.0.1/' }).end();
        case '/outside':
          return response.writeHead(302, { location: 'http://203.0.114.5/' }).end();
        case '/beside':
          return response.writeHead(302, { location: `http://127.0.0.1:${portOf(beside)}/` }).end();
        case '/files':
          return response.writeHead(302, { location: 'ftp://127.0.0.1/' }).end();
        case '/never':
          return undefined;
        default:
          return response.writeHead(503).end('secret details');
      }
    });
    tcp = createTcp((socket) => {
      socket.on('error', () => undefined).resume();
      socket.end('hello\r\n');
    });
    beside = createHttp((request, response) => {
      asked.push(request);
      response.end('all is well');
    });
    for (const one of [server, tcp, beside]) {
      await new Promise<void>((done) => one.listen(0, '127.0.0.1', done));
    }
    base = `http://127.0.0.1:${portOf(server)}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    for (const one of [server, tcp, beside]) await new Promise((done) => one.close(done));
  });

  it.each<[string, Partial<ServiceCheck>]>([
    ['/ok', {}],
    ['/', { path: '/ok?x=1' }],
    ['/ok', { method: 'HEAD' }],
    ['/ok', { body_contains: 'well' }],
    ['/large', { body_contains: 'start' }],
    ['/bad', { expected_status: [200, 503] }],
    ['/away', { expected_status: [302] }],
    ['/away', { follow_redirects: true }],
  ])('is content with %s by %j', async (path, check) => {
    expect(await probe(base + path, check)).toEqual({ ok: true });
  });

  it.each<[string, Partial<ServiceCheck>, string]>([
    ['/bad', {}, 'unexpected_status'],
    ['/ok', { expected_status: [204] }, 'unexpected_status'],
    ['/ok', { body_contains: 'ill' }, 'unexpected_body'],
    ['/away', {}, 'redirected'],
    ['/loop', { follow_redirects: true }, 'redirected'],
    ['/files', { follow_redirects: true }, 'redirected'],
    ['/never', { timeout_seconds: 0.1 }, 'timeout'],
    ['/large', { body_contains: 'end' }, 'unexpected_body'],
  ])('is not content with %s by %j: %s', async (path, check, code) => {
    const result = await probe(base + path, check);
    expect(result).toMatchObject({ ok: false, code });
    expect(JSON.stringify(result)).not.toContain('secret');
  });

  it('says what keeps it from an answer', async () => {
    expect(await probe('tcp://127.0.0.1:1')).toMatchObject({ code: 'no_connection' });
    expect(await probe('http://none.example/')).toMatchObject({ code: 'no_address' });
    const silent = await probe('http://silent.example/', { timeout_seconds: 0.1 });
    expect(silent).toMatchObject({ code: 'timeout' });
    const text = await probe(`http://127.0.0.1:${portOf(tcp)}/`);
    expect(text).toMatchObject({ code: 'bad_answer' });
    const tls = await probe(base.replace('http:', 'https:') + '/ok');
    expect(tls).toMatchObject({ code: 'tls' });
    expect(await probe(`tcp://127.0.0.1:${portOf(tcp)}`)).toEqual({ ok: true });
  });

  it('keeps no connection, and sends the host that is asked for', async () => {
    asked.length = 0;
    await probe(`${base}/ok`, { host: 'shop.example' });
    const [request] = asked;
    expect(request?.headers).toMatchObject({ host: 'shop.example', connection: 'close' });
  });

  it('tells who it redirects to nothing of the host that was asked for, and asks it by its own', async () => {
    asked.length = 0;
    await probe(`${base}/away`, { host: 'shop.example', follow_redirects: true });
    expect(asked.map(({ headers: { host } }) => `http://${host}`)).toEqual([
      ...['http://shop.example', base],
    ]);
  });

  it('takes a path for a path, whatever it looks like', async () => {
    asked.length = 0;
    await probe(`${base}/ok`, { path: '//10.0.0.1/ok?x=1' });
    await probe(`${base}/ok`, { path: '/\\10.0.0.1/ok' });
    expect(asked.map(({ headers: { host } }) => `http://${host}`)).toEqual([base, base]);
  });

  it('dials the address that was checked, and asks for none a second time', async () => {
    const names: string[] = [];
    // A moment later the name means an address that is refused.
    const rebinding = new NetworkProber(new AddressPolicy(['127.0.0.1']), (host) => {
      names.push(host);
      const address = names.length === 1 ? '127.0.0.1' : '10.0.0.1';
      return Promise.resolve([{ address, family: 4 as const }]);
    });
    const http = `http://shop.invalid:${portOf(server)}/ok`;
    expect(await probe(http, {}, rebinding)).toEqual({ ok: true });
    expect(names).toEqual(['shop.invalid']);
    names.length = 0;
    const tcpUrl = `tcp://shop.invalid:${portOf(tcp)}`;
    expect(await probe(tcpUrl, {}, rebinding)).toEqual({ ok: true });
    expect(names).toEqual(['shop.invalid']);
  });

  it('dials no address that the rules refuse, also not by a redirect', async () => {
    const strict = new NetworkProber(new AddressPolicy([]), resolve);
    asked.length = 0;
    expect(await probe(`${base}/ok`, {}, strict)).toMatchObject({ code: 'address_refused' });
    const named = `http://shop.example:${portOf(server)}/ok`;
    expect(await probe(named, {}, strict)).toMatchObject({ code: 'address_refused' });
    const tcpUrl = `tcp://shop.example:${portOf(tcp)}`;
    expect(await probe(tcpUrl, {}, strict)).toMatchObject({ code: 'address_refused' });
    expect(asked).toEqual([]);
    const here = new NetworkProber(new AddressPolicy(['127.0.0.1']), resolve);
    const followed = await probe(`${base}/inside`, { follow_redirects: true }, here);
    expect(followed).toMatchObject({ code: 'address_refused' });
  });

  it('asks what was deployed on this host at a loopback address only', async () => {
    const strict = new NetworkProber(new AddressPolicy([]), resolve);
    expect(await probe(`${base}/ok`, {}, strict, true)).toEqual({ ok: true });
    for (const url of ['http://10.0.0.1/', 'http://shop.example/', 'tcp://203.0.114.5:80']) {
      expect(await probe(url, {}, anywhere, true)).toMatchObject({ code: 'address_refused' });
    }
    const inside = await probe(`${base}/inside`, { follow_redirects: true }, anywhere, true);
    expect(inside).toMatchObject({ code: 'address_refused' });
    const check = { follow_redirects: true, timeout_seconds: 1 };
    const outside = await probe(`${base}/outside`, check, anywhere, true);
    expect(outside).toMatchObject({ code: 'address_refused' });
  });

  it('follows what was deployed on this host to no other program of it', async () => {
    const follow = { follow_redirects: true };
    asked.length = 0;
    const there = await probe(`${base}/beside`, follow, anywhere, true);
    expect(there).toMatchObject({ code: 'address_refused' });
    expect(asked.map(({ url }) => url)).toEqual(['/beside']);
    expect(await probe(`${base}/away`, follow, anywhere, true)).toEqual({ ok: true });
    // What somebody has named, and the operator allows, leads where the operator allows it.
    const here = new NetworkProber(new AddressPolicy(['127.0.0.1']), resolve);
    expect(await probe(`${base}/beside`, follow, here)).toEqual({ ok: true });
  });
});
