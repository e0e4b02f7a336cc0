import { Leases } from '../../leases/leases.js';
import { MemoryLeaseStore } from '../../leases/memory-lease-store.js';
import type { ServiceRemoval } from '../../service-registry/service-removal.js';
import { InstanceTurns } from '../running/instance-turns.js';
import type { RunContext } from '../../engine/plan/plan.js';
import type { DeploymentFacts } from '../../engine/plan/run-state.js';
import type { StepOutcome } from '../../engine/runtime/step-handler.js';
import type { DirectoryDeploy } from '../../engine/steps/deploy/deploy-action.js';
import { type StepFiles, StepFilesError } from '../../executions/attempt/steps/deployer.js';
import type { LocalImage } from '../../integrations/container-runtime/container-runtime.js';
import { standIn } from '../../../test/support/stand-in.js';
import type { WorkerLease } from '../../workers/worker-lease.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import type { SealedTexts } from '../record/sealed-texts.js';
import type { DeploymentGate } from '../running/approval-gate.js';
import { OwnDeployments } from '../running/own-deployments.js';
import { DeployRefusedError, type DeployTarget } from '../targets/deploy-target.js';
import { DeployTargets } from '../targets/deploy-targets.js';
import { StepDeployments } from './step-deployments.js';

const ACTION: DirectoryDeploy = {
  ...{ kind: 'deploy', type: 'local_directory', service: 'shop', environment: 'default' },
  ...{ path: 'shop', source: 'out', keep: 5 },
};
const CONTEXT: RunContext = {
  ...{ executionId: 'e2', pipelineId: 'p', pipelineName: 'shop', executionAttempt: 1 },
  ...{ trigger: { event: 'push', actor: 'ada', commit: 'c1' }, inputs: {}, environment: {} },
};

describe('StepDeployments', () => {
  let store: MemoryDeploymentStore;
  let steps: StepDeployments;
  let accepted: DeploymentFacts[];
  let served: number | undefined;
  let problem: Error | undefined;
  let texts: Map<string, string>;

  beforeEach(() => {
    store = new MemoryDeploymentStore();
    [accepted, served, problem] = [[], undefined, undefined];
    const target = standIn<DeployTarget>({
      placeOf: (settings) => {
        const path = settings.type === 'local_directory' ? settings.path : settings.service_id;
        if (path.startsWith('/etc')) {
          throw new DeployRefusedError({ code: 'path_not_allowed', message: 'no' });
        }
        return path.startsWith('/') ? path : `/srv/${path}`;
      },
      plan: () => Promise.resolve([]),
      prepare: async (_release, source: StepFiles) => {
        const request = { exclude: [], limits: { maxBytes: 1, maxEntries: 1, maxWalked: 1 } };
        const signal = new AbortController().signal;
        await source.packed({ ...request, onFile: () => undefined }, signal, () =>
          Promise.resolve(undefined),
        );
        return { digest: 'sha256:1', files: 1, bytes: 1, warnings: [] };
      },
      arm: () => Promise.resolve(),
      disarm: () => Promise.resolve(),
      remove: () => Promise.resolve(),
      switchTo: ({ number }) => {
        served = number;
        return Promise.resolve();
      },
      serving: () => Promise.resolve(served),
    });
    const targets = new DeployTargets(
      { local_directory: target, docker_container: target, local_service: target },
      target,
    );
    const gate = standIn<DeploymentGate>({
      refusal: (environment, { branch }) =>
        Promise.resolve(
          environment === 'production' && branch !== 'main'
            ? { code: 'branch_not_allowed', message: 'no' }
            : undefined,
        ),
      look: () => Promise.resolve({ kind: 'open' }),
    });
    const own = new OwnDeployments(
      ...([store, targets, gate] as const),
      new InstanceTurns(new Leases(new MemoryLeaseStore())),
      standIn<ServiceRemoval>({}),
    );
    const lease = standIn<WorkerLease>({ id: 'w' });
    texts = new Map();
    const sealed = standIn<SealedTexts>({
      add: (text) => {
        texts.set(`t${texts.size + 1}`, text);
        return Promise.resolve(`t${texts.size}`);
      },
      find: (id) => Promise.resolve(texts.get(id)),
    });
    steps = new StepDeployments(store, own, lease, sealed);
  });

  const files: StepFiles = {
    packed: () => (problem ? Promise.reject(problem) : Promise.resolve(undefined as never)),
  };
  const deploy = (
    action: Partial<DirectoryDeploy> = {},
    context: Partial<RunContext> = {},
    attempt = 1,
  ): Promise<StepOutcome> =>
    steps.deploy(
      {
        subject: { action: { ...ACTION, ...action }, found: { files } },
        context: { ...CONTEXT, ...context },
        address: { stage: 'main', step: 'ship', attempt },
        tell: () => undefined,
        accepted: (facts) => void accepted.push(facts),
      },
      new AbortController().signal,
    );
  const deployProgram = (
    execution: string,
    variables: Readonly<Record<string, string>>,
  ): Promise<StepOutcome> =>
    steps.deploy(
      {
        subject: {
          action: {
            ...{ kind: 'deploy', type: 'local_service', service: 'api', environment: 'default' },
            ...{ keep: 3, run: 'node a.js', source: 'out', portVariable: 'HTTP', exclude: ['x'] },
            ...{
              published: { address: '::', port: 80 },
              variables: { MODE: 'live' },
              secrets: ['KEY'],
            },
            gate: { status: { from: 200, to: 299 }, timeoutMs: 1, stableMs: 0 },
            ...{ drainMs: 7, memory: 5, restart: { max: 1, windowMs: 2 } },
          },
          found: { files, program: { command: 'node a.js', variables } },
        },
        context: { ...CONTEXT, executionId: execution },
        address: { stage: 'main', step: 'ship', attempt: 1 },
        tell: () => undefined,
        accepted: () => undefined,
      },
      new AbortController().signal,
    );
  const codeOf = (outcome: StepOutcome): string | undefined =>
    'reason' in outcome ? outcome.reason?.code : undefined;

  it('says which deployment it is, and what it has made', async () => {
    const outcome = await deploy();
    const [facts] = accepted;
    expect(facts).toMatchObject({ environment: 'default', service: 'shop' });
    expect(outcome).toMatchObject({
      ...{ kind: 'success', outputs: { deployment: facts?.id, release: '1' } },
    });
    expect(await store.find(facts?.id ?? '')).toMatchObject({
      ...{ status: 'success', triggered_by: 'ada', commit: 'c1', execution_id: 'e2' },
      settings: { path: '/srv/shop' },
    });
  });

  it('is of a branch only where the run is of its head, and keeps who stands behind it', async () => {
    const cause = { asker: 'u1', accounts: ['u1'], names: ['ada'], planHash: 'h' };
    const trigger = { event: 'push', branch: 'main' };
    const action = { environment: 'production' };
    const named = await deploy(action, { trigger, cause: { ...cause, isOfBranch: false } });
    expect(codeOf(named)).toBe('branch_not_allowed');
    await deploy(action, { trigger, cause: { ...cause, isOfBranch: true } });
    const [stored] = [...store.deployments.values()];
    expect(stored?.cause).toEqual({
      ...{ deployer: 'u1', accounts: ['u1'], names: ['ada'], branch: 'main', plan_hash: 'h' },
    });
  });

  it('stores all that a program needs to run again, and no value of a variable', async () => {
    expect((await deployProgram('e1', { MODE: 'live', KEY: 'secret' })).kind).toBe('success');
    await deployProgram('e2', { MODE: 'live', KEY: 'secret' });
    await deployProgram('e3', { MODE: 'live', KEY: 'another' });
    const [first, ...more] = [...store.releases.values()].map(({ settings }) => settings);
    expect(first).toEqual({
      ...{ type: 'local_service', service_id: 'default/api', keep: 3, exclude: ['x'] },
      ...{ command: 'node a.js', port_variable: 'HTTP', variables: 't1', drain: 7, memory: 5 },
      secrets: ['KEY'],
      ...{ published: { address: '::', port: 80 }, restart: { max: 1, windowMs: 2 } },
      gate: { status: { from: 200, to: 299 }, timeoutMs: 1, stableMs: 0 },
    });
    const others = more.map((one) => one.type === 'local_service' && one.variables);
    expect(others).toEqual(['t1', 't2']);
    expect(texts.get('t2')).toBe('{"MODE":"live","KEY":"another"}');
  });

  it('keeps what was found in files: for people, and as it is run again', async () => {
    const gate = { path: '/live', status: { from: 200, to: 399 }, timeoutMs: 1, stableMs: 0 };
    const outcome = await steps.deploy(
      {
        subject: {
          action: {
            ...{ kind: 'deploy', type: 'docker_container', service: 'web', environment: 'default' },
            ...{ keep: 3, source: '.', published: { address: '::', port: 80 }, limits: {} },
            ...{ variables: {}, secrets: [], gate: { ...gate, path: '/said' }, drainMs: 7 },
          },
          found: {
            files: { packed: () => Promise.resolve(undefined as never) },
            container: {
              ...{ name: 'deployed/web:e2', port: 3000, gate, detected: [], variables: {} },
              image: standIn<LocalImage>({ id: 'sha256:1' }),
            },
            detected: ['port 3000: Dockerfile:7', 'gate /live: secret'],
          },
        },
        context: CONTEXT,
        address: { stage: 'main', step: 'ship', attempt: 1 },
        tell: () => undefined,
        mask: (text) => text.replace('secret', '***'),
        accepted: () => undefined,
      },
      new AbortController().signal,
    );
    expect(outcome.kind).toBe('success');
    expect([...store.deployments.values()]).toMatchObject([
      {
        settings: { image: 'deployed/web:e2', image_id: 'sha256:1', port: 3000, gate },
        logs: expect.arrayContaining([
          'found: port 3000: Dockerfile:7',
          'found: gate /live: ***',
        ]) as string[],
      },
    ]);
  });

  it('deploys once for one try', async () => {
    await deploy();
    const again = await deploy();
    expect(again.kind).toBe('success');
    expect([store.deployments.size, store.releases.size]).toEqual([1, 1]);
    await deploy({}, {}, 2);
    expect(store.deployments.size).toBe(2);
  });

  it('is as old as the execution that a re-run is of', async () => {
    await deploy({}, { executionId: 'e5' });
    const trigger = { event: 'push', rerun_of: 'e3' };
    const late = await deploy({}, { executionId: 'e9', trigger });
    expect([late.kind, codeOf(late)]).toEqual(['failed', 'older_execution']);
    expect((await deploy({ allowOlder: true }, { executionId: 'e9', trigger }, 2)).kind).toBe(
      'success',
    );
  });

  it.each<[string, Partial<DirectoryDeploy>, Partial<RunContext>]>([
    ['name_invalid', { service: '../shop' }, {}],
    ['name_invalid', { environment: 'Prod' }, {}],
    ['path_not_allowed', { path: '/etc/x' }, {}],
    ['branch_not_allowed', { environment: 'production' }, {}],
    ['fork_may_not_deploy', {}, { trigger: { event: 'pull_request', fork: true } }],
  ])('refuses before anything is stored: %s', async (code, action, context) => {
    const outcome = await deploy(action, context);
    expect([codeOf(outcome), 'isFinal' in outcome && outcome.isFinal]).toEqual([code, true]);
    expect([store.deployments.size, store.serviceRecords.size]).toEqual([0, 0]);
  });

  it('refuses the place of another service', async () => {
    await deploy();
    expect(codeOf(await deploy({ service: 'other' }, {}, 2))).toBe('path_taken');
  });

  it('tells what is wrong with the files of the step', async () => {
    problem = new StepFilesError('source_missing', 'no such folder');
    expect(await deploy()).toMatchObject({ kind: 'failed', reason: { code: 'source_missing' } });
    expect([...store.deployments.values()]).toMatchObject([
      { status: 'failed', reason: { code: 'source_missing' } },
    ]);
  });

  const deployUnit = (
    parts: readonly Partial<DirectoryDeploy>[],
    attempt = 1,
  ): Promise<StepOutcome> =>
    steps.deploy(
      {
        subject: {
          action: {
            ...{ kind: 'deploy', type: 'hybrid', service: 'shop', environment: 'default' },
            ...{ keep: 3, parts: [] },
          },
          parts: parts.map((part) => ({
            ...{ action: { ...ACTION, ...part }, needs: [], found: { files } },
          })),
        },
        context: CONTEXT,
        address: { stage: 'main', step: 'ship', attempt },
        tell: () => undefined,
        accepted: (facts) => void accepted.push(facts),
      },
      new AbortController().signal,
    );
  const two = [
    { service: 'assets', path: 'assets' },
    { service: 'api', path: 'api' },
  ];

  it('deploys the parts of a unit, and none of them alone', async () => {
    expect(await deployUnit(two)).toMatchObject({ kind: 'success', outputs: { release: '1' } });
    const [unit] = [...store.deployments.values()];
    expect(unit).toMatchObject({
      ...{ type: 'hybrid', service_id: 'default/shop', _id: accepted[0]?.id },
      settings: { keep: 3, parts: [{ service: 'assets', settings: { path: '/srv/assets' } }, {}] },
      parts: [{ service_id: 'default/assets' }, { service_id: 'default/api' }],
    });
    expect(codeOf(await deploy({ service: 'api', path: 'api' }, {}, 2))).toBe('part_of_unit');
    expect(store.deployments.size).toBe(3);
  });

  it.each([
    ['of the same name', [two[0] ?? {}, { ...two[0], path: 'b' }]],
    ['of the name of the unit', [{ service: 'shop', path: 'b' }]],
    ['of no name', [{ service: 'Api', path: 'b' }]],
  ])('refuses parts %s before anything is stored', async (_what, parts) => {
    expect(codeOf(await deployUnit(parts))).toBe('name_invalid');
    expect([store.deployments.size, store.serviceRecords.size]).toEqual([0, 0]);
  });
});
