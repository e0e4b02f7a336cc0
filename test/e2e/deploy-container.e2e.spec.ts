import { buildCaddy, CADDY_BUILD_MS } from '../support/caddy-under-test.js';
import { DockerEngine } from '../support/docker-engine.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { type ExecutionBody, MillraceServer } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { makeShopImage, SHOP_PROGRAM } from '../support/shop-image.js';
import { stopAll } from '../support/stop-all.js';

interface DeploymentBody {
  readonly deployment_id: string;
  readonly status: string;
  readonly reason: { readonly code: string; readonly message: string };
  readonly release: { readonly number: number; readonly status: string } | null;
  readonly previous_release: number | null;
  readonly phases: readonly { readonly name: string }[];
  readonly logs: readonly string[];
}

interface PartBody {
  readonly about: string;
  readonly code: string;
  readonly message: string;
  readonly data?: { readonly said?: readonly string[] };
}

const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };
/** Of an image: serves its folder /srv, and says which variables it has. */

/** A context of nothing but busybox; `$EXPOSE` is the fourth line of its Dockerfile. */
const WRITES_CONTEXT = `mkdir -p app/srv
      cp /bin/busybox app/
      printf %s "$VERSION" >app/srv/index.html
      echo live >app/srv/live.html
      cat >app/Dockerfile <<END
      FROM scratch
      COPY busybox /bin/busybox
      COPY srv /srv
      $EXPOSE
      HEALTHCHECK CMD ["/bin/busybox", "wget", "-q", "-O", "/dev/null", "http://localhost:8080/live.html"]
      CMD ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/srv"]
      END`;

/** Releases are containers on a real Docker Engine, behind a real Caddy. */
describeWith(PROGRAMS, { root: true }, 'deploy: docker_container', () => {
  let engine: DockerEngine;
  let server: MillraceServer;
  let port: number;

  const image = (version: string, program?: string): Promise<void> =>
    makeShopImage(engine, version, program);

  beforeAll(async () => {
    await buildCaddy();
    engine = await DockerEngine.start();
    await Promise.all([
      image('1'),
      image('2'),
      image('3', 'echo no configuration for $PASSWORD; exit 3'),
    ]);
    await image('4', SHOP_PROGRAM.replace('-p 8080', '-p 127.0.0.1:8080'));
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

  const yaml = (): string => `name: shop
triggers: [{ manual: { inputs: { version: { type: string, default: "1" } } } }]
steps:
  - name: ship
    deploy:
      type: docker_container
      service: shop
      image: "shop:\${{ inputs.version }}"
      port: 8080
      publish: ${port}
      variables: { MODE: "\${{ inputs.version }}" }
      secrets: [PASSWORD]
      gate: { path: /, stable: 500ms, timeout: 5s }
      drain: 1s
`;
  const deploy = async (pipeline: string, version: string): Promise<ExecutionBody> =>
    server.finished(await server.trigger(pipeline, { inputs: { version } }));
  const deploymentOf = async ({ stages }: ExecutionBody): Promise<DeploymentBody> => {
    const id = stages[0]?.steps[0]?.attempts[0]?.deployment?.id ?? '';
    return server.call('GET', `/api/deployments/${id}`);
  };
  const served = async (path = '/'): Promise<string> =>
    (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  const containers = async (): Promise<readonly string[]> =>
    (await engine.docker('ps', '--format', '{{.Image}}')).trim().split('\n').filter(Boolean);

  it('serves the newest release that answers, and goes back', async () => {
    const pipeline = await server.createPipeline(yaml());
    const first = await deploymentOf(await deploy(pipeline, '1'));
    expect(first).toMatchObject({
      ...{ status: 'success', reason: { code: 'release_serves' }, previous_release: null },
      release: { number: 1, status: 'serving' },
      phases: ['plan', 'prepare', 'start', 'gate', 'switch', 'clean_up'].map((name) => ({ name })),
    });
    expect(await served()).toBe('1');
    expect(await served('/env')).toContain('PASSWORD=secret-of-a-service-7c2e');
    expect(JSON.stringify(first)).not.toContain('secret-of-a-service');

    // Its checks need a moment to decide.
    const discovered = await eventually(() =>
      server.call('GET', '/api/discovery/shop').catch(() => undefined),
    );
    expect(JSON.stringify(discovered)).toContain(`http://127.0.0.1:${port}`);

    const second = await deploymentOf(await deploy(pipeline, '2'));
    expect(second).toMatchObject({ status: 'success', previous_release: 1 });
    expect(await served()).toBe('2');

    const broken = await deploy(pipeline, '3');
    expect(broken.status).toBe('failed');
    const refused = await deploymentOf(broken);
    expect(refused.reason.code).toBe('gate_failed');
    expect(refused.reason.message).toContain('exit code 3');
    expect(refused.logs.join('\n')).toContain('no configuration for ***');
    expect(JSON.stringify([refused, broken])).not.toContain('secret-of-a-service');
    const why = await server.call<{ parts: readonly PartBody[] }>(
      ...(['GET', `/api/deployments/${refused.deployment_id}/explain`] as const),
    );
    expect(why.parts.map(({ about, code }) => `${about} ${code}`)).toEqual([
      ...['cause asked_by_step', 'wait begun', 'release release_made', 'gate gate_not_passed'],
      ...['end gate_failed', 'end release_taken_back', 'end serves_now'],
    ]);
    expect(why.parts[3]?.data?.said).toContain('  no configuration for ***');
    expect(why.parts.at(-1)?.message).toBe('release 2 serves');
    const elsewhere = await deploymentOf(await deploy(pipeline, '4'));
    expect(elsewhere.reason.message).toContain('127.0.0.1:8080 inside the container');
    expect(await served()).toBe('2');

    // The drain of the first release is over: one container is left.
    await eventually(async () => ((await containers()).length === 1 ? true : undefined));
    const back = await server.rolledBack<DeploymentBody>(second.deployment_id, { release: 1 });
    expect(back).toMatchObject({ status: 'success', release: { number: 1 }, previous_release: 2 });
    expect(await served()).toBe('1');
    expect(await served('/env')).toContain('MODE=1');
  });

  it('starts a container again that was killed', async () => {
    const [container = ''] = (await engine.docker('ps', '-q')).trim().split('\n');
    await engine.docker('kill', container);
    await eventually(async () => ((await served()) === '1' ? true : undefined));
  });

  /** Of a step that writes a context, and one that deploys what its Dockerfile says. */
  const builds = (expose: string, deploys: string, head = ''): string => `name: Built shop
${head}stages:
  - name: Ship
    steps:
    - name: files
      environment: { VERSION: built, EXPOSE: "${expose}" }
      run: |
        ${WRITES_CONTEXT.replaceAll('\n  ', '\n    ')}
    - ${deploys}
`;
  const shipped = async (
    yaml: string,
  ): Promise<Partial<DeploymentBody> & { readonly told: string }> => {
    const execution = await server.finished(
      await server.trigger(await server.createPipeline(yaml), {}),
      60_000,
    );
    const [deployment] = execution.stages
      .flatMap(({ steps }) => steps.flatMap(({ attempts }) => attempts))
      .flatMap((attempt) => attempt.deployment ?? []);
    const told = JSON.stringify(execution);
    if (deployment === undefined) return { told };
    const body = await server.call<DeploymentBody>('GET', `/api/deployments/${deployment.id}`);
    return { ...body, told };
  };

  it('builds what the Dockerfile of its source says, with its port and its gate', async () => {
    const own = await freePort();
    const keys = `type: docker_container, service: built, source: app, publish: ${own}`;
    const ship = `{ name: ship, deploy: { ${keys}, drain: 1s } }`;
    const deployed = await shipped(builds('EXPOSE 8080', ship));
    expect(deployed).toMatchObject({ status: 'success', release: { number: 1 } });
    expect(deployed.logs).toEqual(
      expect.arrayContaining([
        'found: port 8080: app/Dockerfile:4',
        'found: gate /live.html: app/Dockerfile:5',
      ]),
    );
    expect(await (await fetch(`http://127.0.0.1:${own}/`)).text()).toBe('built');

    const several = await shipped(builds('EXPOSE 8080 9090', ship));
    expect(several.told).toContain('port_unknown');
    expect(several.told).toContain('8080, 9090');
    const nowhere = await shipped(builds('EXPOSE 8080', ship.replace('source: app', 'source: .')));
    expect(nowhere.told).toContain('image_unknown');
  });

  it('deploys what it has built also when its environment lets it wait first', async () => {
    const own = await freePort();
    await server.call('PUT', '/api/environments/slow', { wait: 3 });
    const keys = `type: docker_container, service: later, environment: slow, source: app, publish: ${own}`;
    const deployed = await shipped(
      builds('EXPOSE 8080', `{ name: ship, retry: 0, deploy: { ${keys}, drain: 1s } }`),
    );
    expect(deployed).toMatchObject({ status: 'success', release: { number: 1 } });
    // Nobody has waited for it at a worker.
    expect(JSON.parse(deployed.told)).toMatchObject({ attempt: 2 });
    expect(await (await fetch(`http://127.0.0.1:${own}/`)).text()).toBe('built');
  });

  it('does so in the form of RustCI, by PORTS', async () => {
    const own = await freePort();
    const ship = '{ name: deploy-it, step_type: custom, config: { source: app } }';
    const head = `environment: { PORTS: "${own}:8080" }\n`;
    const deployed = await shipped(builds('EXPOSE 1 2', ship, head));
    expect(deployed).toMatchObject({ status: 'success' });
    expect(await (await fetch(`http://127.0.0.1:${own}/`)).text()).toBe('built');
  });

  it('a command inside and the state of the container are checks of it', async () => {
    const late = 'echo begun; sleep 4071 & sleep 4072';
    const checks = [
      { type: 'container', interval: '1s', timeout: '900ms' },
      {
        ...{ type: 'exec', name: 'ready', interval: '1s', timeout: '900ms' },
        command:
          'echo "no $PASSWORD" && ! test -e /sick && { test ! -e /slow || { LATE; }; }'.replace(
            'LATE',
            late,
          ),
      },
    ];
    const pipeline = await server.createPipeline(`name: checked
steps:
  - name: ship
    deploy:
      type: docker_container
      service: checked
      image: "shop:1"
      port: 8080
      secrets: [PASSWORD]
      checks: ${JSON.stringify(checks)}
`);
    const { status } = await server.finished(await server.trigger(pipeline));
    expect(status).toBe('success');
    interface Checked {
      readonly status: string;
      readonly reason: { readonly code: string; readonly message: string };
      readonly checks: readonly { readonly status: string }[];
    }
    const until = (isSo: (body: Checked) => boolean): Promise<Checked> =>
      eventually(async () => {
        const body = await server.call<Checked>('GET', '/api/services/default%2Fchecked');
        return isSo(body) ? body : undefined;
      });
    await until(({ checks: all }) => all.every((one) => one.status === 'running'));
    const names = await engine.docker('ps', '--format', '{{.Names}}');
    const container = names.split('\n').find((name) => name.includes('checked')) ?? '';
    const inside = (command: string): Promise<string> =>
      engine.docker('exec', container, 'sh', '-c', command);
    await inside('touch /sick');
    expect((await until(({ status: now }) => now === 'failed')).reason).toMatchObject({
      ...{ code: 'instance_failed' },
      message: 'check ready fails: it ended with exit code 1: no ***',
    });
    await inside('rm /sick');
    await until(({ checks: all }) => all.every((one) => one.status === 'running'));
    await inside('touch /slow');
    const slow = await until(({ reason }) => reason.message.includes('did not end'));
    expect(slow.reason.message).toBe(
      'check ready fails: it did not end within 0.9 s, killed: begun',
    );
    await inside('rm /slow');
    await until(({ checks: all }) => all.every((one) => one.status === 'running'));
    expect(await inside('ps')).not.toMatch(/sleep 407[12]/);
    await engine.docker('pause', container);
    expect((await until(({ status: now }) => now === 'failed')).reason.message).toContain('paused');
    await engine.docker('unpause', container);
    await until(({ checks: all }) => all.every((one) => one.status === 'running'));
  });
});
