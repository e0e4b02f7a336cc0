import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { rebindingHost } from '../../../test/support/rebinding-host.js';
import { AddressPolicy, AddressRefusedError } from './address-policy.js';
import type { ResolveHost } from './checked-addresses.js';
import { CheckedHttp, HttpFailure } from './checked-http.js';

const HERE: ResolveHost = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);

describe('CheckedHttp', () => {
  const asked: IncomingMessage[] = [];
  let server: Server;
  let port: number;

  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request);
      const location = `http://127.0.0.1:${port}/elsewhere`;
      if (request.url === '/away') response.writeHead(307, { location }).end();
      else response.end('x'.repeat(100));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    ({ port } = server.address() as AddressInfo);
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  beforeEach(() => asked.splice(0));

  const http = (allowed: readonly string[], resolve = HERE, maxBytes = 1000): CheckedHttp =>
    new CheckedHttp(new AddressPolicy(allowed), { timeoutMs: 5_000, maxBytes }, resolve);
  const get = (one: CheckedHttp, url: string) => one.send({ method: 'GET', url });

  it('dials the address that was checked, and asks for none a second time', async () => {
    const { names, resolve } = rebindingHost();
    const url = `http://hooks.invalid:${port}/`;
    expect(await get(http(['127.0.0.1'], resolve), url)).toMatchObject({ status: 200 });
    expect([names, asked.length]).toEqual([['hooks.invalid'], 1]);
    expect(asked[0]?.headers.host).toBe(`hooks.invalid:${port}`);
  });

  it.each(['hooks.invalid', '127.0.0.1', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]'])(
    'connects to nothing at %s unless that is allowed',
    async (host) => {
      const refused = get(http([]), `http://${host}:${port}/`);
      await expect(refused).rejects.toBeInstanceOf(AddressRefusedError);
      expect(asked).toEqual([]);
    },
  );

  it('follows no redirect, so that credentials stay where they were meant for', async () => {
    const headers = { Authorization: 'Bearer t0ken' };
    const url = `http://hooks.invalid:${port}/away`;
    const answer = await http(['127.0.0.1']).send({ method: 'POST', url, headers, body: 'b' });
    expect(answer).toMatchObject({ status: 307, body: '' });
    expect(asked.map((one) => one.url)).toEqual(['/away']);
  });

  it.each(['ftp://hooks.invalid/', 'file:///etc/passwd', 'data:,x'])(
    'asks nothing of %s',
    async (url) => {
      await expect(get(http(['all']), url)).rejects.toThrow('Only http:// and https://');
    },
  );

  it('takes no answer that is larger than its limit', async () => {
    const large = get(http(['127.0.0.1'], HERE, 99), `http://hooks.invalid:${port}/`);
    await expect(large).rejects.toBeInstanceOf(HttpFailure);
    const fits = await get(http(['127.0.0.1'], HERE, 100), `http://hooks.invalid:${port}/`);
    expect(fits.body).toHaveLength(100);
  });
});
