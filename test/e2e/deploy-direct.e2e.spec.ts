import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildCaddy, CADDY_BUILD_MS } from '../support/caddy-under-test.js';
import { CommandLine } from '../support/command-line.js';
import { DockerEngine } from '../support/docker-engine.js';
import { freePort } from '../support/free-port.js';
import { MillraceServer } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { makeShopImage } from '../support/shop-image.js';
import { stopAll } from '../support/stop-all.js';

interface DeploymentBody {
  readonly deployment_id: string;
  readonly status: string;
  readonly reason: { readonly code: string; readonly message: string };
  readonly commit: string | null;
  readonly execution_id: string | null;
  readonly previous_release: number | null;
}

const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };

/** What is put into service without a step, on a real Docker Engine and behind a real Caddy. */
describeWith(PROGRAMS, { root: true }, 'POST /api/deployments', () => {
  let engine: DockerEngine;
  let server: MillraceServer;
  let port: number;

  const image = (version: string, program?: string): Promise<void> =>
    makeShopImage(engine, version, program);

  beforeAll(async () => {
    await buildCaddy();
    engine = await DockerEngine.start();
    await image('1');
    await image('2', 'echo no configuration for $PASSWORD; exit 3');
    port = await freePort();
    server = await MillraceServer.start({ environment: { DOCKER_HOST: engine.host } });
    await server.call('PUT', '/api/secrets/PASSWORD', { value: 'secret-of-a-service-7c2e' });
  }, CADDY_BUILD_MS);
  afterAll(async () => {
    await stopAll(
      () => server.stop(),
      () => engine.stop(),
    );
  });

  const shop = (version: string): object => ({
    deploy: {
      ...{ type: 'docker_container', service: 'shop', image: `shop:${version}`, port: 8080 },
      ...{ publish: port, variables: { MODE: version }, secrets: ['PASSWORD'], drain: 1 },
      gate: { path: '/', stable: '500ms', timeout: '5s' },
    },
  });
  const ask = (body: object): Promise<DeploymentBody> =>
    server.call('POST', '/api/deployments', body);
  const deploy = async (body: object): Promise<DeploymentBody> =>
    server.endedDeployment((await ask(body)).deployment_id);
  const served = async (path = '/'): Promise<string> =>
    (await fetch(`http://127.0.0.1:${port}${path}`)).text();

  it('serves an image, and still does where the next one is broken', async () => {
    const first = await deploy(shop('1'));
    expect(first).toMatchObject({
      ...{ status: 'success', reason: { code: 'release_serves' }, previous_release: null },
      ...{ execution_id: null, commit: null },
    });
    expect(await served()).toBe('1');
    expect(await served('/env')).toContain('PASSWORD=secret-of-a-service-7c2e');
    const broken = await deploy(shop('2'));
    expect(broken).toMatchObject({ status: 'failed', reason: { code: 'gate_failed' } });
    expect(JSON.stringify([first, broken])).not.toContain('secret-of-a-service');
    expect(await served()).toBe('1');
    const why = await server.call<{ parts: readonly { code: string; message: string }[] }>(
      ...(['GET', `/api/deployments/${broken.deployment_id}/explain`] as const),
    );
    expect(why.parts[0]).toMatchObject({ code: 'asked_by_api' });
    expect(why.parts[0]?.message).toContain('that shop:2 is deployed as default/shop');
    expect(await deploy(shop('none'))).toMatchObject({ status: 'failed', previous_release: null });
  });

  it('is asked for once under one key, and says where it is', async () => {
    const body = shop('1');
    const key = { 'idempotency-key': 'ship-1' };
    const [one, other] = [
      await server.fetch('POST', '/api/deployments', body, key),
      await server.fetch('POST', '/api/deployments', body, key),
    ];
    const { deployment_id: id } = (await one.json()) as DeploymentBody;
    expect(one.headers.get('location')).toBe(`/api/deployments/${id}`);
    expect(await other.json()).toMatchObject({ deployment_id: id });
    expect(await server.endedDeployment(id)).toMatchObject({ status: 'success' });
  });

  it('puts an artifact into a folder, and runs it as a program', async () => {
    const pipeline = await server.createPipeline(`name: site
steps:
  - name: pack
    run: |
      mkdir -p dist && echo hello >dist/index.html && echo secret >dist/notes.txt
      printf '#!/bin/sh\\nexec busybox httpd -f -p "127.0.0.1:$PORT" -h .\\n' >dist/start
      chmod +x dist/start
    artifacts: [dist]
`);
    const execution = await server.trigger(pipeline);
    expect(await server.finished(execution)).toMatchObject({ status: 'success' });
    const artifact = { execution_id: execution, name: 'pack' };
    const folder = { type: 'local_directory', service: 'site', source: 'dist' };
    expect(await deploy({ deploy: { ...folder, exclude: ['*.txt'] }, artifact })).toMatchObject({
      ...{ status: 'success', execution_id: execution },
    });
    const current = join(server.home, 'deployed/site/current');
    expect((await readdir(current)).sort()).toEqual(['index.html', 'start']);
    expect(await readFile(join(current, 'index.html'), 'utf8')).toBe('hello\n');
    expect(await readdir(join(server.home, 'direct'))).toEqual([]);

    const at = await freePort();
    const gate = { path: '/', stable: '0s' };
    const program = { type: 'local_service', service: 'page', source: 'dist', run: './start' };
    const ran = await deploy({ deploy: { ...program, publish: at, gate }, artifact });
    expect(ran).toMatchObject({ status: 'success' });
    expect(await (await fetch(`http://127.0.0.1:${at}/`)).text()).toBe('hello\n');
  });

  it('is asked for on the command line, by an image or by a file', async () => {
    const line = new CommandLine(server.home, {
      MILLRACE_URL: server.baseUrl,
      MILLRACE_TOKEN: server.token,
    });
    const done = await line.run([
      'deploy',
      'shop:1',
      '--service',
      'shop',
      '--port',
      '8080',
      '--publish',
      String(port),
    ]);
    expect([done.code, done.stdout]).toEqual([0, expect.stringContaining('success')]);
    const file = join(server.home, 'deploy.yaml');
    await writeFile(
      file,
      `type: docker_container\nservice: shop\nimage: shop:1\nport: 8080\npublish: ${port}\nvariables: { VERSION: 1.10 }\n`,
    );
    expect((await line.run(['deploy', '--file', file])).code).toBe(0);
    expect(await served('/env')).toContain('VERSION=1.10');
  });
});
