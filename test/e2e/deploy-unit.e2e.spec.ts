import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/free-port.js';
import { type ExecutionBody, MillraceServer } from '../support/millrace-server.js';
import { stopAll } from '../support/stop-all.js';

interface ReasonBody {
  readonly code: string;
  readonly message: string;
}
interface PartBody {
  readonly service: string;
  readonly deployment_id: string;
  readonly status: string;
  readonly reason: ReasonBody;
  readonly release: number | null;
}
interface DeploymentBody {
  readonly deployment_id: string;
  readonly status: string;
  readonly reason: ReasonBody;
  readonly release: { readonly number: number } | null;
  readonly parts: readonly PartBody[];
}

const PROGRAM = `const version = require('node:fs').readFileSync('version', 'utf8');
if (version === 'broken') { console.error('no configuration'); process.exit(3); }
require('node:http').createServer((_, answer) => answer.end(version))
  .listen(process.env.PORT, '127.0.0.1');
`;

/** A folder and a program that are put into service together, or not at all. */
describe('deploy: hybrid', () => {
  let server: MillraceServer;
  let folder: string;
  let port: number;
  let pipeline: string;

  const yaml = (): string => `name: shop
triggers: [{ manual: { inputs: { version: { type: string, default: "1" } } } }]
steps:
  - name: build
    environment: { VERSION: "\${{ inputs.version }}", PROGRAM: ${JSON.stringify(PROGRAM)} }
    run: |
      mkdir -p api assets
      printf %s "$PROGRAM" >api/server.js
      printf %s "$VERSION" >api/version
      printf %s "$VERSION" >assets/version
  - name: ship
    deploy:
      type: hybrid
      service: shop
      environment: production
      parts:
        - type: local_service
          service: shop-api
          source: api
          needs: shop-assets
          run: [${JSON.stringify(process.execPath)}, server.js]
          publish: ${port}
          gate: { path: /, stable: 200ms, timeout: 60s }
          drain: 1s
        - type: local_directory
          service: shop-assets
          path: ${join(folder, 'assets')}
          source: assets
`;

  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-deploy-unit-')));
    chmodSync(folder, 0o755);
    port = await freePort();
    server = await MillraceServer.start({ environment: { DEPLOY_FOLDERS: folder } });
    pipeline = await server.createPipeline(yaml());
  });
  afterAll(async () => {
    await stopAll(
      () => server.stop(),
      () => Promise.resolve(rmSync(folder, { recursive: true })),
    );
  });

  const deploy = async (version: string): Promise<ExecutionBody> =>
    server.finished(await server.trigger(pipeline, { inputs: { version } }), 120_000);
  const deploymentOf = async ({ stages }: ExecutionBody): Promise<DeploymentBody> => {
    const [ship] = stages.flatMap(({ steps }) => steps).filter(({ name }) => name === 'ship');
    return server.call('GET', `/api/deployments/${ship?.attempts[0]?.deployment?.id ?? ''}`);
  };
  const ended = (id: string): Promise<DeploymentBody> => server.endedDeployment<DeploymentBody>(id);
  const served = async (): Promise<readonly [api: string, assets: string]> => {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
    if (answer.status !== 200) throw new Error(`the route answers ${answer.status}`);
    const assets = readFileSync(join(folder, 'assets/current/version'), 'utf8');
    return [await answer.text(), assets];
  };

  it('serves all of it, none of it where one does not pass its gate, and goes back', async () => {
    const first = await deploymentOf(await deploy('1'));
    expect(first).toMatchObject({
      ...{ status: 'success', deployment_type: 'hybrid', release: { number: 1 } },
      phases: ['plan', 'prepare', 'switch', 'clean_up'].map((name) => ({ name })),
      parts: ['shop-assets', 'shop-api'].map((service) => ({
        ...{ service, status: 'success', release: 1 },
      })),
      artifacts: [{ name: 'shop-assets release 1' }, { name: 'shop-api release 1' }],
    });
    expect(await served()).toEqual(['1', '1']);

    const second = await deploymentOf(await deploy('2'));
    expect(second).toMatchObject({ status: 'success', release: { number: 2 } });
    expect(await served()).toEqual(['2', '2']);

    const broken = await deploy('broken');
    expect(broken.status).toBe('failed');
    const refused = await deploymentOf(broken);
    expect(refused).toMatchObject({
      ...{ status: 'failed', reason: { code: 'part_failed', data: { part: 'shop-api' } } },
      parts: [
        { service: 'shop-assets', status: 'cancelled', reason: { code: 'unit_undone' } },
        { service: 'shop-api', status: 'failed', reason: { code: 'gate_failed' } },
      ],
    });
    expect(refused.reason.message).toContain('exit code 3');
    expect(await served()).toEqual(['2', '2']);

    const [part] = second.parts;
    const alone = `/api/deployments/${part?.deployment_id ?? ''}/rollback`;
    await expect(server.call('POST', alone)).rejects.toThrow('is a part of production/shop');
    const { deployment_id: id } = await server.call<DeploymentBody>(
      ...(['POST', `/api/deployments/${second.deployment_id}/rollback`] as const),
    );
    expect(await ended(id)).toMatchObject({
      ...{ status: 'success', kind: 'rollback', release: { number: 1 }, previous_release: 2 },
      parts: [{ release: 1 }, { release: 1 }],
    });
    expect(await served()).toEqual(['1', '1']);

    const asked = async (what: string): Promise<DeploymentBody> => {
      const { deployment_id: one } = await server.call<DeploymentBody>(
        ...(['POST', `/api/services/production%2Fshop/${what}`] as const),
      );
      return ended(one);
    };
    const programs = [{ service: 'shop-api', status: 'success' }];
    expect(await asked('stop')).toMatchObject({ status: 'success', kind: 'stop', parts: programs });
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(503);
    expect(await asked('start')).toMatchObject({ status: 'success', parts: programs });
    expect(await served()).toEqual(['1', '1']);
    expect(await asked('restart')).toMatchObject({ status: 'success', parts: programs });
    expect(await served()).toEqual(['1', '1']);

    const remove = (name: string): Promise<{ readonly deployment_id: string }> =>
      server.call('DELETE', `/api/services/production%2F${name}`);
    await expect(remove('shop-api')).rejects.toThrow('is a part of production/shop');
    const { deployment_id: removal } = await remove('shop');
    expect(await ended(removal)).toMatchObject({ status: 'success', kind: 'remove' });
    await expect(served()).rejects.toThrow();
    const { items } = await server.call<{ items: readonly unknown[] }>('GET', '/api/services');
    expect(items).toEqual([]);
  });
});
