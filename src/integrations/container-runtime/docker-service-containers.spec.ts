import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DockerServiceContainers } from './docker-service-containers.js';

interface Made {
  readonly Id: string;
  readonly Name: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly State: string;
  readonly Created: number;
}

/** Keeps containers with their labels, and tells of those that are asked for by label. */
class SmallEngine {
  readonly containers: Made[] = [];
  readonly server: Server = createServer((request, response) => {
    this.answer(request).then(
      ([status, body]) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(body === undefined ? undefined : JSON.stringify(body));
      },
      (error: unknown) => response.writeHead(500).end(JSON.stringify({ message: String(error) })),
    );
  });

  private async answer(request: IncomingMessage): Promise<[number, unknown?]> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://engine');
    const call = `${request.method} ${pathname.replace(/^\/v[\d.]+/, '')}`;
    if (call === 'GET /containers/json') {
      const { label } = JSON.parse(searchParams.get('filters') ?? '{}') as { label: string[] };
      const isMeant = ({ Labels: labels }: Made): boolean =>
        label.every((one) => {
          const [name = '', ...value] = one.split('=');
          return labels[name] === value.join('=');
        });
      return [200, this.containers.filter(isMeant)];
    }
    if (call === 'POST /networks/create') return [201, { Id: 'n' }];
    if (call.startsWith('GET /networks')) return [200, []];
    if (call === 'POST /containers/create') {
      const { Labels } = JSON.parse(await textOf(request)) as Pick<Made, 'Labels'>;
      const Name = searchParams.get('name') ?? '';
      if (this.containers.some((one) => one.Name === Name)) return [409, { message: 'taken' }];
      this.containers.push({ Id: Name, Name, Labels, State: 'running', Created: 0 });
      return [201, { Id: Name }];
    }
    const id = decodeURIComponent(pathname.split('/').at(-1) ?? '');
    const index = this.containers.findIndex((one) => one.Id === id);
    if (request.method === 'DELETE' && index >= 0) this.containers.splice(index, 1);
    return [204];
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

describe('DockerServiceContainers', () => {
  const engine = new SmallEngine();
  let host: string;

  beforeAll(async () => {
    await new Promise<void>((resolve) => engine.server.listen(0, '127.0.0.1', resolve));
    host = `http://127.0.0.1:${(engine.server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    engine.server.closeAllConnections();
    engine.server.close();
  });
  afterEach(() => engine.containers.splice(0));

  const of = (installation: string, hostName: string): DockerServiceContainers =>
    new DockerServiceContainers({
      ...{ host, hostName, installation: () => Promise.resolve(installation) },
    });
  const start = (containers: DockerServiceContainers, name: string): Promise<void> =>
    containers.start({
      ...{ name, imageId: 'sha256:1', environment: {}, port: 80, hostPort: 20_000 },
      limits: { pids: 10 },
    });

  it('see and remove nothing of another installation on the engine, though all names are one', async () => {
    const [ours, theirs] = [of('aaaa', 'h'), of('bbbb', 'h')];
    await start(ours, 'shop.1');
    await start(theirs, 'shop.1');
    await start(theirs, 'shop.2');
    expect(await ours.list()).toEqual(['shop.1']);
    expect(await theirs.list()).toEqual(['shop.1', 'shop.2']);
    await ours.remove('shop.2', 0);
    await ours.remove('shop.1', 0);
    expect(await ours.list()).toEqual([]);
    expect(await theirs.list()).toEqual(['shop.1', 'shop.2']);
  });

  it('list for a host what it looks after, of all hosts of the installation on the engine', async () => {
    const [one, two] = [of('aaaa', 'h1'), of('aaaa', 'h2')];
    await start(one, 'shop.1');
    await start(two, 'mail.1');
    expect(await one.list()).toEqual(['shop.1']);
    expect(await two.list()).toEqual(['mail.1']);
  });

  it('do nothing while the installation is not known', async () => {
    const unknown = new DockerServiceContainers({
      ...{ host, hostName: 'h', installation: () => Promise.reject(new Error('away')) },
    });
    await expect(start(unknown, 'shop.1')).rejects.toThrow('away');
    await expect(unknown.list()).rejects.toThrow('away');
    expect(engine.containers).toEqual([]);
  });
});
