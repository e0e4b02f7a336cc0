import { DockerEngine } from '../support/docker-engine.js';
import { eventually } from '../support/eventually.js';
import { type ExecutionBody, MillraceServer, type StepBody } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { makeStepImage, STEP_IMAGE } from '../support/step-image.js';
import { stopAll } from '../support/stop-all.js';

const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };
/** The same as the step image, with a check of its own. */
const CHECKED_IMAGE = 'checked:1';
/** A server of one line at a port: busybox answers one connection by each `nc`. */
const serves = (line: string, port = 7000): string =>
  `while :; do echo "${line}" | nc -l -p ${port} >/dev/null; done`;
/** The keys of a sidecar that runs a line in a shell. */
const runs = (line: string): string =>
  `image: '${STEP_IMAGE}', pull: never, entrypoint: [/bin/sh, -c], command: [${JSON.stringify(line)}]`;

/** Sidecars of a real Docker Engine, by a worker that is root. */
describeWith(PROGRAMS, { root: true }, 'sidecars', () => {
  let engine: DockerEngine;
  let server: MillraceServer;

  beforeAll(async () => {
    engine = await DockerEngine.start();
    await makeStepImage(engine);
    const check = 'HEALTHCHECK --interval=1s CMD test -e /tmp/up || { echo not yet; false; }';
    await makeStepImage(engine, CHECKED_IMAGE, [check]);
    server = await MillraceServer.start({ environment: { DOCKER_HOST: engine.host } });
  });

  afterAll(async () => {
    await stopAll(
      () => server.stop(),
      () => engine.stop(),
    );
  });

  const file = (...lines: readonly string[]): string =>
    ['name: c', `defaults: { image: '${STEP_IMAGE}', pull: never }`, ...lines, ''].join('\n');
  const run = (...lines: readonly string[]): Promise<ExecutionBody> => server.run(file(...lines));
  const begin = async (...lines: readonly string[]): Promise<string> =>
    server.trigger(await server.createPipeline(file(...lines)));
  const step = ({ stages }: ExecutionBody, index = 0): StepBody => {
    const found = stages[0]?.steps[index];
    if (!found) throw new Error(`no step ${index}`);
    return found;
  };
  /** Its log, which is also what a failure shows. */
  const textOfSuccess = async ({ id, status, reason }: ExecutionBody): Promise<string> => {
    const text = await server.logText(id);
    if (status !== 'success') throw new Error(`${status}: ${reason?.message ?? ''}\n${text}`);
    return text;
  };
  const said = (id: string, text: string): Promise<unknown> =>
    eventually(async () => (await server.logText(id)).includes(text) || undefined, 30_000);
  const nothingIsLeft = async (): Promise<void> => {
    await eventually(async () => {
      const containers = await engine.docker('ps', '--all', '--quiet');
      const labelled = ['--filter', 'label=millrace.group', '--quiet'];
      const networks = await engine.docker('network', 'ls', ...labelled);
      return (containers === '' && networks === '') || undefined;
    }, 15_000);
  };

  it('are ready before the first step, by each kind of probe, and are reached by name', async () => {
    const execution = await run(
      'sidecars:',
      `  tcp: { ${runs(`sleep 1; ${serves('by-tcp')}`)}, ready: { tcp: 7000, interval: 200ms } }`,
      `  http: { ${runs('mkdir -p /tmp/w; sleep 1; echo by-http >/tmp/w/up; exec httpd -f -p 8080 -h /tmp/w')}, port: 8080, ready: { http: /up, interval: 200ms } }`,
      `  exec: { ${runs(`sleep 1; touch /tmp/up; ${serves('by-exec', 7001)}`)}, ready: { exec: 'test -e /tmp/up', interval: 200ms } }`,
      `  check: { ${runs('sleep 1; touch /tmp/up; sleep 600').replace(STEP_IMAGE, CHECKED_IMAGE)} }`,
      'steps:',
      `  - 'nc tcp 7000; wget -q -O - http://http:8080/up; nc exec 7001; ping -c 1 check || true; env | grep CI_SIDECAR | sort'`,
      `  - { image: none, run: 'curl -fsS "http://$CI_SIDECAR_HTTP_HOST:$CI_SIDECAR_HTTP_PORT/up"; env | grep CI_SIDECAR | sort' }`,
      `  - { network: none, run: '! nc -w 1 tcp 7000' }`,
    );
    const text = await textOfSuccess(execution);
    for (const line of ['by-tcp', 'by-http', 'by-exec']) expect(text).toContain(line);
    expect(text).toContain('CI_SIDECAR_HTTP_HOST=http\n');
    expect(text).toMatch(/CI_SIDECAR_HTTP_HOST=\d+\.\d+\.\d+\.\d+\n/);
    expect(text).toContain('CI_SIDECAR_HTTP_PORT=8080\n');
    expect(text).not.toContain('CI_SIDECAR_TCP_PORT');
    await nothingIsLeft();
  });

  it('start behind those that they need, fresh for each stage, and run beside hooks', async () => {
    const execution = await run(
      'sidecars:',
      `  first: { ${runs(`sleep 1; ${serves('of-first')}`)}, ready: { tcp: 7000, interval: 200ms } }`,
      'stages:',
      '  - name: a',
      '    sidecars:',
      `      late: { ${runs(`echo "late saw $(nc first 7000)"; echo of-late >/tmp/id; while :; do nc -l -p 7000 </tmp/id; done`)}, port: 7000 }`,
      `    steps: ['echo "a has $(nc late 7000)"']`,
      '  - name: b',
      '    sidecars:',
      `      late: { ${runs('ls /tmp; sleep 600')} }`,
      `    steps: ['! nc -w 2 late 7000']`,
      `always: ['echo "hook saw $(nc first 7000)"; ! nc -w 2 late 7000']`,
    );
    const text = await textOfSuccess(execution);
    expect(text).toContain('late saw of-first');
    expect(text).toContain('a has of-late');
    expect(text).toContain('hook saw of-first');
    await nothingIsLeft();
  });

  it('have no more rights, files and variables than they are given, and their image runs', async () => {
    const look =
      'env; id -u; ls /workspace /millrace /var/run/docker.sock; grep -E "^(CapBnd|NoNewPrivs):" /proc/self/status; cat /proc/1/comm';
    const execution = await run(
      'environment: { OUTER: outer }',
      'sidecars:',
      `  s: { ${runs(`${look}; sleep 600`)}, user: app, environment: { OWN: '\${{ env.OUTER }} text' } }`,
      `steps: ['true']`,
    );
    const text = await server.logText(execution.id, 'step=sidecar:s');
    expect(text).toContain('OWN=outer text\n');
    expect(text).not.toMatch(/^(OUTER|CI|CI_.*)=/m);
    expect(text).toContain('1000\n');
    expect(text.match(/No such file or directory/g)).toHaveLength(3);
    expect(text).toMatch(/NoNewPrivs:\s+1/);
    const bounding = Number.parseInt(/CapBnd:\s+([0-9a-f]+)/.exec(text)?.[1] ?? '', 16);
    expect([13, 27, 29, 21].map((bit) => Math.floor(bounding / 2 ** bit) & 1)).toEqual([
      0, 0, 0, 0,
    ]);
    expect(text).toContain('docker-init');
  });

  it('fail their stage when they are not ready, with what the probe and the sidecar said', async () => {
    const execution = await run(
      'stages:',
      '  - name: a',
      '    sidecars:',
      `      db: { ${runs('echo own words; sleep 600')}, ready: { exec: 'echo probe words; exit 3', interval: 200ms, timeout: 2s } }`,
      `    steps: ['echo never']`,
    );
    expect(execution).toMatchObject({
      status: 'failed',
      reason: { code: 'sidecar_not_ready' },
      stages: [{ status: 'failed', steps: [{ status: 'skipped', attempts: [] }] }],
    });
    const text = await server.logText(execution.id, 'stage=a&step=sidecar:db');
    expect(text).toContain('own words');
    expect(text).toContain('not ready within 2 s; its last probe said: exit code 3: probe words');
    await nothingIsLeft();
  });

  it('say so when their program is not in the image', async () => {
    const found = await server.run(
      `name: x\nsidecars: { db: { image: '${STEP_IMAGE}', entrypoint: [postgrs] } }\nsteps: [echo]\n`,
    );
    expect(found.reason?.message).toContain(
      'its program, or one that it starts, is not in the image',
    );
  });

  it('tell when they end by themselves, and steps that fail after it say so', async () => {
    const execution = await run(
      'sidecars:',
      `  db: { ${runs(`echo last words; nc -l -p 7001 >/dev/null; exit 7`)} }`,
      'steps:',
      `  - 'echo bye | nc db 7001; sleep 2'`,
      `  - 'nc -w 1 db 7000'`,
    );
    expect(step(execution, 1)).toMatchObject({
      status: 'failed',
      reason: { code: 'sidecar_ended', data: { sidecar: 'db', exit_code: 7 } },
    });
    const text = await server.logText(execution.id, 'step=sidecar:db');
    expect(text).toContain('ended by itself after it was ready: exit code 7.\n');
    expect(text.match(/^last words$/gm)).toHaveLength(1);
    expect(await server.logText(execution.id, 'step=step-2')).toContain('\ndb | last words\n');
  });

  it('end in time on a cancel, while they start and beside a step', async () => {
    const stubborn = "trap '' TERM; echo up; while :; do sleep 1; done";
    const starting = await begin(
      `sidecars: { db: { ${runs(stubborn)}, ready: { tcp: 1, timeout: 10m } } }`,
      `steps: ['true']`,
    );
    await said(starting, 'up');
    await server.call('POST', `/api/ci/executions/${starting}/cancel`, {});
    expect((await server.finished(starting)).status).toBe('cancelled');
    const beside = await begin(
      `sidecars: { a: { ${runs(stubborn)} }, b: { ${runs(stubborn)} } }`,
      `steps: ['echo in the step; sleep 600']`,
    );
    await said(beside, 'in the step');
    await server.call('POST', `/api/ci/executions/${beside}/cancel`, {});
    expect((await server.finished(beside)).status).toBe('cancelled');
    await nothingIsLeft();
  });

  it('leave no container and no network of a killed worker, and are fresh in the next attempt', async () => {
    const id = await begin(
      'retry_count: 1',
      `sidecars: { db: { ${runs(serves('served'))}, port: 7000 } }`,
      `steps: ['nc db 7000; echo "up $CI_EXECUTION_ATTEMPT"; [ $CI_EXECUTION_ATTEMPT = 2 ] || sleep 600']`,
    );
    await said(id, 'up 1');
    const [worker] = server.workers;
    await worker?.end('SIGKILL');
    await nothingIsLeft();
    await server.startWorker();
    expect(await server.finished(id, 60_000)).toMatchObject({ status: 'success', attempt: 2 });
    await nothingIsLeft();
  });
});
