import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { whyNotListen } from './free-listener.js';

describe('whether a program may listen', () => {
  let server: Server;
  let port: number;
  beforeEach(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  });
  afterEach(() => server.close());

  it('is told of a port that is used, by whatever address', async () => {
    expect(await whyNotListen({ address: '127.0.0.1', port })).toBe('port_in_use');
    expect(await whyNotListen({ address: '0.0.0.0', port })).toBe('port_in_use');
  });

  it('is told of an address of another machine', async () => {
    expect(await whyNotListen({ address: '192.0.2.1', port })).toBe('address_missing');
  });

  it('leaves a port free that is free', async () => {
    server.close();
    await once(server, 'close');
    for (let round = 0; round < 2; round += 1) {
      expect(await whyNotListen({ address: '127.0.0.1', port })).toBeUndefined();
    }
  });
});
