import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MaskSet } from '../../../common/redaction/mask-set.js';
import { nameRecord } from '../../../common/values/name-record.js';
import type { AttemptFacts } from '../../../engine/plan/run-state.js';
import type { StepAttempt } from '../../../engine/runtime/step-handler.js';
import type { BuildAction } from '../../../engine/steps/build/build-action.js';
import { EngineAwayError } from '../../../integrations/container-runtime/container-runtime.js';
import { FakeImageBuilder } from '../../../integrations/container-runtime/fake-image-builder.js';
import { AbsentBuilder } from '../../../integrations/container-runtime/image-builder.js';
import {
  FakeProcessRunner,
  type FakeScript,
} from '../../../integrations/process/fake-process-runner.js';
import type { ProcessExit, ProcessSpec } from '../../../integrations/process/process-runner.js';
import { BuildStepHandler, type BuildTools } from './build-step.handler.js';
import { BuiltNames } from './built-names.js';
import { RegistryAccess } from './registry-access.js';
import { StepHost } from './step-environment.js';

const SECRET = 'secret-value';
const done: ProcessExit = { kind: 'exited', exitCode: 0 };
const REGISTRIES = [{ registry: 'r.example', username: 'USER', password: 'PASSWORD' }];
const LOGINS = nameRecord([
  ['USER', 'me'],
  ['PASSWORD', 'pass'],
]);

describe('BuildStepHandler', () => {
  let root: string;
  let abort: AbortController;
  let told: string[];
  let processes: FakeProcessRunner;
  let builder: FakeImageBuilder;
  let built: BuiltNames;
  /** Files of the build's folder, while the builder ran. */
  let seen: Map<string, string>;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mr-build-step-'));
    mkdirSync(join(root, 'workspace'));
    writeFileSync(join(root, 'workspace/Dockerfile'), 'FROM scratch');
    abort = new AbortController();
    told = [];
    builder = new FakeImageBuilder();
    built = new BuiltNames();
    seen = new Map();
  });
  afterEach(() => {
    expect(readdirSync(root)).toEqual(['workspace']);
    rmSync(root, { recursive: true });
  });

  const look = ({ cwd }: ProcessSpec): void => {
    for (const path of readdirSync(cwd, { recursive: true, withFileTypes: true })) {
      const file = join(path.parentPath, path.name);
      if (path.isFile()) seen.set(file.slice(cwd.length + 1), readFileSync(file, 'utf8'));
    }
  };
  const run = (
    action: Partial<BuildAction> = {},
    { script = { exit: done }, ...tools }: Partial<BuildTools> & { script?: FakeScript } = {},
    environment: Readonly<Record<string, string>> = { TOKEN: SECRET, CI_COMMIT: 'abc' },
  ) => {
    processes = new FakeProcessRunner((spec) => {
      look(spec);
      writeFileSync(join(spec.cwd, 'image-id'), 'sha256:told\n');
      return script;
    });
    const workspace = {
      root,
      directory: join(root, 'workspace'),
      home: '',
      temporary: '',
      owner: undefined,
    };
    const output = {
      open: () => ({
        write: (bytes: Buffer): true => {
          told.push(bytes.toString());
          return true;
        },
        end: () => undefined,
      }),
      systemLine: (_address: unknown, text: string) => void told.push(`system ${text}`),
    };
    const handler = new BuildStepHandler({
      ...{ processes, builder, workspace, output, built, group: 'g', allowed: undefined },
      access: new RegistryAccess(REGISTRIES, LOGINS),
      masks: MaskSet.from([SECRET]),
      host: new StepHost(workspace),
      ownership: { asServer: (work) => work() },
      ...tools,
    });
    const attempt: StepAttempt<BuildAction> = {
      address: { stage: 's', step: 'x', attempt: 1 },
      action: { kind: 'build', context: '.', ...action },
      environment,
      outputs: ['image', 'digest'],
    };
    const progress = {
      begin: (phase: string) => void told.push(`phase ${phase}`),
      tell: ({ image }: AttemptFacts) => void told.push(`image ${image?.name} ${image?.digest}`),
    };
    return handler.run(attempt, abort.signal, progress);
  };

  it('tells its parts, what the builder prints, and what came of it', async () => {
    const script = { stdout: ['#1 building\n'], exit: done };
    expect(await run({ tags: ['app:1'] }, { script })).toEqual({
      kind: 'success',
      exitCode: 0,
      outputs: { image: 'sha256:id' },
    });
    expect(told).toEqual([
      'phase ready',
      'phase command',
      '#1 building\n',
      'image app:1 sha256:id',
    ]);
    expect(built.get('docker.io/library/app:1')).toMatchObject({ id: 'sha256:id' });
    expect(builder.kept).toEqual(['sha256:told g']);
    expect(builder.pushed).toEqual([]);
  });

  it('gives the builder a copy, log-ins and secrets in files, and nothing of the step', async () => {
    await run({ secrets: ['TOKEN', 'GONE'], labels: { a: 'b' } });
    expect([...seen.keys()].sort()).toEqual([
      ...['config/config.json', 'context/Dockerfile', 'secrets/TOKEN'],
    ]);
    expect(seen.get('secrets/TOKEN')).toBe(SECRET);
    expect(seen.get('config/config.json')).toContain('"r.example"');
    const [spec] = processes.started;
    expect(spec).toMatchObject({
      group: 'g',
      asServer: true,
      mergeOutput: true,
      cwd: join(root, 'build-1'),
    });
    expect(spec?.args).toEqual(
      expect.arrayContaining([
        ...['--label=a=b', '--label=own=g', '--iidfile=image-id'],
        ...['--label=org.opencontainers.image.revision=abc', '--secret=id=TOKEN,src=secrets/TOKEN'],
      ]),
    );
    // BuildKit prints a name, and any Dockerfile could begin with it.
    expect(spec?.args.join(' ')).not.toMatch(/GONE|--pull|--tag/);
    expect(JSON.stringify(spec)).not.toContain(SECRET);
    expect(Object.keys(spec?.environment ?? {})).not.toContain('TOKEN');
    expect(told).toContain('system the secret GONE is not for such a run');
  });

  it('asks the registries where images lie that were fetched with a log-in', async () => {
    builder.mustAsk = true;
    await run();
    expect(processes.started[0]?.args).toContain('--pull');
  });

  it('pushes every tag, each with the log-in of its host alone', async () => {
    const outcome = await run({ tags: ['r.example/a:1', 'other.example/a'], push: true });
    expect(outcome).toMatchObject({ outputs: { image: 'sha256:id', digest: 'sha256:pushed' } });
    expect(builder.pushed).toEqual([
      {
        image: 'sha256:id',
        reference: 'r.example/a:1',
        login: { username: 'me', password: 'pass' },
      },
      { image: 'sha256:id', reference: 'other.example/a:latest', login: undefined },
    ]);
    expect(told).toContain('image r.example/a:1 sha256:pushed');
    expect(built.get('other.example/a:latest')?.digest).toBe('sha256:pushed');
  });

  it.each([
    ['image_unauthorized', { kind: 'failed', isFinal: true }],
    ['push_failed', { kind: 'infrastructure' }],
  ] as const)('tells that it was built and not pushed: %s', async (code, expected) => {
    builder.push = () => Promise.resolve({ kind: 'refused', code, message: 'no' });
    const outcome = await run({ tags: ['a'], push: true });
    expect(outcome).toMatchObject({ ...expected, reason: { code, data: { image: 'a' } } });
    expect(built.get('docker.io/library/a:latest')).toBeUndefined();
  });

  it.each<[string, Partial<BuildAction>]>([
    ['image_invalid', { tags: ['A b'] }],
    ['image_invalid', { tags: [`a@sha256:${'0'.repeat(64)}`] }],
    ['image_invalid', { cacheFrom: ['--x'] }],
    ['image_invalid', { tags: ['millrace.invalid/built:1'], push: true }],
    ['image_invalid', { cacheFrom: ['millrace.invalid/built:1'] }],
    ['registry_refused', { tags: ['evil.example/a'], push: true }],
    ['registry_refused', { cacheFrom: ['evil.example/a'] }],
    ['secret_in_args', { args: { A: `x${SECRET}` } }],
    ['secret_in_args', { labels: { a: Buffer.from(SECRET).toString('base64') } }],
    ['context_missing', { context: 'nothing' }],
    ['dockerfile_missing', { dockerfile: 'Nothing' }],
  ])('begins no build: %s', async (code, action) => {
    const outcome = await run(action, { allowed: ['r.example'] });
    expect(outcome).toMatchObject({ kind: 'failed', isFinal: true, reason: { code } });
    expect(processes.started).toEqual([]);
  });

  it('asks no registry for what is not pushed', async () => {
    const outcome = await run({ tags: ['evil.example/a'] }, { allowed: ['r.example'] });
    expect(outcome).toMatchObject({ kind: 'success' });
  });

  it('says why nothing builds here', async () => {
    const outcome = await run({}, { builder: new AbsentBuilder('there is no docker') });
    expect(outcome).toMatchObject({
      reason: { code: 'builder_missing', message: 'no images are built: there is no docker' },
    });
  });

  it.each<[string, string, FakeScript]>([
    ['failed', 'build_failed', { stdout: ['ERROR: no\n'], exit: { kind: 'exited', exitCode: 1 } }],
    ['infrastructure', 'process_lost', { exit: { kind: 'lost', message: 'gone' } }],
    ['infrastructure', 'process_lost', { exit: { kind: 'signalled', signal: 'SIGKILL' } }],
    ['infrastructure', 'not_started', { exit: { kind: 'not_started', code: 'E', message: 'm' } }],
  ])('a build that ends otherwise is %s: %s', async (kind, code, script) => {
    expect(await run({ tags: ['a'] }, { script })).toMatchObject({ kind, reason: { code } });
    expect(built.get('docker.io/library/a:latest')).toBeUndefined();
  });

  it('tells of a base that was built and not pushed, and of no other', async () => {
    const script: FakeScript = {
      stdout: [' > [internal] load metadata for docker.io/library/own:1:\nERROR: not found\n'],
      exit: { kind: 'exited', exitCode: 1 },
    };
    const told = { message: expect.stringContaining('push it first') as unknown };
    const failing = async () => run({}, { script });
    expect(await failing()).not.toMatchObject({ reason: told });
    await run({ tags: ['own:1'] });
    expect(await failing()).toMatchObject({ isFinal: true, reason: told });
    await run({ tags: ['own:1'], push: true });
    expect(await failing()).not.toMatchObject({ reason: told });
  });

  it('takes no image that lacks our labels: nobody would know it as built here', async () => {
    builder.kind = 'unlabelled';
    const outcome = await run({ tags: ['r.example/a'], push: true });
    expect(outcome).toMatchObject({
      kind: 'failed',
      isFinal: true,
      reason: { code: 'build_failed' },
    });
    expect(builder.pushed).toEqual([]);
  });

  it('blames no step for an engine that is away, or has lost the image', async () => {
    builder.kind = 'gone';
    expect(await run()).toMatchObject({ kind: 'infrastructure', reason: { code: 'image_lost' } });
    builder.mustAskRegistries = () => Promise.reject(new EngineAwayError('away'));
    expect(await run()).toMatchObject({ kind: 'infrastructure', reason: { code: 'engine_away' } });
  });

  it('ends the builder when it is cancelled, at whatever moment', async () => {
    const never = new Promise<ProcessExit>(() => undefined);
    const running = run({}, { script: { exit: never } });
    while (processes.started.length === 0) await new Promise((resolve) => setImmediate(resolve));
    abort.abort(new Error('enough'));
    expect(await running).toEqual({ kind: 'aborted' });
    expect(processes.killed).toHaveLength(1);
    expect(await run()).toEqual({ kind: 'aborted' });
    abort = new AbortController();
    builder.push = () => {
      abort.abort(new Error('enough'));
      return Promise.reject(abort.signal.reason as Error);
    };
    expect(await run({ tags: ['a'], push: true })).toEqual({ kind: 'aborted' });
  });
});
