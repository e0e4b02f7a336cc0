import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DockerEngine } from '../support/docker-engine.js';
import { eventually } from '../support/eventually.js';
import { ImageRegistry, REGISTRY_LOGIN } from '../support/image-registry.js';
import {
  findGo,
  makeGoStepImage,
  makeNodeStepImage,
  makePythonStepImage,
} from '../support/language-images.js';
import { type ExecutionBody, MillraceServer, type StepBody } from '../support/millrace-server.js';
import { makeModuleProxy } from '../support/module-proxy.js';
import { describeWith, itWith } from '../support/needed-programs.js';
import { makePostgresImage } from '../support/postgres-image.js';
import { PublishedProjects } from '../support/published-projects.js';
import { makeStepImage, STEP_IMAGE } from '../support/step-image.js';
import { stopAll } from '../support/stop-all.js';

const PROGRAMS = {
  dockerd: 'docker.io',
  docker: 'docker.io',
  busybox: 'busybox-static',
  'docker-registry': 'docker-registry',
  python3: 'python3',
};
const PROJECTS = join(__dirname, 'six-pipelines');
const NAMES = ['node', 'python', 'go', 'image', 'flaky', 'artifacts'];
/** A Go that knows nothing compiles its standard library first: 20 s of two cores. */
const COMPILES_MS = 180_000;

const run = promisify(execFile);
const go = findGo();
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const bytesOf = async (response: Response): Promise<Buffer> =>
  Buffer.from(await response.arrayBuffer());

/**
 * The pipelines of `six-pipelines/` as their users have them: a repository with a project and its
 * `pipeline.yml`, images by the names that everybody uses, and results as the API tells them.
 */
describeWith(PROGRAMS, { root: true }, 'six pipelines as a new user writes them', () => {
  let engine: DockerEngine;
  let registry: ImageRegistry;
  let projects: PublishedProjects;
  let server: MillraceServer;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-six-'));
    const modules = join(folder, 'modules');
    const module = 'example.com/greeting@v1.2.0';
    [engine, registry] = await Promise.all([
      DockerEngine.start(),
      ImageRegistry.start({ withLogin: true }),
      makeModuleProxy(modules, join(PROJECTS, 'modules', module), module),
    ]);
    [projects, server] = await Promise.all([
      PublishedProjects.start(PROJECTS, NAMES, 'https://git.example/acme', {
        'registry.example': registry.host,
      }),
      MillraceServer.start({ environment: { DOCKER_HOST: engine.host } }),
      pushBase(),
      makeNodeStepImage(engine, 'node:24'),
      makePythonStepImage(engine, 'python:3'),
      makePostgresImage(engine, 'postgres:18'),
      ...('program' in go ? [makeGoStepImage(engine, 'golang:1', go.program, modules)] : []),
    ]);
    await server.call('PUT', '/api/secrets/REGISTRY_USER', { value: REGISTRY_LOGIN.username });
    await server.call('PUT', '/api/secrets/REGISTRY_PASSWORD', { value: REGISTRY_LOGIN.password });
  });
  afterAll(async () => {
    await stopAll(
      () => server.stop(),
      () => engine.stop(),
      () => registry.stop(),
      () => projects.stop(),
      () => rm(folder, { recursive: true }),
    );
  });

  /** What the Dockerfile begins from: in the registry alone. */
  const pushBase = async (): Promise<void> => {
    await makeStepImage(engine);
    const { username, password } = REGISTRY_LOGIN;
    const base = `${registry.host}/base/busybox:1`;
    await engine.docker('login', '-u', username, '-p', password, registry.host);
    await engine.docker('tag', STEP_IMAGE, base);
    await engine.docker('push', base);
    await engine.docker('rmi', base, STEP_IMAGE);
  };

  const create = async (project: string, file?: string): Promise<string> =>
    server.createPipeline(await projects.text(project, file));
  const execute = async (pipeline: string, environment = {}): Promise<ExecutionBody> =>
    server.finished(await server.trigger(pipeline, { environment }), COMPILES_MS);
  /** Its log, which is also what a failure shows. */
  const succeeded = async (execution: ExecutionBody): Promise<string> => {
    const text = await server.logText(execution.id);
    if (execution.status !== 'success') throw new Error(`${JSON.stringify(execution)}\n${text}`);
    return text;
  };
  const step = ({ stages }: ExecutionBody, name: string): StepBody => {
    const found = stages.flatMap(({ steps }) => steps).find((one) => one.name === name);
    if (!found) throw new Error(`no step ${name}`);
    return found;
  };

  it('tests a Node project, beside a PostgreSQL that it talks to', async () => {
    const pipeline = await create('node');
    const execution = await execute(pipeline);
    const text = await succeeded(execution);
    expect(text).toMatch(/PostgreSQL 18\.\d+/);
    expect(text).toMatch(/pass 3\n/);
    expect(text).toMatch(/fail 0\n/);
    expect(execution.commit?.sha).toBe(projects.commit('node'));
    expect(await server.logText(execution.id, 'step=sidecar:db')).toContain(
      'database system is ready to accept connections',
    );
    // It is the database that decides: it lets nobody in by another password.
    const refused = await execute(pipeline, { PGPASSWORD: 'wrong' });
    expect(refused).toMatchObject({ status: 'failed', failure: { stage: 'main', step: 'test' } });
    expect(step(refused, 'test').exit_code).toBe(1);
    expect(await server.logText(refused.id)).toContain(
      'password authentication failed for user "postgres"',
    );
  });

  it('tests a Python project', async () => {
    const execution = await execute(await create('python'));
    const text = await succeeded(execution);
    expect(text).toMatch(/^test_rounds_to_cents .*ok$/m);
    expect(text).toMatch(/^Ran 3 tests in /m);
    expect(step(execution, 'unit').attempts[0]?.image?.name).toBe('python:3');
    expect(step(execution, 'compile').status).toBe('success');
  });

  itWith('program' in go ? go : undefined, 'a Go: test/go/find')(
    'tests a Go project, whose modules are in the cache the second time',
    async () => {
      const pipeline = await create('go');
      const alone = { GOPROXY: 'off' };
      const missed = await execute(pipeline, alone);
      expect(missed.status).toBe('failed');
      expect(await server.logText(missed.id)).toContain('module lookup disabled by GOPROXY=off');
      const first = await succeeded(await execute(pipeline));
      expect(first).toContain('cache go: miss');
      expect(first).toContain('go: downloading example.com/greeting v1.2.0');
      expect(first).toContain('--- PASS: TestHello');
      expect(first).toMatch(/cache go: saved as go-linux-/);
      const second = await succeeded(await execute(pipeline, alone));
      expect(second).toMatch(/cache go: hit: go-linux-/);
      expect(second).toContain('--- PASS: TestHello');
      expect(second).not.toContain('go: downloading');
    },
  );

  it('builds an image and pushes it, and another execution pulls and runs it', async () => {
    const built = await execute(await create('image'));
    const text = await succeeded(built);
    const { digest, image } = step(built, 'image').outputs;
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(text).toContain(`pushed ${digest}`);
    // The engine has it no more.
    const name = `${registry.host}/team/hello`;
    await eventually(async () => (await engine.docker('images', '-q', name)) === '' || undefined);
    await eventually(() =>
      engine.docker('image', 'inspect', image ?? '').then(
        () => undefined,
        (error: Error) => error.message.includes('No such image') || undefined,
      ),
    );
    const ran = await execute(await create('image', 'run.yml'));
    expect(await succeeded(ran)).toContain(
      `hello from commit ${projects.commit('image')}, as app\n`,
    );
    const [attempt] = step(ran, 'hello').attempts;
    expect(attempt?.image).toEqual({ name: `${name}:latest`, digest });
    expect(attempt?.phases?.map((phase) => phase.name)).toContain('pull');
    expect(await engine.docker('images', '-q', name)).not.toBe('');
  });

  it('reads reports, and finds the one test that is flaky in three executions', async () => {
    const pipeline = await create('flaky');
    const executions = [];
    for (let number = 1; number <= 3; number++) executions.push(await execute(pipeline));
    expect(executions.map(({ status }) => status)).toEqual(['success', 'failed', 'success']);
    const reports = await Promise.all(
      executions.map(({ id }) =>
        server.call<readonly object[]>('GET', `/api/ci/executions/${id}/reports`),
      ),
    );
    const passed = { step: 'test', counts: { total: 2, passed: 2, failed: 0 }, failures: [] };
    expect(reports).toMatchObject([
      [passed],
      [
        {
          step: 'test',
          counts: { total: 2, passed: 1, failed: 1 },
          failures: [
            {
              name: 'is empty at first',
              outcome: 'failed',
              message: expect.stringContaining('the basket is not empty') as unknown,
              text: expect.stringContaining('basket.test.js') as unknown,
            },
          ],
        },
      ],
      [passed],
    ]);
    const tests = await server.call('GET', `/api/ci/pipelines/${pipeline}/tests`);
    expect(tests).toMatchObject({ reports: 3 });
    expect((tests as { flaky: unknown }).flaky).toEqual([
      expect.objectContaining({
        name: 'is empty at first',
        ...{ stage: 'main', step: 'test', failed: 1, passed: 2, commits: 1 },
        last_commit: projects.commit('flaky'),
      }),
    ]);
  });

  it('hands artifacts from one stage to the next, and to whoever downloads them', async () => {
    const execution = await execute(await create('artifacts'));
    const text = await succeeded(execution);
    expect(text).toContain('artifacts: brings build/pack, attempt 1');
    expect(text).toContain('verified 3000000 bytes');
    const { digest } = step(execution, 'pack').outputs;
    const base = `/api/ci/executions/${execution.id}`;
    const get = (path: string, headers = {}): Promise<Response> =>
      server.fetch('GET', `${base}${path}`, undefined, headers);

    const { items } = await server.call<{ items: { path: string; digest: string }[] }>(
      'GET',
      `${base}/artifacts`,
    );
    const digests = Object.fromEntries(items.map((item) => [item.path, item.digest]));
    const manual = await readFile(join(PROJECTS, 'artifacts/README.md'));
    expect(digests).toEqual({ 'dist/app.bin': digest, 'dist/manual/README.md': sha256(manual) });

    const whole = await bytesOf(await get('/artifacts/dist/app.bin'));
    expect(sha256(whole)).toBe(digest);
    const parts = [];
    for (const [range, bytes] of Object.entries({ '0-999999': 1_000_000, '1000000-': 2_000_000 })) {
      const part = await get('/artifacts/dist/app.bin', { range: `bytes=${range}` });
      expect(part.status).toBe(206);
      parts.push(await bytesOf(part));
      expect(parts.at(-1)).toHaveLength(bytes);
    }
    expect(sha256(Buffer.concat(parts))).toBe(digest);

    const archive = join(folder, 'artifacts.tar.gz');
    await writeFile(archive, await bytesOf(await get('/artifacts.tar.gz?paths=dist/**')));
    await run('tar', ['-xzf', archive, '-C', folder]);
    const unpacked = Object.keys(digests).map(async (path) => [
      path,
      sha256(await readFile(join(folder, path))),
    ]);
    expect(Object.fromEntries(await Promise.all(unpacked))).toEqual(digests);
  });
});
