import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { standIn } from '../../../../test/support/stand-in.js';
import { PACK_LIMITS } from '../../../common/archive/archive.fixture.js';
import type { RunContext } from '../../../engine/plan/plan.js';
import type { RunState } from '../../../engine/plan/run-state.js';
import type {
  StepAttempt,
  StepOutcome,
  StepProgress,
} from '../../../engine/runtime/step-handler.js';
import type {
  ContainerDeploy,
  DeployAction,
  DirectoryDeploy,
  ServiceDeploy,
} from '../../../engine/steps/deploy/deploy-action.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import type { StepAnswer } from '../../record/suspension.js';
import { DeployStepHandler } from './deploy-step.handler.js';
import type { FoundFolder } from './deploy-hints.js';
import {
  type DeployedImage,
  Deployer,
  type DeployFindings,
  type DeployRequest,
} from './deployer.js';
import { RunApprovals } from './run-approvals.js';
import { type FoundStart, StartCommands } from './start-commands.js';
import type { TakenSecret } from '../../../secrets/store/taken-secret.js';

const NEVER = new AbortController().signal;
const ACTION: ServiceDeploy = {
  ...{ kind: 'deploy', type: 'local_service', service: 'api', environment: 'default', keep: 3 },
  ...{ source: '.', portVariable: 'PORT', published: { address: '::' }, drainMs: 7 },
  ...{ variables: { MODE: 'live' }, secrets: ['PASSWORD'] },
  gate: { status: { from: 200, to: 299 }, timeoutMs: 1, stableMs: 0 },
};

class Deployed extends Deployer {
  readonly requests: DeployRequest[] = [];
  deploy(request: DeployRequest): Promise<StepOutcome> {
    this.requests.push(request);
    return Promise.resolve({ kind: 'success', exitCode: 0 });
  }
  programs(): readonly unknown[] {
    return this.requests.map(({ subject }) => 'found' in subject && subject.found.program);
  }
}

class Starts extends StartCommands {
  readonly asked: string[] = [];
  found: FoundStart = { kind: 'found', command: 'npm start', file: 'package.json', line: 3 };
  find(_root: string, folder: string): Promise<FoundStart> {
    this.asked.push(folder);
    return Promise.resolve(this.found);
  }
}

function foundIn(request: DeployRequest | undefined): DeployFindings | undefined {
  const { subject } = request ?? {};
  return subject && 'found' in subject ? subject.found : undefined;
}

describe('a step that deploys', () => {
  let base: string;
  let directory: string;
  let deployed: Deployed;
  let starts: Starts;
  let output: FoundFolder;
  let image: DeployedImage | StepOutcome;
  let said: string[];
  let answers: StepAnswer[];
  let before: Pick<RunState, 'stages'> | undefined;
  let taken: readonly TakenSecret[] | undefined;

  beforeEach(() => {
    [answers, before, taken] = [[], undefined, undefined];
    base = mkdtempSync(join(tmpdir(), 'deploy-step-'));
    directory = join(base, 'workspace');
    mkdirSync(join(directory, 'api'), { recursive: true });
    [deployed, starts, said] = [new Deployed(), new Starts(), []];
    output = { kind: 'found', folder: 'api', from: 'api/index.html' };
    image = { kind: 'aborted' };
  });
  afterEach(() => rmSync(base, { recursive: true }));

  const run = (
    action: Partial<ServiceDeploy> | DirectoryDeploy | ContainerDeploy,
    environment: Readonly<Record<string, string>> = { PASSWORD: 'secret' },
    signal = NEVER,
  ): Promise<StepOutcome> =>
    new DeployStepHandler(
      ...([deployed, starts, standIn<RunContext>({ trigger: { event: 'push' } })] as const),
      standIn<Workspace>({ directory, root: base }),
      { asServer: (work) => work() },
      { systemLine: (_address, line) => void said.push(line) },
      { of: () => Promise.resolve(image) },
      { output: () => Promise.resolve(output) },
      { maskText: (text) => text },
      new RunApprovals(answers, before),
      taken,
    ).run(
      standIn<StepAttempt<DeployAction>>({
        action: { ...ACTION, ...action },
        address: { stage: 'main', step: 'ship', attempt: 1 },
        environment,
      }),
      signal,
      standIn<StepProgress>({ tell: () => undefined }),
    );

  it('hands on what is run, with the values of its secrets', async () => {
    await run({ run: ['node', 'a.js'] });
    expect(deployed.programs()).toEqual([
      { command: ['node', 'a.js'], variables: { MODE: 'live', PASSWORD: 'secret' } },
    ]);
    expect(starts.asked).toEqual([]);
    expect(await run({ run: 'x' }, {})).toMatchObject({ reason: { code: 'secret_withheld' } });
  });

  it('says which secrets the run was given, with what is run', async () => {
    await run({ run: 'x' });
    expect(foundIn(deployed.requests[0])).not.toHaveProperty('taken');
    taken = [{ name: 'PASSWORD', secret_id: 'global:PASSWORD', set_at: new Date(7) }];
    image = { image: standIn({}), name: 'shop:1', port: 80, gate: ACTION.gate, detected: [] };
    await run({ run: 'x' });
    await run({});
    await run({
      ...{ kind: 'deploy', type: 'docker_container', service: 'shop', environment: 'default' },
      ...{ keep: 3, source: '.', published: { address: '::' }, drainMs: 7, limits: {} },
      ...{ variables: {}, secrets: [], gate: ACTION.gate },
    });
    const found = deployed.requests.slice(1).map((one) => foundIn(one)?.taken);
    expect(found).toEqual([taken, taken, taken]);
  });

  it('looks for what is run in its source, where it does not say that', async () => {
    for (const source of ['.', './api/', 'api']) await run({ source });
    expect(starts.asked).toEqual(['', 'api', 'api']);
    expect(deployed.programs()[0]).toMatchObject({
      ...{ command: 'npm start', commandFrom: 'package.json' },
    });
  });

  it('deploys nothing where nothing says what is run', async () => {
    starts.found = { kind: 'unknown', why: 'it may be both.' };
    expect(await run({})).toMatchObject({
      ...{ kind: 'failed', isFinal: true },
      reason: { code: 'start_command_unknown', message: expect.stringContaining('both') as string },
    });
    expect(await run({ source: '../x' })).toMatchObject({
      reason: { code: 'start_command_unknown' },
    });
    expect([starts.asked, deployed.requests]).toEqual([[''], []]);
  });

  it('takes files of the workspace alone, wherever links lead', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'outside-'));
    writeFileSync(join(outside, 'passwd'), 'x');
    writeFileSync(join(directory, 'api/server.js'), 'listen()');
    symlinkSync(outside, join(directory, 'out'));
    symlinkSync('api', join(directory, 'in'));
    symlinkSync(join(outside, 'passwd'), join(directory, 'api/led'));
    const packed = async (source: string): Promise<unknown> => {
      deployed.requests.length = 0;
      await run({ run: 'x', source });
      const paths: string[] = [];
      const onFile = ({ path }: { readonly path: string }): void => void paths.push(path);
      const request = { exclude: [], limits: PACK_LIMITS, onFile };
      const files = foundIn(deployed.requests[0])?.files;
      await files?.packed(request, NEVER, ({ stream }) => finished(stream.resume()));
      return paths;
    };
    try {
      expect(await packed('api')).toEqual(['server.js']);
      expect(await packed('in')).toEqual(['server.js']);
      for (const source of ['out', 'in/../out', '..', '../outside', 'api/../..', outside]) {
        await expect(packed(source)).rejects.toMatchObject({ code: 'source_outside' });
      }
      await expect(packed('nothing')).rejects.toMatchObject({ code: 'source_missing' });
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  it('is aborted while it looks', async () => {
    starts.found = { kind: 'unknown', why: 'the server stops.' };
    expect(await run({}, { PASSWORD: 'x' }, AbortSignal.abort())).toEqual({ kind: 'aborted' });
  });

  it('tells which file says what is run, and why its type was chosen', async () => {
    await run({ chosen: 'local_service, because config has run' });
    expect(said).toEqual([
      'it is deployed as local_service, because config has run',
      'found: run "npm start": package.json:3',
    ]);
    expect(foundIn(deployed.requests[0])?.detected).toEqual(['run "npm start": package.json:3']);
  });

  it('deploys the folder that one file names, and refuses to guess', async () => {
    const folder: DirectoryDeploy = {
      ...{ kind: 'deploy', type: 'local_directory', service: 'site', environment: 'default' },
      ...{ path: '/srv/site', keep: 3, source: undefined },
    };
    await run(folder);
    expect(foundIn(deployed.requests[0])?.detected).toEqual(['source api: api/index.html']);
    await run({ ...folder, source: 'api' });
    expect(foundIn(deployed.requests[1])?.detected).toBeUndefined();
    output = { kind: 'unknown', why: 'it may be "dist", but no file says so.' };
    expect(await run(folder)).toMatchObject({
      ...{ kind: 'failed', isFinal: true },
      reason: { code: 'source_unknown', message: expect.stringContaining('"dist"') as string },
    });
    expect(deployed.requests).toHaveLength(2);
  });

  it('hands on what it has found of an image, with its variables', async () => {
    const container: ContainerDeploy = {
      ...{ kind: 'deploy', type: 'docker_container', service: 'shop', environment: 'default' },
      ...{ keep: 3, source: '.', published: { address: '::' }, drainMs: 7, limits: {} },
      ...{ variables: { A: 'b' }, secrets: [], gate: ACTION.gate },
    };
    expect(await run(container)).toEqual({ kind: 'aborted' });
    image = {
      ...{ image: standIn({}), name: 'shop:1', port: 80, gate: ACTION.gate },
      detected: ['port 80: Dockerfile:7'],
    };
    await run(container);
    expect(deployed.requests.map(foundIn)).toMatchObject([
      { container: { name: 'shop:1', port: 80 }, detected: ['port 80: Dockerfile:7'] },
    ]);
    expect(said).toEqual(['found: port 80: Dockerfile:7']);
  });

  describe('that has waited for people', () => {
    const waited = (status: 'waiting' | 'failed'): Pick<RunState, 'stages'> => {
      const deployment = { id: 'd1', environment: 'default', service: 'api' };
      const attempts = [{ number: 1, status, startedAt: 1, deployment }];
      const step = { name: 'ship', status: 'waiting' as const, attempts };
      return { stages: [{ name: 'main', status: 'waiting', steps: [step] }] };
    };

    it('says which deployment it is of, and why that may wait no longer', async () => {
      before = waited('waiting');
      await run({ run: 'x' });
      const place = { stage: 'main', step: 'ship', attempt: 1, inputs: [] };
      const reason = { code: 'snapshot_failed', message: 'too large' };
      answers = [{ ...place, kind: 'look', reason }];
      await run({ run: 'x' });
      answers = [{ ...place, kind: 'rejected', reason }];
      await run({ run: 'x' });
      before = waited('failed');
      await run({ run: 'x' });
      expect(deployed.requests.map((one) => one.before)).toEqual([
        ...[{ id: 'd1' }, { id: 'd1' }, { id: 'd1', refusal: reason }, undefined],
      ]);
    });

    it('builds no image again, and has one that has a name brought when that is wanted', async () => {
      before = waited('waiting');
      const container: ContainerDeploy = {
        ...{ kind: 'deploy', type: 'docker_container', service: 'shop', environment: 'default' },
        ...{ keep: 3, source: '.', published: { address: '::' }, drainMs: 7, limits: {} },
        ...{ variables: {}, secrets: [], gate: ACTION.gate },
      };
      await run(container);
      await run({ ...container, image: 'shop:1' });
      const [built, named] = deployed.requests.map(foundIn);
      expect(built?.bring).toBeUndefined();
      expect(await named?.bring?.()).toEqual({ kind: 'aborted' });
      expect(said).toEqual([]);
    });
  });
});
