import {
  connect,
  createServer,
  type AddressInfo,
  type NetConnectOpts,
  type Server,
  type Socket,
} from 'node:net';

/**
 * Passes connections on to a service until it is cut: then the service is away for those who know
 * it by this address only.
 */
export class CuttableProxy {
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  static async start(target: NetConnectOpts): Promise<CuttableProxy> {
    const server = createServer();
    const proxy = new CuttableProxy(server);
    server.on('connection', (near) => {
      const far = connect(target);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        proxy.sockets.add(socket);
        // The other end hears of it by its own close.
        socket.on('error', () => undefined);
        socket.once('close', () => {
          proxy.sockets.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Ends every connection; no more are taken. */
  cut(): void {
    this.server.close();
    this.interrupt();
  }

  /** Ends every connection; others are taken. */
  interrupt(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** After `cut`: takes connections again, at the port that it had. */
  async mend(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
  }
}
