import { MemoryReverseProxy } from './memory-reverse-proxy.fixture.js';
import { reverseProxyContract } from './reverse-proxy.contract.fixture.js';

describe('ReverseProxy: memory', () => {
  reverseProxyContract(async () => {
    const proxy = new MemoryReverseProxy();
    return {
      proxy,
      ports: [8001, 8002, 8003],
      use: async (port) => void proxy.used.add(`127.0.0.1:${port}`),
      restart: async () => proxy.restart(),
      lose: async () => void (proxy.isAway = true),
      close: async () => undefined,
    };
  });

  it('has no routes when it was started again, and another version', async () => {
    const proxy = new MemoryReverseProxy();
    const { version } = await proxy.current();
    proxy.restart();
    expect(await proxy.current()).not.toMatchObject({ version });
  });
});
