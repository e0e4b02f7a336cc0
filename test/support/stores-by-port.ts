import { CuttableProxy } from './cuttable-proxy.js';
import { testServices } from './services.js';

/** The stores of the test run for processes of users who cannot enter the sockets' folder. */
export interface StoresByPort {
  readonly environment: { readonly MONGODB_URI: string; readonly REDIS_URL: string };
  stop(): void;
}

export async function storesByPort(): Promise<StoresByPort> {
  const { mongodbUri, redisUrl } = testServices();
  const proxies: CuttableProxy[] = [];
  const portOf = async (path: string): Promise<number> => {
    const proxy = await CuttableProxy.start({ path });
    proxies.push(proxy);
    return proxy.port;
  };
  const mongodb = new URL(mongodbUri);
  // Our own stores listen on sockets; the host of the database is the path of its own.
  const socket = decodeURIComponent(mongodb.hostname);
  if (socket.startsWith('/')) mongodb.host = `127.0.0.1:${await portOf(socket)}`;
  const redis = new URL(redisUrl);
  const isSocket = redis.protocol === 'unix:';
  return {
    environment: {
      MONGODB_URI: mongodb.href,
      REDIS_URL: isSocket
        ? `redis://127.0.0.1:${await portOf(redis.pathname)}/${redis.searchParams.get('db') ?? ''}`
        : redisUrl,
    },
    stop: () => proxies.forEach((proxy) => proxy.cut()),
  };
}
