import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AttemptFacts } from '../../../engine/plan/run-state.js';
import type { StepAttempt } from '../../../engine/runtime/step-handler.js';
import type { ContainerAction } from '../../../engine/steps/container/container-action.js';
import {
  type ContainerExit,
  type ContainerSpec,
  EngineAwayError,
  type ImageRefusal,
} from '../../../integrations/container-runtime/container-runtime.js';
import {
  type FakeContainer,
  FakeContainerRuntime,
  type FakeImage,
} from '../../../integrations/container-runtime/fake-container-runtime.js';
import { WorkspaceOwnership } from '../../../workspaces/workspace-ownership.js';
import { CONTAINER_OUTPUT, CONTAINER_TOLD } from './container-files.js';
import { ContainerStepHandler } from './container-step.handler.js';
import { RegistryAccess } from './registry-access.js';
import { RunImages } from './run-images.js';
import { StepAdditions } from './step-additions.js';
import { StepHost } from './step-environment.js';

const action: ContainerAction = {
  kind: 'container',
  image: 'app:1',
  shell: 'sh',
  commands: ['do it'],
};
const REFERENCE = 'docker.io/library/app:1';
const exited = (exitCode: number, outOfMemory = false): ContainerExit => ({
  kind: 'exited',
  exitCode,
  outOfMemory,
});
const never = new Promise<ContainerExit>(() => undefined);

/** Writes into what is mounted at a path, as the container would. */
const writes =
  (target: string, text: string) =>
  ({ mounts }: ContainerSpec): void => {
    const mount = mounts.find((one) => one.target === target);
    if (mount === undefined) throw new Error(`nothing is mounted at ${target}`);
    writeFileSync(mount.source, text);
  };
const tells = (letter: string) => writes(CONTAINER_TOLD, letter);

describe('ContainerStepHandler', () => {
  let root: string;
  let abort: AbortController;
  let told: string[];
  let pauses: number[];
  let runtime: FakeContainerRuntime;
  let additions: StepAdditions;
  let access: RegistryAccess;
  let allowed: readonly string[] | undefined;
  const networks = new Map<string, string>();

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mr-container-step-'));
    abort = new AbortController();
    told = [];
    pauses = [];
    additions = new StepAdditions();
    access = RegistryAccess.none;
    allowed = undefined;
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function make(
    script: FakeContainer | ((spec: ContainerSpec) => FakeContainer),
    image: FakeImage | ImageRefusal = {},
  ): ContainerStepHandler {
    const directory = join(root, 'directory');
    const workspace = { root, directory, home: '', temporary: '', owner: undefined };
    runtime = new FakeContainerRuntime(
      new Map([[REFERENCE, image]]),
      typeof script === 'function' ? script : () => script,
    );
    const output = {
      open: (_address: unknown, stream: string) => ({
        write: (bytes: Buffer): true => {
          told.push(`${stream} ${bytes.toString()}`);
          return true;
        },
        end: () => undefined,
      }),
      systemLine: (_address: unknown, text: string) => told.push(`system ${text}`),
    };
    const ownership = new WorkspaceOwnership(workspace, undefined);
    const host = new StepHost(workspace);
    const images = new RunImages(runtime, 'g', access, allowed);
    const sidecars = { networkOf: (stage: string) => networks.get(stage) };
    return new ContainerStepHandler(
      ...([runtime, images, workspace, ownership, 'g', output, host] as const),
      ...([sidecars, additions] as const),
      async (ms) => {
        pauses.push(ms);
        await new Promise((resolve) => setImmediate(resolve));
      },
    );
  }

  function attempt(
    changes: Partial<ContainerAction> = {},
    outputs: readonly string[] = [],
  ): StepAttempt<ContainerAction> {
    return {
      address: { stage: 's', step: 'x', attempt: 1 },
      action: { ...action, ...changes },
      environment: { CI: 'true' },
      outputs,
    };
  }
  const progress = {
    begin: (phase: string) => void told.push(`phase ${phase}`),
    tell: ({ image }: AttemptFacts) => void told.push(`image ${image?.digest}`),
  };
  const run = (
    script: FakeContainer,
    changes: Partial<ContainerAction> = {},
    image: FakeImage | ImageRefusal = {},
  ) => make(script, image).run(attempt(changes), abort.signal, progress);

  it('tells its parts in their order, and the digest of its image', async () => {
    const script = { stdout: ['hello\n'], exit: exited(0) };
    const image = { isRemote: true, digest: 'sha256:d' };
    expect(await run(script, {}, image)).toEqual({ kind: 'success', exitCode: 0, outputs: {} });
    expect(told).toEqual([
      'phase pull',
      `system pulling ${REFERENCE}`,
      'system pulled app:1: sha256:d',
      'image sha256:d',
      'phase ready',
      'phase command',
      'stdout hello\n',
    ]);
  });

  it('gives the container the workspace, its limits and nothing else', async () => {
    await run({ exit: exited(0) }, { cpus: 1.5, memory: 64, network: 'none', user: '7:8' });
    expect(runtime.started).toEqual([
      expect.objectContaining({
        group: 'g',
        // Not its name, which may mean another one meanwhile.
        imageId: `id-of-${REFERENCE}`,
        user: '7:8',
        network: 'none',
        limits: { cpus: 1.5, memory: 64, pids: 4096, shmSize: 256 * 1024 ** 2 },
        environment: { CI: 'true' },
        directory: '/workspace',
        mounts: [
          { source: join(root, 'directory'), target: '/workspace' },
          { source: join(root, 'container-1/output'), target: CONTAINER_OUTPUT },
          { source: join(root, 'container-1/told'), target: CONTAINER_TOLD },
        ],
      }),
    ]);
    expect(readdirSync(root)).toEqual([]);
  });

  it('joins the network of the sidecars of its stage, unless it wants none', async () => {
    networks.set('s', 'of-run');
    await run({ exit: exited(0) });
    expect(runtime.started[0]?.network).toEqual({ name: 'of-run' });
    await run({ exit: exited(0) }, { network: 'none' });
    expect(runtime.started[0]?.network).toBe('none');
    networks.clear();
    await run({ exit: exited(0) });
    expect(runtime.started[0]?.network).toBe('steps');
  });

  it('waits while the engine has no address for its network, and says so once', async () => {
    const handler = make({ exit: exited(0) });
    runtime.networksRefused = 2;
    expect(await handler.run(attempt(), abort.signal, progress)).toMatchObject({ kind: 'success' });
    expect(told.filter((line) => line.includes('Waits for a network'))).toHaveLength(1);
    expect(pauses).toEqual([2_000, 2_000]);
    runtime.networksRefused = 1;
    await handler.run(attempt({ network: 'none' }), abort.signal, progress);
    expect(pauses).toHaveLength(2);
  });

  it('does not wait for its network once it is stopped', async () => {
    const handler = make({ exit: exited(0) });
    runtime.networksRefused = Infinity;
    const ended = handler.run(attempt(), abort.signal, progress);
    setImmediate(() => abort.abort(new Error('stopped')));
    expect(await ended).toEqual({ kind: 'aborted' });
    expect(runtime.started).toEqual([]);
  });

  it('mounts what the try was given besides, once', async () => {
    const given = { source: join(root, 'cache-npm'), target: '/millrace/cache/npm' };
    additions.set({ stage: 's', step: 'x', attempt: 1 }, { mounts: [given], options: [] });
    await run({ exit: exited(0) });
    // `run` has made additions of its own for the next one.
    expect(additions.take({ stage: 's', step: 'x', attempt: 1 }).mounts).toEqual([]);
  });

  it('keeps the options that an image has set, in front of those that are added', async () => {
    const environment = { GOFLAGS: ' -mod=mod ', PATH: '/go/bin', MAVEN_OPTS: ' ' };
    const handler = make({ exit: exited(0) }, { environment });
    additions.set(attempt().address, { mounts: [], options: ['GOFLAGS', 'MAVEN_OPTS'] });
    const own = { GOFLAGS: '-modcacherw', MAVEN_OPTS: '-Dx=1', PATH: '/own' };
    const progress = { begin: () => undefined, tell: () => undefined };
    await handler.run({ ...attempt(), environment: own }, abort.signal, progress);
    expect({ ...runtime.started[0]?.environment }).toEqual({
      ...own,
      GOFLAGS: '-mod=mod -modcacherw',
    });
  });

  it('mounts a long script, read-only', async () => {
    await run({ exit: exited(0) }, { commands: ['x'.repeat(100_000)] });
    const mounts = runtime.started[0]?.mounts ?? [];
    expect(mounts.find(({ target }) => target === '/millrace/script')).toMatchObject({
      readOnly: true,
    });
  });

  it('reads what the step set', async () => {
    const does = writes(CONTAINER_OUTPUT, 'version=3\n');
    const handler = make({ exit: exited(0), does });
    expect(await handler.run(attempt({}, ['version']), abort.signal, progress)).toMatchObject({
      kind: 'success',
      outputs: { version: '3' },
    });
  });

  it('runs all steps of an execution in what the name led to first', async () => {
    const handler = make({ exit: exited(0) }, { isRemote: true });
    await handler.run(attempt({ pull: 'always' }), abort.signal, progress);
    await handler.run(attempt({ pull: 'always' }), abort.signal, progress);
    expect(runtime.asked).toHaveLength(1);
  });

  it('logs in at the registry of the image, and at no other', async () => {
    const logins = [
      { registry: 'docker.io', username: 'USER', password: 'PASSWORD' },
      { registry: 'ghcr.io', username: 'OTHER', password: 'OTHER' },
    ];
    access = new RegistryAccess(logins, { USER: 'me', PASSWORD: 'word\n', OTHER: 'x' });
    await run({ exit: exited(0) });
    expect(runtime.asked[0]?.login).toEqual({ username: 'me', password: 'word' });
    await run({ exit: exited(0) }, { image: 'quay.io/app' });
    expect(runtime.asked[0]?.login).toBeUndefined();
  });

  it('takes images from no registry but those that the operator allows', async () => {
    allowed = ['registry.example:5000'];
    expect(await run({ exit: exited(0) })).toMatchObject({
      kind: 'failed',
      isFinal: true,
      reason: { code: 'registry_refused' },
    });
    expect(runtime.asked).toEqual([]);
    allowed = ['docker.io'];
    expect(await run({ exit: exited(0) })).toMatchObject({ kind: 'success' });
  });

  const SHELL_MISSING = {
    code: 'shell_missing',
    message: 'app:1 has no /bin/sh, which runs the commands',
  };
  it.each([
    [{ PATH: '/go/bin' }, undefined, '/opt/a:/workspace/bin:/go/bin'],
    [
      {},
      undefined,
      '/opt/a:/workspace/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ],
    [{ PATH: '/go/bin' }, '/own', '/opt/a:/workspace/bin:/own'],
  ])(
    'puts folders in front of the PATH of the image %p, or of its own',
    async (ofImage, own, PATH) => {
      const handler = make({ exit: exited(0) }, { environment: ofImage });
      const { environment } = attempt();
      const given = {
        ...environment,
        CI_WORKSPACE: '/workspace',
        ...(own !== undefined && { PATH: own }),
      };
      const asked = { ...attempt({ path: ['/opt/a', 'bin'] }), environment: given };
      await handler.run(asked, abort.signal, progress);
      expect(runtime.started[0]?.environment).toMatchObject({ PATH });
    },
  );

  it.each([
    [127, 'exit code 127 (its program, or one that it starts, is not in the image)'],
    [126, 'exit code 126 (its program, or one that it starts, cannot be run)'],
  ])('without commands it tells what exit code %i means', async (exitCode, message) => {
    const reason = { code: 'exit_code', message, data: { exit_code: exitCode } };
    const end = await run({ exit: exited(exitCode) }, { commands: [] });
    expect(end).toMatchObject({ kind: 'failed', exitCode, reason });
    expect(await run({ exit: exited(1) }, { commands: [] })).not.toHaveProperty('reason');
  });

  it.each([
    [exited(4), 'b', { kind: 'failed', exitCode: 4 }],
    [
      exited(127),
      'b',
      {
        kind: 'failed',
        exitCode: 127,
        reason: {
          code: 'exit_code',
          data: { path: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
        },
      },
    ],
    [exited(127), '', { kind: 'failed', reason: SHELL_MISSING }],
    [
      exited(127),
      's',
      { kind: 'failed', reason: { code: 'shell_missing', data: { shell: 'sh' } } },
    ],
    [exited(126), 'm', { kind: 'failed', reason: { code: 'working_directory_missing' } }],
    [exited(126), 'o', { kind: 'failed', reason: { code: 'working_directory_outside' } }],
    [exited(137, true), 'b', { kind: 'failed', reason: { code: 'out_of_memory' } }],
    [exited(1, true), 'b', { kind: 'failed', reason: { code: 'out_of_memory' } }],
    [exited(0, true), 'b', { kind: 'success' }],
    [
      { kind: 'lost', message: 'm' },
      'b',
      { kind: 'infrastructure', reason: { code: 'container_lost' } },
    ],
    [
      { kind: 'not_started', why: 'program', message: 'm' },
      '',
      { kind: 'failed', isFinal: true, reason: { code: 'program_missing' } },
    ],
    [
      { kind: 'not_started', why: 'user', message: 'm' },
      '',
      { kind: 'failed', isFinal: true, reason: { code: 'user_missing' } },
    ],
    [
      { kind: 'not_started', why: 'other', message: 'm' },
      '',
      { kind: 'infrastructure', reason: { code: 'container_not_started' } },
    ],
  ] as const)('%j after the letter "%s"', async (exit, letter, outcome) => {
    expect(await run({ exit, does: tells(letter) })).toMatchObject(outcome);
  });

  it('tells of a process that was ended for want of memory, also when the step continued', async () => {
    const line = /^system it needed more memory than its limit of 64 B:/;
    await run({ exit: exited(0, true), does: tells('b') }, { memory: 64 });
    expect(told).toContainEqual(expect.stringMatching(line));
    told = [];
    await run({ exit: exited(0), does: tells('b') }, { memory: 64 });
    expect(told).not.toContainEqual(expect.stringMatching(line));
  });

  it.each([
    ['image_missing', 'failed'],
    ['image_unauthorized', 'failed'],
    ['image_platform', 'failed'],
    ['pull_stalled', 'infrastructure'],
    ['pull_failed', 'infrastructure'],
  ] as const)('is, for want of an image by %s, %s', async (code, kind) => {
    const outcome = await run({ exit: exited(0) }, {}, { code, message: 'm' });
    expect(outcome).toMatchObject({ kind, reason: { code, data: { image: 'app:1' } } });
    expect(runtime.started).toEqual([]);
  });

  it('runs no image of ours by its name on the engine, which an expression may come to', async () => {
    const outcome = await run({ exit: exited(0) }, { image: 'millrace.invalid/built:1' });
    expect(outcome).toMatchObject({ kind: 'failed', reason: { code: 'image_missing' } });
    expect(runtime.started).toEqual([]);
  });

  it('names both platforms where the shell of an image of another one says nothing', async () => {
    const foreign = { platform: 'linux/arm64' };
    const silent = { exit: exited(255), does: tells('') };
    expect(await run(silent, {}, foreign)).toEqual({
      kind: 'failed',
      isFinal: true,
      reason: {
        code: 'image_platform',
        message: expect.stringMatching(/linux\/arm64.*linux\/amd64/) as unknown,
        data: { image: 'app:1' },
      },
    });
    // The engine emulates it: the shell has spoken.
    const spoke = { exit: exited(255), does: tells('b') };
    expect(await run(spoke, {}, foreign)).toMatchObject({ kind: 'failed', exitCode: 255 });
    expect(await run(silent)).toMatchObject({ kind: 'failed', exitCode: 255 });
  });

  it('refuses a user that the image does not have, before anything is started', async () => {
    const outcome = await run({ exit: exited(0) }, { user: 'ghost' });
    expect(outcome).toMatchObject({ kind: 'failed', reason: { code: 'user_missing' } });
    expect(runtime.started).toEqual([]);
  });

  it('runs what the image runs by itself, if it says something', async () => {
    const none = await run({ exit: exited(0) }, { commands: [] }, { hasProgram: false });
    expect(none).toMatchObject({ kind: 'failed', reason: { code: 'program_missing' } });
    await run({ exit: exited(0) }, { commands: [], workingDirectory: 'sub' });
    expect(runtime.started).toMatchObject([{ directory: '/workspace/sub' }]);
    expect(runtime.started[0]).toMatchObject({ entrypoint: undefined });
    expect(runtime.started[0]).not.toHaveProperty('command');
  });

  it('names an entrypoint that the image does not have', async () => {
    const changes = { entrypoint: ['tini'] };
    const outcome = await run({ exit: exited(127), does: tells('') }, changes);
    expect(outcome).toMatchObject({
      reason: { code: 'program_missing', data: { program: 'tini' } },
    });
    expect(runtime.started[0]?.command?.[0]).toBe('/bin/sh');
  });

  it('ends its container when it is stopped, and is aborted then', async () => {
    const outcome = make({ stdout: ['up\n'], exit: never }).run(attempt(), abort.signal, {
      ...progress,
      begin: (phase) => void (phase === 'command' && abort.abort()),
    });
    expect(await outcome).toMatchObject({ kind: 'aborted', exitCode: 143 });
  });

  it('starts nothing when it was stopped before', async () => {
    abort.abort(new Error('stopped'));
    expect(await run({ exit: exited(0) }, {}, { isRemote: true })).toEqual({ kind: 'aborted' });
    expect(runtime.started).toEqual([]);
  });

  it('says in the log that the engine went away', async () => {
    const handler = make({ exit: never });
    const end = handler.run(attempt(), abort.signal, {
      ...progress,
      begin: (phase) => void (phase === 'command' && setImmediate(() => runtime.loseAll('killed'))),
    });
    expect(await end).toMatchObject({ kind: 'infrastructure', reason: { code: 'container_lost' } });
    expect(told).toContainEqual(expect.stringContaining('system The container engine went away'));
  });

  it('is a failure of the platform when no engine answers', async () => {
    const handler = make(() => {
      throw new EngineAwayError('ECONNREFUSED');
    });
    expect(await handler.run(attempt(), abort.signal, progress)).toMatchObject({
      kind: 'infrastructure',
      reason: { code: 'engine_away' },
    });
    expect(readdirSync(root)).toEqual([]);
  });
});
