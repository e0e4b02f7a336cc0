import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DockerServiceContainers } from './docker-service-containers.js';

interface Made {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly State: string;
  readonly Created: number;
}

/** What an engine is asked to make. */
interface Asked {
  readonly Labels: Readonly<Record<string, string>>;
  readonly HostConfig: Readonly<Record<string, unknown>>;
}

/** Keeps containers with their labels, and tells of those that are asked for by label. */
class SmallEngine {
  readonly containers: Made[] = [];
  /** Of images, from which containers have theirs. */
  imageLabels: Readonly<Record<string, string>> = {};
  /** Of images of releases. */
  readonly tags: string[] = [];
  last: Asked | undefined;
  /** What containers were told to do, in order. */
  readonly told: string[] = [];
  /** Of a command that is to be run in a container. */
  command: Readonly<Record<string, unknown>> | undefined;
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
    if (call === 'GET /images/json') return [200, [{ RepoTags: this.tags }]];
    if (call === 'POST /containers/create') {
      this.last = JSON.parse(await textOf(request)) as Asked;
      const name = searchParams.get('name') ?? '';
      if (this.containers.some(({ Id: id }) => id === name)) return [409, { message: 'taken' }];
      this.add(name, this.last.Labels);
      return [201, { Id: name }];
    }
    if (call.startsWith('GET /containers/')) return [200, { State: { Running: true } }];
    if (call.endsWith('/exec')) {
      this.command = JSON.parse(await textOf(request)) as Record<string, unknown>;
      return [409, { message: 'it begins none' }];
    }
    const id = decodeURIComponent(pathname.split('/').at(-1) ?? '');
    this.told.push(`${call}?${searchParams.toString()}`);
    const index = this.containers.findIndex((one) => one.Id === id);
    if (request.method === 'DELETE' && index >= 0) this.containers.splice(index, 1);
    return [204];
  }

  /** As one that was made last: engines list those first. */
  add(name: string, labels: Readonly<Record<string, string>>): void {
    const own = { ...this.imageLabels, ...labels };
    const made = { Id: name, Names: [`/${name}`], Labels: own, State: 'running', Created: 0 };
    this.containers.unshift(made);
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
  afterEach(() => {
    engine.containers.splice(0);
    engine.tags.splice(0);
    engine.told.splice(0);
    engine.imageLabels = {};
  });

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
    expect(await theirs.list()).toEqual(['shop.2', 'shop.1']);
    await ours.remove('shop.2', 0);
    await ours.remove('shop.1', 0);
    expect(await ours.list()).toEqual([]);
    expect(await theirs.list()).toEqual(['shop.2', 'shop.1']);
  });

  it.each([
    [10_000, 10],
    [1, 1],
    [0, 0],
  ])('are asked to end, and killed after %d ms, before they are removed', async (ms, seconds) => {
    await start(of('aaaa', 'h'), 'shop.1');
    engine.told.splice(0);
    await of('aaaa', 'h').remove('shop.1', ms);
    expect(engine.told).toEqual([
      `POST /containers/millrace-aaaa-shop.1/stop?t=${seconds}`,
      'DELETE /containers/millrace-aaaa-shop.1?force=true&v=true',
    ]);
  });

  it('take no container for theirs that has its labels from its image', async () => {
    const ours = of('aaaa', 'h');
    await start(ours, 'shop.1');
    // The author of an image knows the names, and may run it as a step.
    const service = (name: string) => ({
      ...{ 'millrace.service-in': 'aaaa', 'millrace.service-host': 'h' },
      'millrace.service-container': name,
    });
    engine.add('of-a-step', service('shop.1'));
    engine.add('of-another-step', service('mail.1'));
    // Somebody has made it by hand, of our name.
    const byHand = { ...service('news.1'), 'millrace.service-in': '' };
    engine.add('millrace-aaaa-news.1', byHand);
    expect(await ours.list()).toEqual(['shop.1']);
    for (const name of ['news.1', 'mail.1', 'shop.1']) await ours.remove(name, 0);
    expect(engine.containers.map(({ Id: id }) => id)).toEqual([
      ...['millrace-aaaa-news.1', 'of-another-step', 'of-a-step'],
    ]);
  });

  it('are no containers of steps, which are swept, whatever their image says', async () => {
    engine.imageLabels = {
      ...{ 'millrace.installation': 'aaaa', 'millrace.owner': 'b:1:2:3', 'millrace.group': 'g' },
      ...{ 'millrace.service-in': 'bbbb', other: 'stays' },
    };
    await start(of('aaaa', 'h'), 'shop.1');
    expect(engine.containers[0]?.Labels).toEqual({
      ...{ 'millrace.installation': '', 'millrace.owner': '', 'millrace.group': '' },
      ...{ 'millrace.service-in': 'aaaa', 'millrace.service-host': 'h' },
      ...{ 'millrace.service-container': 'shop.1', other: 'stays' },
    });
  });

  it('have no rights, mounts, sockets or namespaces of the host, and their limits', async () => {
    await of('aaaa', 'h').start({
      ...{ name: 'shop.1', imageId: 'sha256:1', environment: {}, port: 80, hostPort: 20_000 },
      limits: { pids: 10, memory: 2 ** 26, cpus: 0.5 },
    });
    // All of it: whatever else is asked for is a right more.
    expect(engine.last?.HostConfig).toEqual({
      PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '20000' }] },
      NetworkMode: expect.stringMatching(/^mr-[0-9a-f]+$/) as string,
      ...{ Init: true, IpcMode: 'private', Privileged: false },
      CapDrop: ['NET_RAW', 'MKNOD', 'AUDIT_WRITE'],
      SecurityOpt: ['no-new-privileges'],
      ...{ PidsLimit: 10, Memory: 2 ** 26, MemorySwap: 2 ** 26, NanoCpus: 5e8 },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '5m', 'max-file': '2' } },
      RestartPolicy: { Name: 'no' },
    });
    expect(Object.keys(engine.last ?? {}).sort()).toEqual([
      ...['Env', 'ExposedPorts', 'HostConfig', 'Image', 'Labels', 'name'],
    ]);
  });

  it('run commands with the rights of the container, and as its user', async () => {
    const ours = of('aaaa', 'h');
    await start(ours, 'shop.1');
    const end = await ours.exec('shop.1', { command: 'look "$HOME"', limit_ms: 1_000 });
    expect(end).toMatchObject({ kind: 'not_started' });
    expect(engine.command).toEqual({
      ...{ Cmd: ['/bin/sh', '-c', 'look "$HOME"'], AttachStdout: true, AttachStderr: true },
      Env: [expect.stringMatching(/^MILLRACE_SERVICE_COMMAND=[0-9a-f]{32}$/) as string],
    });
    engine.command = undefined;
    expect(await ours.exec('mail.1', { command: ['look'], limit_ms: 1_000 })).toBeUndefined();
    expect(engine.command).toBeUndefined();
  });

  it('know the images of their own installation alone, by the names that it gave', async () => {
    engine.tags.push('waits.x', 'millrace.invalid/release:bbbb-waits.e.1');
    engine.tags.push('millrace.invalid/release:aaaa-waits.e.1');
    engine.tags.push('millrace.invalid/release:aaaa-shop.1');
    expect(await of('aaaa', 'h').keptNames('waits.')).toEqual(['waits.e.1']);
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
