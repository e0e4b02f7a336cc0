import { execFile } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { entryFile } from '../../src/config/paths.js';
import { DockerEngine } from '../support/docker-engine.js';
import { eventually } from '../support/eventually.js';
import { type ExecutionBody, MillraceServer } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { storesByPort, type StoresByPort } from '../support/stores-by-port.js';
import { APP_UID, makeStepImage, STEP_IMAGE } from '../support/step-image.js';
import { stopAll } from '../support/stop-all.js';

const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };
const run = promisify(execFile);
/** `daemon` of every Debian: neither root, nor a user of the image, nor that of the steps. */
const USER = { uid: 1, gid: 1 };

/** Steps in containers of an engine that an ordinary user may use, by a worker of that user. */
describeWith(PROGRAMS, { root: true }, 'steps in containers of an ordinary user', () => {
  let engine: DockerEngine;
  let server: MillraceServer;
  let stores: StoresByPort;

  beforeAll(async () => {
    engine = await DockerEngine.start(['--group', String(USER.gid)]);
    await engine.open();
    await makeStepImage(engine);
    stores = await storesByPort();
    const environment = { DOCKER_HOST: engine.host, ...stores.environment };
    server = await MillraceServer.start({ environment, user: USER });
  });
  afterAll(async () => {
    await stopAll(
      () => server.stop(),
      () => stores.stop(),
      () => engine.stop(),
    );
  });

  const steps = (...lines: readonly string[]): Promise<ExecutionBody> =>
    server.run(
      [
        'name: u',
        `defaults: { image: '${STEP_IMAGE}', pull: never, network: none }`,
        'steps:',
        ...lines.map((line) => `  - ${line}`),
        '',
      ].join('\n'),
    );
  const succeeded = async (execution: ExecutionBody): Promise<string> => {
    const text = await server.logText(execution.id);
    if (execution.status !== 'success') throw new Error(`${JSON.stringify(execution)}\n${text}`);
    return text;
  };
  const nothingIsLeft = async (): Promise<void> => {
    await eventually(async () => {
      const left = await readdir(join(server.home, 'w'));
      return left.length === 0 || undefined;
    });
    await eventually(async () => (await engine.leftovers()) === '' || undefined);
  };

  it('are offered, and the worker says that steps may use the engine', async () => {
    const [worker] = await server.call<{ containers: object }[]>('GET', '/api/workers');
    expect(worker?.containers).toMatchObject({
      engine: expect.stringMatching(/^docker \d/) as unknown,
      reason: null,
      host_reachable: expect.any(String) as unknown,
      socket_shared: expect.stringContaining('root of its machine') as unknown,
    });
    const [process] = server.workers;
    expect(process?.output()).toContain('steps in the shell are the user of the worker');
  });

  it('share the workspace with every user and the shell, and it is removed whole', async () => {
    const execution = await steps(
      `{ name: root, run: 'id -u; umask 077; mkdir -p a/b; echo root >a/b/f; echo s >secret' }`,
      `{ name: shell, image: none, run: 'id -u; cat a/b/f secret; echo shell >a/b/g; chmod 700 a' }`,
      `{ name: app, user: app, run: 'id -u; cat a/b/f a/b/g secret; mkdir own; echo app >own/o; chmod 0 own' }`,
      `{ name: again, image: none, run: 'chmod 700 own; cat own/o; rm -r a secret; mkdir -p deep/er' }`,
      `{ name: number, user: '4321', run: ': >deep/er/x; chmod 500 deep/er deep; ln -s / out' }`,
      `{ name: last, run: 'mkdir -p by/root; echo x >by/root/x; chmod 0 by/root by; chmod 0 .' }`,
    );
    const text = await succeeded(execution);
    const uids = text.split('\n').filter((line) => /^\d+$/.test(line));
    expect(uids).toEqual([0, USER.uid, APP_UID].map(String));
    await nothingIsLeft();
  });

  it('work in a folder that other users of the machine cannot enter', async () => {
    // What root of a container leaves in it could make root of them.
    expect((await stat(join(server.home, 'w'))).mode & 0o777).toBe(0o700);
  });

  it('are tried again in what the try before has left', async () => {
    const execution = await steps(
      `{ retry: 1, run: 'umask 077; [ -e mark/file ] || { mkdir mark; : >mark/file; exit 1; }' }`,
      `{ user: app, retry: 1, run: '[ -e mark/app ] || { : >mark/app; exit 1; }' }`,
      `{ image: none, run: 'ls mark' }`,
    );
    expect(await succeeded(execution)).toContain('app\nfile\n');
    await nothingIsLeft();
  });

  it('leave artifacts and caches that only their user can read', async () => {
    const execution = await steps(
      `{ run: 'umask 077; mkdir dist; echo kept >dist/file; chmod 700 .', artifacts: { paths: dist }, cache: { paths: dist, key: k } }`,
      `{ image: none, run: 'rm -r dist' }`,
      `{ user: app, run: 'cat dist/file; umask 077; echo x >mine', cache: { paths: dist, key: k } }`,
    );
    const text = await succeeded(execution);
    expect(text).toContain('\nkept\n');
    expect(text).toContain('artifacts: 1 file');
    await nothingIsLeft();
  });

  it('leave what an image can be built of', async () => {
    const execution = await steps(
      `{ run: 'umask 077; mkdir c; echo x >c/file; printf "FROM scratch\\nCOPY file /\\n" >c/Dockerfile' }`,
      `{ name: image, build: { context: c, tags: ['built:1'] } }`,
    );
    await succeeded(execution);
    await nothingIsLeft();
  });

  it('run by millrace run, which leaves nothing', async () => {
    const home = mkdtempSync(join(tmpdir(), 'mr-user-'));
    chownSync(home, USER.uid, USER.gid);
    const file = join(home, 'p.yaml');
    const yaml = [
      'name: r',
      `defaults: { image: '${STEP_IMAGE}', pull: never, network: none }`,
      'steps:',
      `  - { run: 'umask 077; mkdir x; echo said >x/y' }`,
      `  - { image: none, run: 'cat x/y' }`,
      `  - { user: app, run: 'mkdir z; chmod 0 z' }`,
    ];
    writeFileSync(file, yaml.join('\n'));
    const environment = { PATH: process.env['PATH'], HOME: home, TMPDIR: home };
    const { stdout } = await run(process.execPath, [entryFile('cli'), 'run', file], {
      env: { ...environment, DOCKER_HOST: engine.host },
      cwd: home,
      ...USER,
    });
    expect(stdout).toContain('said');
    expect(readdirSync(home).filter((name) => name.startsWith('mr-'))).toEqual([]);
    rmSync(home, { recursive: true });
  });

  it('are ended when their worker is killed', async () => {
    const script = `{ run: 'umask 077; mkdir x; : >x/y; exec sleep 600' }`;
    const yaml = `name: k\nsteps:\n  - ${script.replace('{', `{ image: '${STEP_IMAGE}', network: none,`)}\n`;
    const id = await server.trigger(await server.createPipeline(yaml));
    await server.until(id, ({ stages }) => stages[0]?.steps[0]?.status === 'running');
    await eventually(async () => (await engine.leftovers()) !== '' || undefined);
    const [worker] = server.workers;
    await worker?.end('SIGKILL');
    await eventually(async () => (await engine.leftovers()) === '' || undefined);
    await server.startWorker();
    await server.call('POST', `/api/ci/executions/${id}/cancel`);
    await server.finished(id, 90_000);
    await nothingIsLeft();
  });

  it('give no file outside the workspace to anybody, wherever links lead', async () => {
    const target = join(server.home, 'outside');
    const execution = await steps(
      `{ image: none, run: 'echo mine >${target}' }`,
      `{ run: 'ln -s ${target} link; ln -s ${server.home} folder; : >x' }`,
      `{ user: app, run: 'true' }`,
      `{ image: none, run: 'stat -c %u ${target} ${server.home}; rm ${target}' }`,
    );
    expect(await succeeded(execution)).toBe(`${USER.uid}\n${USER.uid}\n`);
    await nothingIsLeft();
  });
});
