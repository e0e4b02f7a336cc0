import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import mongoose from 'mongoose';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { GitSshServer } from '../support/git-ssh-server.js';
import { type ExecutionBody, MillraceServer } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { testServices } from '../support/services.js';

interface DeploymentBody {
  readonly deployment_id: string;
  readonly status: string;
  readonly host: string;
  readonly reason: { readonly code: string };
  readonly release: { readonly number: number } | null;
}

describeWith({ sshd: 'openssh-server' }, {}, 'deploy: local_directory by ssh', () => {
  let folder: string;
  let sshd: GitSshServer;
  let server: MillraceServer;
  const { databaseName, mongodbUri } = testServices();

  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-deploy-ssh-')));
    chmodSync(folder, 0o755);
    sshd = await GitSshServer.start();
    const environment = { ALLOW_PRIVATE_URLS: '127.0.0.1' };
    server = await MillraceServer.start({ databaseName, environment });
    await server.call('PUT', '/api/secrets/DEPLOY_KEY', { value: sshd.key('user') });
    await server.call('PUT', '/api/secrets/BAD_KEY', { value: sshd.key('stranger') });
    await server.call('PUT', '/api/secrets/HOSTS', { value: sshd.knownHosts() });
  });
  afterAll(async () => {
    await server.stop();
    await sshd.stop();
    rmSync(folder, { recursive: true });
  });

  const yaml = (key: string, knownHosts: string): string => `name: shop-${key}
triggers: [{ manual: { inputs: { text: { type: string, default: one } } } }]
steps:
  - name: build
    environment: { TEXT: "\${{ inputs.text }}" }
    run: mkdir -p out; printf "$TEXT" >out/index.html
  - name: ship
    deploy:
      type: local_directory
      service: shop
      source: out
      path: ${folder}/shop
      ssh: { host: 127.0.0.1, port: ${sshd.port}, user: ${userInfo().username}, key: ${key}, known_hosts: "${knownHosts}" }
`;
  const deploy = async (pipeline: string, text: string): Promise<ExecutionBody> =>
    server.finished(await server.trigger(pipeline, { inputs: { text } }));
  const deploymentOf = async ({ stages }: ExecutionBody): Promise<DeploymentBody> => {
    const [ship] = stages.flatMap(({ steps }) => steps).filter(({ name }) => name === 'ship');
    return server.call('GET', `/api/deployments/${ship?.attempts[0]?.deployment?.id ?? ''}`);
  };
  const current = (): string => readFileSync(join(folder, 'shop/current/index.html'), 'utf8');

  it('serves, goes back with the kept key, and refuses one that does not fit', async () => {
    const pipeline = await server.createPipeline(yaml('DEPLOY_KEY', 'HOSTS'));
    const first = await deploymentOf(await deploy(pipeline, 'one'));
    expect(first).toMatchObject({
      ...{ status: 'success', release: { number: 1 } },
      host: `ssh://${userInfo().username}@127.0.0.1:${sshd.port}`,
    });
    expect(current()).toBe('one');
    const bad = await server.createPipeline(yaml('BAD_KEY', sshd.knownHosts()));
    expect(await deploymentOf(await deploy(bad, 'bad'))).toMatchObject({
      ...{ status: 'failed', reason: { code: 'ssh_key_refused' } },
    });
    await deploy(pipeline, 'two');
    expect(current()).toBe('two');
    // A rollback needs no secret of today.
    expect((await server.fetch('DELETE', '/api/secrets/DEPLOY_KEY')).ok).toBe(true);
    const path = `/api/deployments/${first.deployment_id}/rollback`;
    const { deployment_id: id } = await server.call<DeploymentBody>('POST', path);
    const back = await eventually(async () => {
      const now = await server.call<DeploymentBody>('GET', `/api/deployments/${id}`);
      return ['success', 'failed'].includes(now.status) ? now : undefined;
    });
    expect(back).toMatchObject({ status: 'success', release: { number: 1 } });
    expect(current()).toBe('one');
    expect(readdirSync(join(folder, 'shop/releases')).sort()).toEqual(['1', '2']);
    expect(existsSync(join(folder, 'shop/shared'))).toBe(true);
  });

  it('keeps a key once, and sealed', async () => {
    const connection = await mongoose
      .createConnection(mongodbUri, { dbName: databaseName })
      .asPromise();
    try {
      const inner = sshd.key('user').split('\n')[1] ?? '';
      const texts: string[] = [];
      for (const name of ['deployments', 'releases', 'services', 'deployment_secrets']) {
        for await (const document of connection.collection(name).find()) {
          texts.push(JSON.stringify(document));
        }
      }
      expect(inner.length).toBeGreaterThan(20);
      expect(texts.length).toBeGreaterThan(5);
      expect(texts.filter((text) => text.includes(inner))).toEqual([]);
      // That of the deployments which served, and the one that was refused.
      expect(await connection.collection('deployment_secrets').countDocuments()).toBe(2);
    } finally {
      await connection.close();
    }
  });
});
