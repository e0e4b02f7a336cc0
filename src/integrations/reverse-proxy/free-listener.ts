import { once } from 'node:events';
import { createServer } from 'node:net';
import type { PortListen, RoutesRefusal } from './reverse-proxy.js';

/**
 * Why the kernel would not let a program listen there, undefined when it would. It is asked by
 * listening for a moment.
 */
export async function whyNotListen({
  address,
  port,
}: PortListen): Promise<RoutesRefusal | undefined> {
  const server = createServer();
  try {
    server.listen({ host: address, port, exclusive: true });
    await once(server, 'listening');
    return undefined;
  } catch (error) {
    return listenRefusal((error as NodeJS.ErrnoException).code);
  } finally {
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  }
}

function listenRefusal(code: string | undefined): RoutesRefusal | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return 'port_in_use';
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return 'address_missing';
    default:
      // The proxy may have rights that we have not; it says so itself where it has none.
      return undefined;
  }
}
