import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A way to a port of this machine that is as slow as a real network: so many bits a second in each
 * direction, and a delay.
 */
export class SlowLink {
  private constructor(
    private readonly server: net.Server,
    private readonly sockets: Set<net.Socket>,
  ) {}

  static async start(
    port: number,
    link: { readonly mbit: number; readonly delayMs: number },
  ): Promise<SlowLink> {
    const sockets = new Set<net.Socket>();
    const server = net.createServer((near) => {
      const far = net.connect(port, '127.0.0.1');
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(socket);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
        void carry(socket, other, link);
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new SlowLink(server, sockets);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}

async function carry(
  from: Readable,
  to: Writable,
  { mbit, delayMs }: { readonly mbit: number; readonly delayMs: number },
): Promise<void> {
  let freeAt = performance.now();
  let idle = true;
  try {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      const now = performance.now();
      idle = freeAt < now;
      freeAt = Math.max(freeAt, now + (idle ? delayMs : 0)) + (chunk.length * 8) / (mbit * 1000);
      await sleep(freeAt - now);
      if (!to.write(chunk)) await once(to, 'drain');
    }
    to.end();
  } catch {
    to.destroy(); // A side went away.
  }
}
