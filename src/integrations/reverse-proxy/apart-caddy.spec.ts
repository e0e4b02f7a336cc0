import { ApartCaddy } from './apart-caddy.js';
import type { CaddyAddress } from './caddy-proxy.js';

const ADDRESS: CaddyAddress = { socket: '/home/caddy.sock', upstreams: '/home/upstreams' };

describe('ApartCaddy', () => {
  let address: CaddyAddress | undefined;
  let asked: number;

  beforeEach(() => {
    address = undefined;
    asked = 0;
  });

  const caddy = (onAsk: () => void): ApartCaddy =>
    new ApartCaddy({ running: async () => address }, async () => {
      asked += 1;
      onAsk();
    });

  it('asks for one that does not run', async () => {
    const apart = caddy(() => (address = ADDRESS));
    expect(await apart.running()).toBeUndefined();
    expect(await apart.ensure()).toBe(ADDRESS);
    expect(await apart.ensure()).toBe(ADDRESS);
    expect(asked).toBe(1);
  });

  it('says what is wrong where the one that was brought up is not seen', async () => {
    await expect(caddy(() => undefined).ensure()).rejects.toThrow(/the same MILLRACE_HOME/);
  });
});
