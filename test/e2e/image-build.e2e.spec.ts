import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CommandLine } from '../support/command-line.js';
import { DockerEngine } from '../support/docker-engine.js';
import { eventually } from '../support/eventually.js';
import { ImageRegistry, REGISTRY_LOGIN } from '../support/image-registry.js';
import { type ExecutionBody, MillraceServer, type StepBody } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { makeStepImage, STEP_IMAGE } from '../support/step-image.js';
import { stopAll } from '../support/stop-all.js';

const PROGRAMS = {
  dockerd: 'docker.io',
  docker: 'docker.io',
  busybox: 'busybox-static',
  'docker-registry': 'docker-registry',
};
const SECRET = 'secret-of-a-build-1f0a';
const run = promisify(execFile);

/** Images are built on a real Docker Engine, by a worker that is root. */
describeWith(PROGRAMS, { root: true }, 'building images', () => {
  let engine: DockerEngine;
  let open: ImageRegistry;
  let closed: ImageRegistry;
  let server: MillraceServer;
  let folder: string;
  /** In the open registry: what builds begin from. */
  let base: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mr-build-'));
    chmodSync(folder, 0o755);
    [engine, open, closed] = await Promise.all([
      DockerEngine.start(),
      ImageRegistry.start(),
      ImageRegistry.start({ withLogin: true }),
    ]);
    await makeStepImage(engine);
    base = `${open.host}/base:1`;
    await engine.docker('tag', STEP_IMAGE, base);
    await engine.docker('push', base);
    server = await MillraceServer.start({ environment: { DOCKER_HOST: engine.host } });
    const secrets = {
      BUILD_SECRET: SECRET,
      REGISTRY_USER: REGISTRY_LOGIN.username,
      REGISTRY_PASSWORD: REGISTRY_LOGIN.password,
    };
    for (const [name, value] of Object.entries(secrets)) {
      await server.call('PUT', `/api/secrets/${name}`, { value });
    }
  });
  afterAll(async () => {
    await stopAll(
      () => server.stop(),
      () => engine.stop(),
      () => open.stop(),
      () => closed.stop(),
      () => rmSync(folder, { recursive: true }),
    );
  });

  const steps = (lines: readonly string[], head: readonly string[] = []): Promise<ExecutionBody> =>
    server.run(
      ['name: b', ...head, 'steps:', ...lines.map((line) => `  - ${line}`), ''].join('\n'),
    );
  /** A step of the shell that writes a file of these lines. */
  const file = (path: string, ...lines: readonly string[]): string => {
    const text = lines.map((line) => `'${line.replaceAll("'", `'\\''`)}'`).join(' ');
    return JSON.stringify(`mkdir -p "$(dirname ${path})"; printf '%s\\n' ${text} > ${path}`);
  };
  const step = ({ stages }: ExecutionBody, name: string): StepBody => {
    const found = stages[0]?.steps.find((one) => one.name === name);
    if (!found) throw new Error(`no step ${name}`);
    return found;
  };
  const succeeded = async (execution: ExecutionBody): Promise<string> => {
    const text = await server.logText(execution.id);
    if (execution.status !== 'success') throw new Error(`${JSON.stringify(execution)}\n${text}`);
    return text;
  };
  /** Images without a name, and those that have one of ours only. */
  const nameless = async (): Promise<readonly string[]> => {
    const dangling = await engine.docker('images', '--quiet', '--filter', 'dangling=true');
    const built = await engine.docker('images', '--quiet', 'millrace.invalid/built');
    return [...dangling.split('\n'), ...built.split('\n')].filter((one) => one !== '');
  };
  let before: readonly string[];
  beforeEach(async () => (before = await nameless()));
  /** What this test left on the machine. */
  const left = async (): Promise<readonly string[]> => {
    const { stdout } = await run('ps', ['-eo', 'args']);
    const processes = stdout.split('\n').filter((line) => line.includes('--iidfile=image-id'));
    const containers = await engine.docker('ps', '--all', '--quiet');
    const images = (await nameless()).filter((one) => !before.includes(one));
    return [...processes, containers, ...images].filter((one) => one !== '');
  };

  /** Fetches what was pushed, once nothing of its build is left on the engine. */
  const pull = async (name: string): Promise<void> => {
    await eventually(async () => (await left()).length === 0 || undefined);
    await engine.docker('pull', name);
  };

  it('is told by the worker', async () => {
    const [worker] = await server.call<{ containers: object }[]>('GET', '/api/workers');
    expect(worker?.containers).toMatchObject({
      builder: expect.stringMatching(/^docker \d/) as unknown,
      builder_reason: null,
      host_reachable: null,
    });
  });

  it('builds, tags, pushes, and the image runs in a later step', async () => {
    const name = `${open.host}/team/app`;
    const execution = await steps([
      file(
        'app/Dockerfile',
        `FROM ${base}`,
        'ARG WHO',
        'COPY greet /greet',
        'RUN echo by-$WHO >/by',
      ),
      file('app/greet', 'hello from the image'),
      `{ name: image, build: { context: app, args: { WHO: '\${{ trigger.event }}' }, tags: ['${name}:\${{ pipeline.name }}', '${name}:2'], labels: { own: x }, push: true, network: none } }`,
      `{ name: run, image: '${name}:b', pull: always, network: none, run: 'cat /greet /by' }`,
      `{ name: told, run: 'echo "\${{ steps.image.outputs.digest }} \${{ steps.image.outputs.image }}"' }`,
    ]);
    const text = await succeeded(execution);
    expect(text).toContain('hello from the image');
    expect(text).toMatch(/by-(manual|api)/);
    const { outputs, attempts } = step(execution, 'image');
    expect(outputs).toEqual({
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as unknown,
      image: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as unknown,
    });
    expect(text).toContain(`${outputs['digest']} ${outputs['image']}`);
    expect(attempts[0]?.image).toEqual({ name: `${name}:b`, digest: outputs['digest'] });
    expect(attempts[0]?.phases?.map((phase) => phase.name)).toEqual(['ready', 'command']);
    expect(step(execution, 'run').attempts[0]?.image?.digest).toBe(outputs['digest']);
    await pull(`${name}:2`);
    const labels = await engine.docker(
      ...['image', 'inspect', '--format', '{{json .Config.Labels}}', `${name}:2`],
    );
    expect(JSON.parse(labels)).toMatchObject({
      own: 'x',
      'millrace.built-in': expect.any(String) as unknown,
      'millrace.built-for': expect.stringContaining(execution.id) as unknown,
      'org.opencontainers.image.created': expect.stringContaining('T') as unknown,
    });
    await engine.docker('rmi', `${name}:2`, `${name}:b`);
    await eventually(async () => (await left()).length === 0 || undefined);
  });

  it('gives names for the execution alone: none is what others mean by it', async () => {
    const execution = await steps([
      file('Dockerfile', `FROM ${base}`, 'RUN echo theirs >/theirs'),
      `{ build: { tags: ['${STEP_IMAGE}', 'elsewhere:1'], network: none } }`,
      `{ image: '${STEP_IMAGE}', network: none, run: cat /theirs }`,
      `{ image: 'docker.io/library/elsewhere:1', pull: never, network: none, run: cat /theirs }`,
    ]);
    await succeeded(execution);
    const other = await steps([
      `{ image: '${STEP_IMAGE}', pull: never, network: none, run: '! cat /theirs' }`,
      `{ name: away, image: 'elsewhere:1', pull: never, run: cat /theirs, continue_on_error: true }`,
    ]);
    await succeeded(other);
    expect(step(other, 'away').reason).toMatchObject({ code: 'image_missing' });
    await eventually(async () => (await left()).length === 0 || undefined);
  });

  it('says that a Dockerfile begins with no image that the execution has built itself', async () => {
    const name = `${open.host}/own-base:1`;
    const failing = (build: string): string =>
      `{ build: { ${build}, network: none }, continue_on_error: true }`;
    const execution = await steps([
      file('first', `FROM ${base}`),
      file('second', 'FROM own-base:1'),
      file('third', `ARG TAG=1`, `FROM ${open.host}/own-base:$TAG`),
      `{ build: { dockerfile: first, tags: ['own-base:1', '${name}'], network: none } }`,
      ...[failing('dockerfile: second'), failing('dockerfile: third')],
    ]);
    const found = execution.stages[0]?.steps.slice(4).map(({ reason }) => reason);
    const reason = (image: string): object => ({
      code: 'image_missing',
      message: expect.stringContaining('push it first (push: true)') as unknown,
      data: { image },
    });
    expect(found).toMatchObject([reason('docker.io/library/own-base:1'), reason(name)]);
  });

  it('mounts secrets for instructions, and leaves them nowhere', async () => {
    const execution = await steps([
      file(
        'Dockerfile',
        `FROM ${base}`,
        'RUN --mount=type=secret,id=BUILD_SECRET wc -c </run/secrets/BUILD_SECRET >/size && cat /run/secrets/BUILD_SECRET',
      ),
      `{ name: image, build: { tags: '${open.host}/secret:1', push: true, secrets: [BUILD_SECRET], network: none } }`,
      `{ image: '${open.host}/secret:1', pull: missing, network: none, run: 'echo size $(cat /size); ls /run/secrets 2>&1 || true' }`,
    ]);
    const text = await succeeded(execution);
    expect(text).toContain(`size ${SECRET.length}`);
    expect(text).not.toContain(SECRET);
    expect(text).toContain('***');
    const name = `${open.host}/secret:1`;
    await pull(name);
    const history = await engine.docker('history', '--no-trunc', name);
    const inspected = await engine.docker('image', 'inspect', name);
    expect(history + inspected).not.toContain(SECRET);
    const tar = join(folder, 'image.tar');
    await engine.docker('save', '--output', tar, name);
    await run('sh', ['-c', '! tar -xOf "$0" | grep -qF "$1"', tar, SECRET]);
    // The search finds what is there.
    await run('sh', ['-c', 'tar -xOf "$0" | grep -qF "$1"', tar, 'home/app']);
  });

  it('refuses a secret in an argument, however it comes there', async () => {
    const execution = await steps(
      [
        file('Dockerfile', `FROM ${base}`),
        `{ name: image, environment: { HIDDEN: 'x\${{ env.BUILD_SECRET }}' }, build: { args: { A: '\${{ env.HIDDEN }}' } } }`,
      ],
      ['secrets: [BUILD_SECRET]'],
    );
    expect(step(execution, 'image').reason).toMatchObject({ code: 'secret_in_args' });
  });

  it('reads nothing through links of the workspace', async () => {
    writeFileSync(join(folder, 'stolen'), 'stolen-from-the-machine\n');
    writeFileSync(join(folder, 'Dockerfile'), `FROM ${base}\nCOPY . /all\n`);
    const failing = (build: string): string => `{ build: ${build}, continue_on_error: true }`;
    const execution = await steps([
      file('Dockerfile', `FROM ${base}`, 'COPY . /all'),
      `ln -s ${folder}/stolen stolen; ln -s ${folder} away; ln -s ${folder}/Dockerfile Other; ln -s Dockerfile Inner; mkdir d; ln -s .. d/up; ln -s ../../.. d/out`,
      failing('away'),
      failing('{ dockerfile: Other }'),
      failing('d/out'),
      failing('{ dockerfile: away/Dockerfile }'),
      failing('{ dockerfile: Nothing }'),
      failing('nothing'),
      `{ build: { context: d/up, dockerfile: Inner, tags: '${open.host}/links:1', push: true } }`,
      `{ image: '${open.host}/links:1', network: none, run: 'ls -a /all; ! cat /all/stolen; ! ls /all/away; cat /all/Inner' }`,
    ]);
    const text = await succeeded(execution);
    const codes = execution.stages[0]?.steps.slice(2, 8).map(({ reason }) => reason?.code);
    expect(codes).toEqual([
      ...['context_outside', 'dockerfile_outside', 'context_outside', 'dockerfile_missing'],
      ...['dockerfile_missing', 'context_missing'],
    ]);
    expect(text).toContain('left out of the context: stolen (outward_link)');
    const tar = join(folder, 'image.tar');
    await pull(`${open.host}/links:1`);
    await engine.docker('save', '--output', tar, `${open.host}/links:1`);
    await run('sh', ['-c', '! tar -xOf "$0" | grep -qF "$1"', tar, 'stolen-from-the-machine']);
  });

  it('takes layers that are there already, and what .dockerignore says', async () => {
    const lines = [
      file('Dockerfile', `FROM ${base}`, 'RUN echo once >/once', 'COPY . /all'),
      file('.dockerignore', 'ignored', '.dockerignore'),
      file('ignored/x', 'x'),
      `{ build: { tags: '${open.host}/cached:1', cache_from: true, push: true, network: none } }`,
    ];
    await succeeded(await steps(lines));
    const text = await succeeded(
      await steps([
        ...lines,
        `{ image: '${open.host}/cached:1', network: none, run: 'echo all $(ls -A /all)' }`,
      ]),
    );
    expect(text).toMatch(/#\d+ CACHED/);
    expect(text).toContain('all Dockerfile');
    expect(text).not.toContain('all Dockerfile ignored');
  });

  it('tells apart why a build failed', async () => {
    const failing = (build: string): string =>
      `{ build: { ${build}, network: none }, continue_on_error: true }`;
    const execution = await steps([
      file('fails', `FROM ${base}`, 'RUN echo about to fail && exit 3'),
      file('syntax', `FROM ${base}`, 'NONSENSE x'),
      file('private', `FROM ${closed.host}/nothing:1`),
      file('missing', `FROM ${open.host}/nothing:1`),
      file('plain', `FROM ${base}`),
      ...[failing('dockerfile: fails'), failing('dockerfile: syntax')],
      ...[failing('dockerfile: private'), failing('dockerfile: missing')],
      failing(`dockerfile: plain, push: true, tags: '${closed.host}/no:1'`),
      failing(`dockerfile: plain, push: true, tags: '127.0.0.1:1/no:1'`),
    ]);
    const found = execution.stages[0]?.steps.slice(5).map(({ reason }) => reason) ?? [];
    expect(found.map((reason) => reason?.code)).toEqual([
      ...['build_failed', 'build_failed', 'image_unauthorized', 'image_missing'],
      ...['image_unauthorized', 'push_failed'],
    ]);
    expect(found[0]).toMatchObject({
      message: expect.stringContaining('exit code: 3') as unknown,
      data: { instruction: 'RUN echo about to fail && exit 3', exit_code: 1 },
    });
    expect(found[1]?.message).toMatch(/unknown instruction: NONSENSE/i);
    await eventually(async () => (await left()).length === 0 || undefined);
  });

  it('ends with a cancel and a time limit, and leaves nothing', async () => {
    const dockerfile = `FROM ${base}\nRUN echo up && sleep 987123\n`;
    const yaml = `name: b\nsteps:\n  - ${JSON.stringify(`printf '%s' '${dockerfile}' > Dockerfile`)}\n  - { build: { network: none, tags: 'never:1' } }\n`;
    const id = await server.trigger(await server.createPipeline(yaml));
    const isUp = async (): Promise<true | undefined> =>
      (await server.logText(id)).includes('0 up') ||
      (await server.logText(id)).match(/#\d+ [\d.]+ up/)
        ? true
        : undefined;
    await eventually(isUp);
    await server.call('POST', `/api/ci/executions/${id}/cancel`, { reason: 'enough' });
    expect((await server.finished(id)).status).toBe('cancelled');
    const late = await server.run(
      yaml.replace("tags: 'never:1' }", "tags: 'never:1' }, timeout: 2s"),
    );
    expect(late.stages[0]?.steps[1]).toMatchObject({ status: 'timeout' });
    const gone = async (): Promise<true | undefined> => {
      const { stdout } = await run('ps', ['-eo', 'args']);
      return (!stdout.includes('987123') && (await left()).length === 0) || undefined;
    };
    await eventually(gone, 20_000);
    await eventually(() => readdirSync(join(server.home, 'w')).length === 0 || undefined);
  });

  it('ends with its worker', async () => {
    const dockerfile = `FROM ${base}\nRUN echo up && sleep 987124\n`;
    const yaml = `name: b\nsteps:\n  - ${JSON.stringify(`printf '%s' '${dockerfile}' > Dockerfile`)}\n  - { build: { network: none } }\n`;
    const id = await server.trigger(await server.createPipeline(yaml));
    await eventually(async () => /#\d+ [\d.]+ up/.test(await server.logText(id)) || undefined);
    await server.workers[0]?.end('SIGKILL');
    const gone = async (): Promise<true | undefined> => {
      const { stdout } = await run('ps', ['-eo', 'args']);
      return (!stdout.includes('987124') && (await left()).length === 0) || undefined;
    };
    await eventually(gone, 20_000);
    await server.startWorker();
    expect((await server.finished(id, 60_000)).status).toBe('failed');
    await eventually(() => readdirSync(join(server.home, 'w')).length === 0 || undefined, 30_000);
  });

  it('builds under millrace run too', async () => {
    const yaml = join(folder, 'run.yaml');
    const lines = [
      file('Dockerfile', `FROM ${base}`, 'RUN echo by-hand >/by'),
      `{ build: { tags: 'own:1', network: none } }`,
      `{ image: 'own:1', network: none, run: 'echo built $(cat /by)' }`,
    ];
    writeFileSync(yaml, `name: r\nsteps:\n${lines.map((line) => `  - ${line}\n`).join('')}`);
    const cli = new CommandLine(folder, { DOCKER_HOST: engine.host });
    const { code, stdout, stderr } = await cli.run(['run', yaml]);
    expect(`${stdout}${stderr}`).toContain('built by-hand');
    expect(code).toBe(0);
    expect(await left()).toEqual([]);
  });

  it('pushes with the log-in of the pipeline, and what was pushed so is for those who have it', async () => {
    const login = `registries: { '${closed.host}': { username: REGISTRY_USER, password: REGISTRY_PASSWORD } }`;
    const name = `${closed.host}/team/private:1`;
    const first = await steps(
      [
        file('Dockerfile', `FROM ${base}`, 'RUN echo private >/private'),
        `{ name: image, build: { tags: '${name}', push: true, network: none } }`,
        `{ image: '${name}', pull: always, network: none, run: cat /private }`,
        file('next/Dockerfile', `FROM ${name}`),
        `{ build: next }`,
      ],
      [login],
    );
    const text = await succeeded(first);
    expect(text).not.toContain(REGISTRY_LOGIN.password);
    const other = await steps([
      file('Dockerfile', `FROM ${name}`),
      `{ name: from, build: ., continue_on_error: true }`,
      file('copies', `FROM ${base}`, `COPY --from=${name} /private /private`),
      `{ name: copy, build: { dockerfile: copies }, continue_on_error: true }`,
      `{ name: run, image: '${name}', run: cat /private, continue_on_error: true }`,
    ]);
    for (const one of ['from', 'copy', 'run']) {
      expect(step(other, one)).toMatchObject({
        status: 'failed',
        reason: { code: 'image_unauthorized' },
      });
    }
    await eventually(async () => (await left()).length === 0 || undefined);
  });
});
