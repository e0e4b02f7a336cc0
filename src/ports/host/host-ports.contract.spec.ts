import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { HostPorts } from './host-ports.js';
import { LinuxHostPorts } from './linux-host-ports.js';
import { MemoryHostPorts } from './memory-host-ports.fixture.js';

interface Listener {
  readonly port: number;
  readonly close: () => Promise<void>;
}

const program = readFileSync('/proc/self/comm', 'utf8').trim();
const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ family }) => family === 'IPv6'),
);
const addresses = ['127.0.0.1', '0.0.0.0', ...(hasIpv6 ? ['::1', '::'] : [])];

/** What every adapter of `HostPorts` does. @param listen a program of this process listens */
function describeHostPorts(
  title: string,
  ports: HostPorts,
  listen: (address: string) => Promise<Listener>,
): void {
  describe(`${title} as HostPorts`, () => {
    it('has a name', () => {
      expect(ports.host).not.toBe('');
    });

    it.each(addresses)('a port is not free while somebody listens on %s', async (address) => {
      const { port, close } = await listen(address);
      expect(await ports.isFree(port)).toBe(false);
      expect(await ports.holderOf(port)).toMatchObject({ pid: process.pid, program });
      await close();
      expect(await ports.isFree(port)).toBe(true);
      expect(await ports.holderOf(port)).toBeUndefined();
    });

    it('looks at a port for many at once, who are not in each other’s way', async () => {
      const { port, close } = await listen('127.0.0.1');
      const looks = (): Promise<boolean[]> =>
        Promise.all(Array.from({ length: 10 }, () => ports.isFree(port)));
      expect(new Set(await looks())).toEqual(new Set([false]));
      await close();
      expect(new Set(await looks())).toEqual(new Set([true]));
    });

    it('names spans of outgoing connections in order', async () => {
      const spans = await ports.ephemeral();
      expect(spans.every(({ from, to }) => from <= to)).toBe(true);
      expect([...spans].sort((a, b) => a.from - b.from)).toEqual(spans);
    });
  });
}

describeHostPorts('LinuxHostPorts', new LinuxHostPorts(), async (host) => {
  const server = createServer();
  await new Promise<void>((resolve) =>
    server.listen({ port: 0, host, ipv6Only: host === '::' }, resolve),
  );
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it does not listen');
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  return { port: address.port, close };
});

const memory = new MemoryHostPorts();
let lastPort = 20_000;
describeHostPorts('MemoryHostPorts', memory, async () => {
  const port = ++lastPort;
  const end = memory.occupy(port, { pid: process.pid, program });
  return { port, close: () => Promise.resolve(end()) };
});
