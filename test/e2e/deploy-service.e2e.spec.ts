import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive } from '../../src/common/child-process/process-stat.js';
import { livingProcess } from '../../src/embedded/system/process-identity.js';
import { CommandLine } from '../support/command-line.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { type ExecutionBody, MillraceServer } from '../support/millrace-server.js';

interface DeploymentBody {
  readonly deployment_id: string;
  readonly status: string;
  readonly reason: { readonly code: string; readonly message: string };
  readonly release: { readonly number: number; readonly status: string } | null;
  readonly previous_release: number | null;
  readonly artifacts: readonly { readonly path: string }[];
  readonly phases: readonly { readonly name: string }[];
  readonly logs: readonly string[];
}

const SECRET = 'secret-of-a-service-7c2e';
const NEWER_SECRET = 'secret-of-a-service-91ab';
/** Reads what lies beside it, so it works in its release's own folder alone. */
const PROGRAM = `const version = require('node:fs').readFileSync('version', 'utf8');
if (version === 'broken') { console.error('no configuration'); process.exit(3); }
const port = version === 'deaf' ? 0 : process.env.PORT;
console.log('version ' + version + ' with ' + process.env.PASSWORD);
let isWell = true;
const answers = {
  '/pid': () => String(process.pid),
  '/env': () => JSON.stringify(process.env),
  '/fade': () => String((isWell = false)),
};
require('node:http').createServer(({ url }, answer) => {
  const isAssetOfOthers = url.endsWith('.js') && url !== '/app.' + version + '.js';
  answer.statusCode = isAssetOfOthers ? 404 : isWell ? 200 : 500;
  answer.end((answers[url] ?? (() => version))());
})
  .listen(port, '127.0.0.1');
`;

/** Releases are programs of the host, behind a real Caddy and a real supervisor. */
describe('deploy: local_service', () => {
  let server: MillraceServer;
  let port: number;

  beforeAll(async () => {
    port = await freePort();
    server = await MillraceServer.start();
    await server.call('PUT', '/api/secrets/PASSWORD', { value: SECRET });
  });
  afterAll(() => server.stop());

  const yaml = (service: string, keys: string, timeout = '60s'): string => `name: ${service}
triggers: [{ manual: { inputs: { version: { type: string, default: "1" } } } }]
steps:
  - name: build
    environment: { VERSION: "\${{ inputs.version }}", PROGRAM: ${JSON.stringify(PROGRAM)} }
    run: |
      mkdir -p out
      printf %s "$PROGRAM" >out/server.js
      printf %s "$VERSION" >out/version
      echo '{}' >out/package.json
      echo 'web: exec ${process.execPath} server.js' >out/Procfile
  - name: ship
    deploy:
      type: local_service
      service: ${service}
      source: out
      ${keys}
      variables: { MODE: "\${{ inputs.version }}" }
      secrets: [PASSWORD]
      gate: { path: /, stable: 500ms, timeout: ${timeout} }
      drain: 1s
`;
  const deploy = async (pipeline: string, version: string): Promise<ExecutionBody> =>
    server.finished(await server.trigger(pipeline, { inputs: { version } }), 60_000);
  const deploymentOf = async ({ stages }: ExecutionBody): Promise<DeploymentBody> => {
    const [ship] = stages.flatMap(({ steps }) => steps).filter(({ name }) => name === 'ship');
    return server.call('GET', `/api/deployments/${ship?.attempts[0]?.deployment?.id ?? ''}`);
  };
  const served = async (path = '/'): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    if (answer.status !== 200) throw new Error(`the route answers ${answer.status}`);
    return answer.text();
  };
  /** The number of the release behind that of a deployment. */
  const copied = ({ release }: DeploymentBody): number => (release?.number ?? 0) + 1;
  const pid = async (): Promise<number> => Number(await served('/pid'));
  const endMillrace = async (): Promise<void> => {
    await Promise.all(server.workers.map((worker) => worker.end()));
    await server.api?.end();
  };

  it('serves the newest release that answers, and goes back', async () => {
    const keys = `run: [${JSON.stringify(process.execPath)}, server.js]\n      publish: ${port}\n      keep_assets: 10m`;
    const pipeline = await server.createPipeline(yaml('shop', keys));
    const first = await deploymentOf(await deploy(pipeline, '1'));
    expect(first).toMatchObject({
      ...{ status: 'success', reason: { code: 'release_serves' }, previous_release: null },
      release: { number: 1, status: 'serving' },
      phases: ['plan', 'prepare', 'start', 'gate', 'switch', 'clean_up'].map((name) => ({ name })),
    });
    expect(await served()).toBe('1');
    const environment = await served('/env');
    expect(environment).toContain(`"PASSWORD":"${SECRET}"`);
    expect(environment).not.toContain('MONGODB');
    expect(JSON.stringify(first)).not.toContain('secret-of-a-service');
    const folder = join(server.home, first.artifacts[0]?.path ?? '');
    expect(lstatSync(join(folder, 'server.js')).mode & 0o222).toBe(0);

    // Its checks need a moment to decide.
    const discovered = await eventually(() =>
      server.call('GET', '/api/discovery/shop').catch(() => undefined),
    );
    expect(JSON.stringify(discovered)).toContain(`http://127.0.0.1:${port}`);

    const second = await deploymentOf(await deploy(pipeline, '2'));
    expect(second).toMatchObject({ status: 'success', previous_release: 1 });
    expect(await served()).toBe('2');
    expect([await served('/app.2.js'), await served('/app.1.js')]).toEqual(['2', '1']);

    const broken = await deploy(pipeline, 'broken');
    expect(broken.status).toBe('failed');
    const refused = await deploymentOf(broken);
    expect(refused.reason.code).toBe('gate_failed');
    expect(refused.reason.message).toContain('exit code 3');
    expect(refused.logs.join('\n')).toContain('no configuration');
    const hasty = await server.createPipeline(yaml('shop', keys, '10s'));
    const elsewhere = await deploymentOf(await deploy(hasty, 'deaf'));
    expect(elsewhere.reason.message).toContain('let it listen at the port in PORT');
    expect(await served()).toBe('2');

    await server.call('PUT', '/api/secrets/PASSWORD', { value: NEWER_SECRET });
    const third = await deploymentOf(await deploy(pipeline, '3'));
    const command = new CommandLine(server.home, {
      ...{ MILLRACE_URL: server.baseUrl, MILLRACE_TOKEN: server.token },
    });
    const log = await command.run(['services', 'logs', 'shop', '--lines', '1']);
    expect([log.code, log.stdout]).toEqual([0, 'version 3 with ***\n']);
    const plan = await command.run(['rollback', 'shop', '--release', '1', '--plan']);
    expect(plan.stdout).toContain('MODE, PASSWORD are different today');
    expect(plan.stdout).toContain('PASSWORD got another value since');
    expect(plan.stdout).not.toContain('secret-of-a-service');
    expect(await served()).toBe('3');

    const asked = { release: 2, current_environment: true };
    const copy = await server.rolledBack<DeploymentBody>(third.deployment_id, asked);
    expect(copy).toMatchObject({ status: 'success', release: { number: copied(third) } });
    expect(await served()).toBe('2');
    expect(await served('/env')).toContain(`"PASSWORD":"${NEWER_SECRET}"`);

    const back = await server.rolledBack<DeploymentBody>(second.deployment_id, { release: 1 });
    expect(back).toMatchObject({
      ...{ status: 'success', release: { number: 1 }, previous_release: copied(third) },
      warnings: [{ code: 'environment_differs' }, { code: 'secrets_changed' }],
    });
    expect(await served()).toBe('1');
    expect(await served('/env')).toContain('"MODE":"1"');
    expect(await served('/env')).toContain(`"PASSWORD":"${SECRET}"`);
  });

  it('runs before_switch once, and goes back from what fails behind its switch', async () => {
    const migrate = '[ "$MODE" != stuck ] || { echo "no table for $PASSWORD"; exit 4; }';
    const keys = `run: [${JSON.stringify(process.execPath)}, server.js]\n      publish: ${port}\n      watch: 60s\n      before_switch: ${JSON.stringify(migrate)}`;
    const pipeline = await server.createPipeline(yaml('shop', keys));
    const stuck = await deploymentOf(await deploy(pipeline, 'stuck'));
    expect(stuck).toMatchObject({
      ...{ status: 'failed', reason: { code: 'before_switch_failed' } },
      logs: expect.arrayContaining(['  no table for ***']) as string[],
    });
    expect(await served()).toBe('1');
    const fading = await deploymentOf(await deploy(pipeline, 'fading'));
    expect(fading).toMatchObject({ status: 'success', previous_release: 1 });
    await served('/fade');
    const back = await eventually(async () => {
      const { items } = await server.call<{ items: readonly DeploymentBody[] }>(
        ...(['GET', '/api/deployments?service=shop&limit=1'] as const),
      );
      return items[0]?.status === 'success' && items[0].release?.number === 1
        ? items[0]
        : undefined;
    });
    const told = ['watch_failed', 'environment_differs', 'secrets_changed'];
    expect(back).toMatchObject({
      ...{ kind: 'rollback', triggered_by: 'system', warnings: told.map((code) => ({ code })) },
    });
    expect(await served()).toBe('1');
  });

  it('is promoted to another environment, as the same release', async () => {
    const { items } = await server.call<{ items: readonly DeploymentBody[] }>(
      ...(['GET', '/api/deployments?service=shop&limit=1'] as const),
    );
    const id = items[0]?.deployment_id ?? '';
    const other = await freePort();
    const cli = await new CommandLine(server.home, {
      ...{ MILLRACE_URL: server.baseUrl, MILLRACE_TOKEN: server.token },
    }).run(['promote', id, 'production', '--port', String(other)]);
    expect([cli.code, cli.stdout]).toEqual([0, expect.stringContaining('promote of release 1')]);
    expect(await (await fetch(`http://127.0.0.1:${other}/`)).text()).toBe('1');
    expect(await served()).toBe('1');
  });

  it('starts what has ended again', async () => {
    const before = await pid();
    process.kill(before, 'SIGKILL');
    const after = await eventually(() => pid().catch(() => undefined));
    expect(after).not.toBe(before);
    expect(await served()).toBe('1');
    await eventually(async () => {
      const services = await server.call('GET', '/api/services');
      return JSON.stringify(services).includes(`"process_id":${after}`) || undefined;
    });
  });

  it('runs on without its supervisor, which is brought again', async () => {
    const before = await pid();
    const identity = join(server.home, 'services/supervisor.json');
    const killed = livingProcess(identity);
    if (killed === undefined) throw new Error('there is no supervisor');
    process.kill(killed.pid, 'SIGKILL');
    await eventually(() => !isAlive(killed) || undefined);
    expect(await pid()).toBe(before);
    await eventually(() => {
      const next = livingProcess(identity);
      return next && next.pid !== killed.pid ? true : undefined;
    });
    expect(await pid()).toBe(before);
  });

  it('is started as a file of its source says, where the step does not', async () => {
    const { logs, status } = await deploymentOf(
      await deploy(await server.createPipeline(yaml('api', '')), '1'),
    );
    expect(status).toBe('success');
    expect(logs.join('\n')).toContain('Procfile says what is run: exec ');
  });

  it('is removed with all that it has, and comes back with the next number', async () => {
    const folder = join(server.home, 'service-releases');
    const before = readdirSync(folder).length;
    const cli = await new CommandLine(server.home, {
      ...{ MILLRACE_URL: server.baseUrl, MILLRACE_TOKEN: server.token },
    }).run(['services', 'remove', 'api']);
    expect(cli.stdout).toContain('default/api is removed');
    expect([cli.code, readdirSync(folder).length]).toEqual([0, before - 1]);
    await expect(server.call('GET', '/api/services/default%2Fapi')).rejects.toThrow('404');
    const leases = await server.call('GET', '/api/ports');
    expect(JSON.stringify(leases)).not.toContain('default/api');
    const again = await deploy(await server.createPipeline(yaml('api', '')), '2');
    expect((await deploymentOf(again)).release?.number).toBe(2);
  });

  it('answers on when Millrace is stopped', async () => {
    const before = await pid();
    await endMillrace();
    expect([await pid(), await served()]).toEqual([before, '1']);
  });
});
