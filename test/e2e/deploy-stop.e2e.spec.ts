import { isAlive, readStartTicks } from '../../src/common/child-process/process-stat.js';
import { buildCaddy, CADDY_BUILD_MS } from '../support/caddy-under-test.js';
import { CommandLine } from '../support/command-line.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { MillraceServer } from '../support/millrace-server.js';
import { SteadyRequests } from '../support/steady-requests.js';

interface DeploymentBody {
  readonly deployment_id: string;
  readonly kind: string;
  readonly status: string;
  readonly reason: { readonly code: string; readonly message: string };
  readonly release: { readonly number: number } | null;
}
interface ServiceBody {
  readonly status: string;
  readonly reason: { readonly message: string };
  readonly process_id: number | null;
  readonly stopped: { readonly by: string; readonly reason: string } | null;
}

const PER_SECOND = 100;
/** `/slow` answers when `/go` was asked; `/pid` tells which process it is. */
const PROGRAM = `const waiting = [];
require('node:http').createServer(({ url }, answer) => {
  if (url === '/slow') return void waiting.push(answer);
  if (url === '/go') for (const one of waiting.splice(0)) one.end('at last');
  answer.end(url === '/pid' ? String(process.pid) : 'release ' + process.env.RELEASE);
}).listen(process.env.PORT, '127.0.0.1');
`;

/** A program of the host, behind a real Caddy and a real supervisor. */
describe('a service that is stopped', () => {
  let server: MillraceServer;
  let pipeline: string;
  let port: number;
  const path = '/api/services/default%2Fshop';

  beforeAll(async () => {
    await buildCaddy();
    port = await freePort();
    server = await MillraceServer.start();
    pipeline = await server.createPipeline(yaml('shop', port));
    await deploy(pipeline, '1');
  }, CADDY_BUILD_MS);
  afterAll(() => server.stop());

  const yaml = (service: string, publish: number): string => `name: ${service}
triggers: [{ manual: { inputs: { release: { type: string, default: "1" } } } }]
steps:
  - name: ship
    deploy:
      type: local_service
      service: ${service}
      publish: ${publish}
      run: ${JSON.stringify([process.execPath, '-e', PROGRAM])}
      variables: { RELEASE: "\${{ inputs.release }}" }
      gate: { path: /, stable: 300ms, timeout: 30s }
      drain: 6s
`;
  const deploy = async (id: string, release: string): Promise<void> => {
    const { status } = await server.finished(
      await server.trigger(id, { inputs: { release } }),
      60_000,
    );
    expect(status).toBe('success');
  };
  const ask = async (what: string): Promise<[number, string]> => {
    const url = `http://127.0.0.1:${port}${what}`;
    const answer = await fetch(url, { headers: { connection: 'close' } });
    return [answer.status, await answer.text()];
  };
  const pid = async (): Promise<number> => Number((await ask('/pid'))[1]);
  const process_ = async (): Promise<{ pid: number; startTicks: number }> => {
    const one = await pid();
    return { pid: one, startTicks: readStartTicks(one) ?? 0 };
  };
  const asked = async (what: string, body?: unknown): Promise<DeploymentBody> => {
    const { deployment_id: id } = await server.call<DeploymentBody>(
      ...(['POST', `${path}/${what}`, body] as const),
    );
    return server.endedDeployment<DeploymentBody>(id);
  };
  const service = (): Promise<ServiceBody> => server.call('GET', path);
  const isSo = (status: string): Promise<ServiceBody> =>
    eventually(async () => {
      const now = await service();
      return now.status === status ? now : undefined;
    });
  const leased = async (): Promise<readonly { port: number; release: string }[]> => {
    const { items } = await server.call<{
      items: readonly { port: number; owner: { service: string; release: string } | null }[];
    }>('GET', '/api/ports');
    return items.flatMap(({ port: own, owner }) =>
      owner?.service === 'default/shop' ? { port: own, release: owner.release } : [],
    );
  };
  const leases = async (): Promise<readonly string[]> =>
    (await leased()).map(({ release }) => release);
  /** Lets what waits at the instance that serves end, by its own port. */
  const instance = async (): Promise<() => Promise<unknown>> => {
    const own = (await leased()).find(({ release }) => release !== 'route');
    return () => fetch(`http://127.0.0.1:${own?.port}/go`);
  };

  it('says so, lets end what has begun, and is left by nobody but who starts it', async () => {
    await isSo('running');
    const before = await process_();
    const slow = ask('/slow');
    const go = await instance();
    const cli = new CommandLine(server.home, {
      ...{ MILLRACE_URL: server.baseUrl, MILLRACE_TOKEN: server.token },
    });
    const stop = cli.run(['services', 'stop', 'shop', '--reason', 'a new disk']);
    await eventually(async () => ((await ask('/'))[0] === 503 ? true : undefined));
    expect(await ask('/')).toEqual([503, 'This service is stopped.\n']);
    await go();
    expect(await slow).toEqual([200, 'at last']);
    const { reason, stopped } = await isSo('stopped');
    expect([stopped?.reason, reason.message]).toEqual([
      ...['a new disk', expect.stringMatching(/^it was stopped by .+: a new disk$/)],
    ]);
    const refused = await server.fetch('GET', '/api/discovery/shop');
    expect([refused.status, await refused.text()]).toEqual([
      ...[503, expect.stringContaining('"code":"stopped"')],
    ]);
    const again = await server.fetch('POST', `${path}/restart`);
    expect([again.status, await again.text()]).toEqual([
      ...[409, expect.stringContaining('default/shop is stopped.')],
    ]);
    const { code, stdout } = await stop;
    expect([code, stdout]).toEqual([0, expect.stringContaining('a new disk')]);
    expect([isAlive(before), await leases()]).toEqual([false, ['route']]);

    await Promise.all(server.workers.map((worker) => worker.end()));
    await server.startWorker();
    // The new worker has looked after all there is by the time it has done this.
    await deploy(await server.createPipeline(yaml('blog', await freePort())), '1');
    expect([(await ask('/'))[0], await leases()]).toEqual([503, ['route']]);
    expect(await asked('stop')).toMatchObject({
      ...{ status: 'success', reason: { code: 'stopped_already' } },
    });

    expect(await asked('start')).toMatchObject({
      ...{ kind: 'start', status: 'success', reason: { code: 'service_started' } },
    });
    expect(await ask('/')).toEqual([200, 'release 1']);
    expect(await isSo('running')).toMatchObject({ stopped: null });
    await eventually(async () => (await service()).process_id === (await pid()) || undefined);
    const { changes } = await server.call<{ changes: readonly { to: string }[] }>(
      ...(['GET', `${path}/health`] as const),
    );
    expect(changes.map(({ to }) => to)).not.toContain('failed');
  });

  it('is in service with what is deployed, or gone back to', async () => {
    await asked('stop');
    await deploy(pipeline, '2');
    expect(await ask('/')).toEqual([200, 'release 2']);
    const stop = await asked('stop');
    expect(stop).toMatchObject({ kind: 'stop', release: { number: 2 } });
    // The same release: it needs not be another one.
    const back = await server.rolledBack<DeploymentBody>(stop.deployment_id, { release: 2 });
    expect([back.status, await ask('/')]).toEqual(['success', [200, 'release 2']]);
    await isSo('running');
  });

  it('loses no request when it is restarted', async () => {
    const before = await process_();
    const requests = new SteadyRequests(`http://127.0.0.1:${port}/`, PER_SECOND, (body) =>
      body.startsWith('release'),
    );
    const slow = ask('/slow');
    const go = await instance();
    for (let round = 0; round < 2; round += 1) {
      expect(await asked('restart')).toMatchObject({
        ...{ kind: 'restart', status: 'success', reason: { code: 'instance_replaced' } },
      });
    }
    const { failed, count } = await requests.stop();
    expect([[...failed], count > PER_SECOND]).toEqual([[], true]);
    expect([isAlive(before), (await pid()) === before.pid]).toEqual([true, false]);
    await go();
    expect(await slow).toEqual([200, 'at last']);
    await eventually(async () => ((await leases()).length === 2 ? true : undefined), 60_000);
    expect(isAlive(before)).toBe(false);
    expect(await ask('/')).toEqual([200, 'release 2']);
  });
});
