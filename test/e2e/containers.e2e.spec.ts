import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ContainerServer } from '../support/container-server.js';
import { type DockerEngine } from '../support/docker-engine.js';
import { eventually } from '../support/eventually.js';
import {
  type ExecutionBody,
  type MillraceServer,
  type StepBody,
} from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { makeStepImage, STEP_IMAGE } from '../support/step-image.js';

const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };
const run = promisify(execFile);

interface WorkerBody {
  readonly containers: {
    readonly engine: string | null;
    readonly platform: string | null;
    readonly reason: string | null;
  };
}

/** Steps in containers of a real Docker Engine, by a worker that is root. */
describeWith(PROGRAMS, { root: true }, 'steps in containers', () => {
  let started: ContainerServer;
  let engine: DockerEngine;
  let server: MillraceServer;

  beforeAll(async () => {
    started = await ContainerServer.start();
    ({ engine, server } = started);
  });
  afterAll(() => started.stop());

  /** Runs steps of one stage, all in the image of the tests. */
  const steps = (...lines: readonly string[]): Promise<ExecutionBody> =>
    server.run(
      [
        'name: c',
        `defaults: { image: '${STEP_IMAGE}', pull: never, network: none }`,
        'steps:',
        ...lines.map((line) => `  - ${line}`),
        '',
      ].join('\n'),
    );
  const step = ({ stages }: ExecutionBody, index = 0): StepBody => {
    const found = stages[0]?.steps[index];
    if (!found) throw new Error(`no step ${index}`);
    return found;
  };
  const containers = (): Promise<string> => engine.docker('ps', '--all', '--quiet');

  it('is offered by a worker that says by what', async () => {
    const [worker] = await server.call<WorkerBody[]>('GET', '/api/workers');
    expect(worker?.containers).toMatchObject({
      engine: expect.stringMatching(/^docker \d/) as unknown,
      platform: expect.stringMatching(/^linux\//) as unknown,
      reason: null,
    });
  });

  it('runs commands with their environment, outputs and logs, and tells image and phases', async () => {
    const execution = await steps(
      `{ run: 'echo "hello $CI_STEP"; echo v=3 >>"$CI_OUTPUT"', outputs: [v] }`,
      `{ run: 'test "\${{ steps["step-1"].outputs.v }}" = 3; pwd; echo "$PATH"' }`,
    );
    expect(execution.status).toBe('success');
    expect(step(execution).outputs).toEqual({ v: '3' });
    const text = await server.logText(execution.id);
    expect(text).toContain('hello step-1');
    expect(text).toContain('/workspace');
    const [attempt] = step(execution).attempts;
    expect(attempt?.phases?.map(({ name }) => name)).toEqual(['pull', 'ready', 'command']);
    expect(attempt?.image).toEqual({
      name: STEP_IMAGE,
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as unknown,
    });
  });

  it('shares the workspace between every user and the shell, and removes it whole', async () => {
    const execution = await steps(
      `{ name: root, run: 'mkdir -p a/b; echo root >a/b/f; chmod 700 a; umask 077; mkdir secret; echo s >secret/s' }`,
      `{ name: app, user: app, run: 'id -u; cat a/b/f secret/s; echo app >a/b/g; mkdir own; echo o >own/o; chmod 0 own' }`,
      `{ name: shell, image: none, run: 'cat a/b/f a/b/g secret/s; echo shell >a/b/h; chmod 700 own; cat own/o' }`,
      `{ name: number, user: '4321', run: 'cat a/b/h; rm -rf a secret own; mkdir -p deep/er; : >deep/er/x; chmod 500 deep/er deep' }`,
      `{ name: last, run: 'mkdir -p by/root; echo x >by/root/x; chmod 0 by/root by' }`,
    );
    expect(await server.logText(execution.id)).toContain('shell');
    expect(execution.status).toBe('success');
    await eventually(async () => {
      const left = await readdir(join(server.home, 'w'));
      return left.length === 0 || undefined;
    });
    expect(await containers()).toBe('');
  });

  it('tells apart why a step failed', async () => {
    const failing = (line: string): string => line.replace('}', ', continue_on_error: true }');
    const execution = await steps(
      failing(`{ run: 'exit 3' }`),
      failing(`{ shell: bash, run: 'true' }`),
      failing(`{ user: nobody-there, run: 'true' }`),
      failing(`{ memory: 32m, run: 'tail /dev/zero' }`),
      failing(`{ image: 'nowhere:1', run: 'true' }`),
      failing(`{ timeout: 1s, run: 'trap "" TERM; sleep 60' }`),
      failing(`{ entrypoint: [no-such], run: 'true' }`),
      failing(`{ working_directory: gone, run: 'true' }`),
      failing(`{ run: 'kill -KILL $$' }`),
      failing(`{ run: 'ln -s / out; cd out; true' }`),
      failing(`{ working_directory: out, run: 'true' }`),
    );
    const codes = execution.stages[0]?.steps.map(({ reason }) => reason?.code);
    expect(codes).toEqual([
      ...['exit_code', 'shell_missing', 'user_missing', 'out_of_memory', 'image_missing'],
      ...['timeout', 'program_missing', 'working_directory_missing', 'exit_code', 'started'],
      'working_directory_outside',
    ]);
    expect(step(execution, 8)).toMatchObject({ exit_code: 137 });
  });

  it('runs all steps in what the name led to first, wherever that goes meanwhile', async () => {
    await makeStepImage(engine, 'moved:1', ['ENV WHICH=first']);
    const yaml = `name: c
defaults: { image: 'moved:1', pull: never, network: none }
steps:
  - 'echo "one in $WHICH"; echo up; until [ -e go ]; do sleep 0.1; done'
  - 'echo "two in $WHICH"'
`;
    const id = await server.trigger(await server.createPipeline(yaml));
    await eventually(async () => (await server.logText(id)).includes('up') || undefined);
    await makeStepImage(engine, 'moved:1', ['ENV WHICH=second']);
    const [workspace = ''] = await readdir(join(server.home, 'w'));
    await writeFile(join(server.home, 'w', workspace, 'work', 'go'), '');
    expect(await server.finished(id)).toMatchObject({ status: 'success' });
    expect(await server.logText(id)).toMatch(/one in first[^]*two in first/);
    const later = await server.run(yaml.replace(/; echo up.*(?=')/, ''));
    expect(await server.logText(later.id)).toMatch(/one in second[^]*two in second/);
  });

  it('names the platforms of an image that the engine does not run', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mr-foreign-'));
    try {
      // A program for 64-bit ARM, as far as its first bytes say: ELF, 64 bits, machine 183.
      const program = Buffer.alloc(4096);
      program.write('\x7fELF\x02\x01\x01', 'latin1');
      program.writeUInt16LE(2, 16);
      program.writeUInt16LE(183, 18);
      const rootFolder = join(folder, 'root');
      await mkdir(join(rootFolder, 'bin'), { recursive: true });
      await writeFile(join(rootFolder, 'bin/sh'), program, { mode: 0o755 });
      await run('tar', ['-C', rootFolder, '-cf', join(folder, 'layer.tar'), 'bin']);
      const layer = createHash('sha256').update(await readFile(join(folder, 'layer.tar')));
      const config = {
        ...{ architecture: 'arm64', os: 'linux', config: {} },
        rootfs: { type: 'layers', diff_ids: [`sha256:${layer.digest('hex')}`] },
      };
      const names = { Config: 'config.json', RepoTags: ['foreign:1'], Layers: ['layer.tar'] };
      await writeFile(join(folder, 'config.json'), JSON.stringify(config));
      await writeFile(join(folder, 'manifest.json'), JSON.stringify([names]));
      const files = ['manifest.json', 'config.json', 'layer.tar'];
      await run('tar', ['-C', folder, '-cf', join(folder, 'image.tar'), ...files]);
      await engine.docker('load', '--input', join(folder, 'image.tar'));
    } finally {
      await rm(folder, { recursive: true });
    }
    const execution = await steps(
      `{ image: 'foreign:1', run: 'true', continue_on_error: true }`,
      `{ image: 'foreign:1', platform: linux/arm64, run: 'true', continue_on_error: true }`,
    );
    const [engineRuns] = await server.call<WorkerBody[]>('GET', '/api/workers');
    for (const { reason } of execution.stages[0]?.steps ?? []) {
      expect(reason).toMatchObject({ code: 'image_platform' });
      expect(reason?.message).toContain('linux/arm64');
      expect(reason?.message).toContain(engineRuns?.containers.platform);
    }
  });

  it('gives a container no right, file or network beyond its own', async () => {
    const execution = await steps(
      `grep -E "^(Cap(Eff|Bnd)|NoNewPrivs|Seccomp):" /proc/self/status`,
      `{ run: 'ls /sys/class/net; ! nc -w 1 10.0.0.1 80' }`,
      `{ run: 'ls /millrace; ! ls /var/run/docker.sock; ! ls /workspace/..//root/millrace' }`,
      `{ pids: 20, run: 'n=0; while [ $n -lt 40 ]; do sleep 1 & n=$((n+1)); done 2>&1 || echo refused; wait' , continue_on_error: true }`,
      `{ run: '! mknod /tmp/d b 8 0; ! mount -t tmpfs none /tmp' }`,
    );
    const text = await server.logText(execution.id);
    expect(execution.stages[0]?.steps.map(({ status }) => status)).toEqual([
      'success',
      'success',
      'success',
      'failed',
      'success',
    ]);
    expect(text).toMatch(/NoNewPrivs:\s+1/);
    // Docker's default less NET_RAW (13), MKNOD (27) and AUDIT_WRITE (29).
    const bounding = Number.parseInt(/CapBnd:\s+([0-9a-f]+)/.exec(text)?.[1] ?? '', 16);
    const has = (bit: number): boolean => (Math.floor(bounding / 2 ** bit) & 1) === 1;
    expect([13, 27, 29, 21, 12].map(has)).toEqual([false, false, false, false, false]);
    expect([0, 1, 3, 5, 6, 7, 10].map(has)).toEqual(new Array(7).fill(true));
  });

  it('has a home that it can write, whatever its image says', async () => {
    const execution = await steps(
      `{ user: '4321:4321', run: 'echo "home $HOME"; : >"$HOME/x"' }`,
      `{ user: app, run: 'echo "home $HOME"; : >"$HOME/x"' }`,
    );
    expect(execution.status).toBe('success');
    const log = await server.logText(execution.id);
    expect(log).toContain('home /tmp/millrace-home');
    expect(log).toContain('home /home/app');
  });

  it('reaches no server of the machine', async () => {
    const listener = createServer((socket) => socket.end('reached')).listen(0, '0.0.0.0');
    await once(listener, 'listening');
    try {
      const { port } = listener.address() as AddressInfo;
      const execution = await server.run(`name: c
steps:
  - image: '${STEP_IMAGE}'
    run: 'gateway=$(ip route | sed -n "s/default via \\([0-9.]*\\).*/\\1/p"); echo "by $gateway"; ! nc -w 2 "$gateway" ${port} </dev/null'
`);
      const log = await server.logText(execution.id);
      expect(log).toMatch(/by \d+\.\d+\.\d+\.\d+/);
      expect(log).not.toContain('reached');
      expect(execution.status).toBe('success');
    } finally {
      listener.close();
    }
  });

  it('gives the user of the steps no rights by what root of a container left', async () => {
    // At the same time: between two steps the tree is given to the next user, which clears the bit.
    const execution = await server.run(`name: c
defaults: { image: '${STEP_IMAGE}', network: none }
stages:
  - name: both
    parallel: true
    steps:
      - run: 'until [ -x id ]; do sleep 0.1; done; chown 0:0 id; chmod 4755 id; ls -l id; until [ -e over ]; do sleep 0.1; done'
      - image: none
        run: 'cp /usr/bin/id .; until [ -u id ]; do sleep 0.1; done; echo "as $(./id -u), not $(id -u)"; : >over'
`);
    const text = await server.logText(execution.id);
    expect(text).toContain('-rwsr-xr-x');
    const [, effective, own] = /as (\d+), not (\d+)/.exec(text) ?? [];
    expect(effective).toBe(own);
    expect(Number(effective)).toBeGreaterThan(0);
    expect(execution.status).toBe('success');
  });

  it('ends every process with the step, detached ones too, and passes nothing but the workspace on', async () => {
    const execution = await steps(
      `{ run: 'setsid sleep 987654 >/dev/null 2>&1 & echo left >/tmp/left; echo x >/dev/shm/x' }`,
      `{ run: '! ls /tmp/left; ! ls /dev/shm/x; ps | grep -c sleep.98765 || true' }`,
    );
    expect(execution.status).toBe('success');
    const { stdout } = await run('ps', ['-eo', 'args']);
    expect(stdout).not.toContain('sleep 987654');
  });

  it('ends in time on a cancel, also what ignores TERM', async () => {
    const yaml = `name: c\ndefaults: { image: '${STEP_IMAGE}', network: none }\nsteps: ["trap '' TERM; echo up; while :; do sleep 1; done"]\n`;
    const id = await server.trigger(await server.createPipeline(yaml));
    await eventually(async () => (await server.logText(id)).includes('up') || undefined);
    await server.call('POST', `/api/ci/executions/${id}/cancel`, { reason: 'enough' });
    expect((await server.finished(id)).status).toBe('cancelled');
    await eventually(async () => (await containers()) === '' || undefined);
  });

  it('ends the containers of a killed worker, and runs the execution again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mr-ledger-'));
    try {
      const yaml = `name: c\nretry_count: 1\ndefaults: { image: '${STEP_IMAGE}', network: none }\nsteps:\n  - 'mkdir -p d; touch d/f; chmod 0 d; echo "up $CI_EXECUTION_ATTEMPT"; [ $CI_EXECUTION_ATTEMPT = 2 ] || sleep 600'\n`;
      const id = await server.trigger(await server.createPipeline(yaml));
      await eventually(async () => (await server.logText(id)).includes('up 1') || undefined);
      const [worker] = server.workers;
      await worker?.end('SIGKILL');
      await eventually(async () => (await containers()) === '' || undefined, 20_000);
      await server.startWorker();
      const ended = await server.finished(id, 60_000);
      expect(ended).toMatchObject({ status: 'success', attempt: 2 });
      await eventually(
        async () => (await readdir(join(server.home, 'w'))).length === 0 || undefined,
        30_000,
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('leaves nothing mounted when the last worker is gone', async () => {
    await Promise.all(server.workers.map((worker) => worker.end()));
    expect(await readFile('/proc/self/mounts', 'utf8')).not.toContain(`${server.home}/w`);
    await server.startWorker();
  });

  it('waits, where no worker has an engine, and says so', async () => {
    await Promise.all(server.workers.map((worker) => worker.end()));
    await server.startWorker({ DOCKER_HOST: 'unix:///nowhere/docker.sock' });
    const yaml = `name: c\nsteps: [{ image: '${STEP_IMAGE}', run: 'true' }]\n`;
    const id = await server.trigger(await server.createPipeline(yaml));
    const { queue } = await server.call<{
      readonly queue: { readonly waits_for: readonly { code: string; message: string }[] };
    }>('GET', `/api/ci/executions/${id}/explain`);
    expect(queue.waits_for).toEqual([
      expect.objectContaining({
        code: 'no_worker',
        message: expect.stringContaining('container engine'),
      }),
    ]);
    const workers = await server.call<(WorkerBody & { status: string })[]>('GET', '/api/workers');
    expect(workers.find(({ status }) => status === 'active')?.containers).toMatchObject({
      engine: null,
      reason: expect.stringContaining('docker.sock') as unknown,
    });
    await server.call('POST', `/api/ci/executions/${id}/cancel`, {});
  });
});
