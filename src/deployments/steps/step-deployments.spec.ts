import { Leases } from '../../leases/leases.js';
import { MemoryLeaseStore } from '../../leases/memory-lease-store.js';
import type { PortLeases } from '../../ports/port-leases.js';
import type { ServiceRemoval } from '../../service-registry/service-removal.js';
import { InstanceTurns } from '../running/instance-turns.js';
import { ArchiveError } from '../../common/archive/archive-error.js';
import type { RunContext } from '../../engine/plan/plan.js';
import type { DeploymentFacts } from '../../engine/plan/run-state.js';
import type { StepOutcome } from '../../engine/runtime/step-handler.js';
import type { Approval } from '../../environments/approval.js';
import type {
  ContainerDeploy,
  DirectoryDeploy,
  PartDeploy,
} from '../../engine/steps/deploy/deploy-action.js';
import {
  type DeployedImage,
  type DeployRequest,
  type StepFiles,
  StepFilesError,
} from '../../executions/attempt/steps/deployer.js';
import type { ExecutionsRepository } from '../../executions/record/executions.repository.js';
import {
  EngineAwayError,
  type LocalImage,
} from '../../integrations/container-runtime/container-runtime.js';
import { standIn } from '../../../test/support/stand-in.js';
import type { WorkerLease } from '../../workers/worker-lease.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import type { ReleaseEnvironments } from '../running/release-environments.js';
import type { SealedTexts } from '../record/sealed-texts.js';
import type { DeploymentGate, GateView } from '../running/approval-gate.js';
import { SuspendedDeployments } from '../running/suspended-deployments.js';
import { DeploymentFencedError } from '../running/recorded-run.js';
import type { DirectSources } from '../running/direct-sources.js';
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
  /** What the environment says. */
  let view: GateView;
  /** Images that stay while their execution waits. */
  let kept: string[];
  let isThere: boolean;
  /** Of the only file. */
  let content: string;

  beforeEach(() => {
    store = new MemoryDeploymentStore();
    [accepted, served, problem] = [[], undefined, undefined];
    [view, content] = [{ kind: 'open' }, 'one'];
    [kept, isThere] = [[], true];
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
      keepWaiting: async (execution, settings) => {
        if (settings.type !== 'docker_container') throw new Error('it is no image');
        kept.push(`${execution} ${settings.image_id}`);
        return isThere;
      },
      hasWaiting: async (execution, settings) =>
        settings.type === 'docker_container' &&
        isThere &&
        kept.includes(`${execution} ${settings.image_id}`),
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
      look: () => Promise.resolve(view),
    });
    const own = new OwnDeployments(
      ...([store, targets, gate] as const),
      new InstanceTurns(new Leases(new MemoryLeaseStore())),
      standIn<ServiceRemoval>({}),
      standIn<ReleaseEnvironments>({}),
      standIn<DirectSources>({}),
      standIn<PortLeases>({}),
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
    const suspended = new SuspendedDeployments(store, standIn<ExecutionsRepository>({}));
    steps = new StepDeployments(store, own, lease, sealed, suspended);
  });

  const files: StepFiles = {
    packed: ({ onFile }) => {
      onFile({ path: 'f', mode: 0o644, size: 1, digest: content });
      return problem ? Promise.reject(problem) : Promise.resolve(undefined as never);
    },
  };
  const deploy = (
    action: Partial<DirectoryDeploy> = {},
    context: Partial<RunContext> = {},
    attempt = 1,
    more: Partial<DeployRequest> = {},
  ): Promise<StepOutcome> =>
    steps.deploy(
      {
        subject: { action: { ...ACTION, ...action }, found: { files } },
        context: { ...CONTEXT, ...context },
        address: { stage: 'main', step: 'ship', attempt },
        tell: () => undefined,
        accepted: (facts) => void accepted.push(facts),
        ...more,
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
    more: Partial<DeployRequest> = {},
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
        ...more,
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

  describe('where its environment lets it wait', () => {
    const CLOSED: GateView = {
      kind: 'closed',
      reason: { code: 'approval_needed', message: 'needs 1 approval', data: { required: 1 } },
    };
    const SECOND = { executionAttempt: 2 };

    /** As the first attempt leaves it. @returns its id */
    const suspended = async (): Promise<string> => {
      view = CLOSED;
      expect(await deploy()).toMatchObject({ kind: 'suspended' });
      return accepted.at(-1)?.id ?? '';
    };
    const continued = (
      id: string,
      more: Partial<RunContext> = SECOND,
      action: Partial<DirectoryDeploy> = {},
    ): Promise<StepOutcome> => deploy(action, more, 1, { before: { id } });
    const lose = (id: string): void => {
      const reason = { code: 'worker_lost', message: 'lost' };
      const found = store.deployments.get(id)!;
      const finished_at = new Date();
      const lost = { ...found, status: 'failed' as const, reason, suspended_in: null, finished_at };
      store.deployments.set(id, lost);
    };

    it('gives its worker back, and says with which deployment it waits', async () => {
      view = CLOSED;
      expect(await deploy({}, {}, 1, { timeoutMs: 60_000 })).toEqual({
        kind: 'suspended',
        reason: {
          ...{ code: 'approval_needed', message: 'needs 1 approval' },
          data: { required: 1, waits_for: 'deployment', deployment_id: accepted[0]?.id },
        },
      });
      const [only] = store.deployments.values();
      expect(only).toMatchObject({ status: 'waiting', gate: 'closed', suspended_in: 1 });
      expect(only?.approved_files).toMatchObject([{ service: 'shop' }]);
      expect(only?.expires_at?.getTime()).toBe((only?.created_at.getTime() ?? 0) + 60_000);
      expect([served, store.releases.size]).toEqual([undefined, 0]);
    });

    it('continues with the same one when it is let through, and waits again until then', async () => {
      const id = await suspended();
      const before = store.deployments.get(id);
      expect(await continued(id)).toMatchObject({ kind: 'suspended' });
      const again = store.deployments.get(id);
      expect(again).toMatchObject({ suspended_in: 2, approved_files: before?.approved_files });
      expect(again?.expires_at).toEqual(before?.expires_at);
      view = { kind: 'open' };
      expect(await continued(id)).toMatchObject({ kind: 'success', outputs: { deployment: id } });
      expect([served, store.deployments.size]).toEqual([1, 1]);
      // Whoever begins from the same place again finds what was done.
      expect(await continued(id, { executionAttempt: 3 })).toMatchObject({
        outputs: { deployment: id },
      });
      expect(store.releases.size).toBe(1);
    });

    it.each<[string, () => Partial<RunContext>, Partial<DirectoryDeploy>]>([
      ['its files', () => ((content = 'two'), SECOND), {}],
      ['its commit', () => ({ ...SECOND, trigger: { ...CONTEXT.trigger, commit: 'c2' } }), {}],
      ['its plan', () => ({ ...SECOND, cause: { planHash: 'other' } as never }), {}],
      ['its service', () => SECOND, { service: 'other' }],
      ['its environment', () => SECOND, { environment: 'other' }],
    ])(
      'is refused when it is not what was approved any more: %s',
      async (_what, change, action) => {
        const id = await suspended();
        view = { kind: 'open' };
        const outcome = await continued(id, change(), action);
        expect(outcome).toMatchObject({ kind: 'failed', reason: { code: 'approved_differs' } });
        expect(store.deployments.get(id)).toMatchObject({ status: 'failed', suspended_in: null });
        expect([served, store.deployments.size]).toEqual([undefined, 1]);
      },
    );

    it('ends with the reason of its environment, and of who has cancelled it', async () => {
      const id = await suspended();
      const reason = { code: 'approval_rejected', message: 'grace rejected it' };
      view = { kind: 'refused', reason };
      expect(await continued(id)).toEqual({ kind: 'failed', reason });
      view = CLOSED;
      const other = { executionId: 'e3' };
      await deploy({}, other);
      const next = accepted.at(-1)?.id ?? '';
      await store.requestCancel(next, 'ada');
      expect(await continued(next, { ...other, ...SECOND })).toMatchObject({
        ...{ kind: 'failed', isFinal: true, reason: { code: 'cancelled' } },
      });
    });

    it('is of the host of whoever continues from the moment at which that takes it', async () => {
      const id = await suspended();
      const here = store.deployments.get(id)?.host;
      store.deployments.set(id, { ...store.deployments.get(id)!, host: 'elsewhere' });
      view = { kind: 'open' };
      // As of a process that is killed at its next write.
      store.change = () => Promise.reject(new DeploymentFencedError(id));
      await continued(id);
      expect(store.deployments.get(id)).toMatchObject({ host: here, suspended_in: null });
    });

    it('holds no place, and is refused where another service has that by then', async () => {
      const id = await suspended();
      view = { kind: 'open' };
      const other = { executionId: 'e3' };
      expect((await deploy({ service: 'faster' }, other)).kind).toBe('success');
      expect(await continued(id)).toMatchObject({
        ...{ kind: 'failed', reason: { code: 'path_taken' } },
      });
      view = CLOSED;
      await deploy({ service: 'late', path: 'late' }, { executionId: 'e4' });
      const late = accepted.at(-1)?.id ?? '';
      view = { kind: 'open' };
      const more = { executionId: 'e4', ...SECOND };
      const action = { service: 'late', path: 'late' };
      expect((await continued(late, more, action)).kind).toBe('success');
      expect(store.serviceRecords.get('default/late')?.place).toContain('/srv/late');
    });

    it('ends where its run cannot wait', async () => {
      const id = await suspended();
      const refusal = { code: 'snapshot_failed', message: 'too large' };
      expect(await deploy({}, SECOND, 1, { before: { id, refusal } })).toMatchObject({
        kind: 'failed',
        reason: refusal,
      });
      expect(store.deployments.get(id)).toMatchObject({ status: 'failed', reason: refusal });
    });

    it('has nothing that people could approve, where its files are not there', async () => {
      view = CLOSED;
      problem = new StepFilesError('source_missing', 'no such folder');
      expect(await deploy()).toMatchObject({ kind: 'failed', reason: { code: 'source_missing' } });
      const [only] = store.deployments.values();
      expect(only).toMatchObject({ status: 'failed', reason: { code: 'source_missing' } });
    });

    it('asks nobody about what is too large, and says so', async () => {
      view = CLOSED;
      problem = new ArchiveError('too_large', 'It is larger than 1 GiB.');
      const reason = { code: 'release_too_large' };
      expect(await deploy()).toMatchObject({ kind: 'failed', reason });
      expect([...store.deployments.values()]).toMatchObject([{ status: 'failed', reason }]);
    });

    it('is over where its files cannot be read, whatever the cause', async () => {
      view = CLOSED;
      problem = Object.assign(new Error('EIO: read'), { code: 'EIO' });
      const reason = { code: 'deploy_failed' };
      expect(await deploy()).toMatchObject({ kind: 'failed', reason });
      problem = new Error('a defect');
      await expect(deploy({}, {}, 2)).rejects.toThrow('a defect');
      const failed = { status: 'failed', reason };
      expect([...store.deployments.values()]).toMatchObject([failed, failed]);
    });

    it('of a worker that was lost is done by one more, under the same approvals', async () => {
      const id = await suspended();
      const given = standIn<Approval>({ kind: 'approval', by: 'grace' });
      store.deployments.set(id, { ...store.deployments.get(id)!, approvals: [given] });
      lose(id);
      const phases = [
        { name: 'before_switch' as const, started_at: new Date(), finished_at: null },
      ];
      store.deployments.set(id, { ...store.deployments.get(id)!, phases });
      expect(await continued(id)).toMatchObject({ kind: 'suspended' });
      const [, second] = [...store.deployments.values()];
      expect(second).toMatchObject({ approvals: [given], gate: 'closed', suspended_in: 2 });
      expect(second?.created_at).toEqual(store.deployments.get(id)?.created_at);
      expect(second?.warnings).toMatchObject([{ code: 'before_switch_again' }]);
      // That one is lost as well: whoever comes then begins from the first one again.
      lose(second?._id ?? '');
      view = { kind: 'open' };
      expect(await continued(id, { executionAttempt: 3 })).toMatchObject({ kind: 'success' });
      const all = [...store.deployments.values()].map(({ status }) => status);
      expect(all).toEqual(['failed', 'failed', 'success']);
      await continued(id, { executionAttempt: 4 });
      expect([store.deployments.size, store.releases.size]).toEqual([3, 1]);
    });

    it('of a unit says it, too, where a part was cut off behind its before_switch', async () => {
      view = CLOSED;
      await deployUnit(two);
      const id = accepted.at(-1)?.id ?? '';
      const phases = [
        { name: 'before_switch' as const, started_at: new Date(), finished_at: null },
      ];
      const parts = [{ service_id: 'default/api', deployment_id: 'part' }];
      const unit = store.deployments.get(id)!;
      store.deployments.set(id, { ...unit, parts });
      store.deployments.set('part', { ...unit, _id: 'part', request_key: 'part', phases });
      lose(id);
      await deployUnit(two, 1, { before: { id }, context: { ...CONTEXT, ...SECOND } });
      const successor = [...store.deployments.values()].at(-1);
      expect(successor).toMatchObject({ gate: 'closed' });
      expect(successor?.warnings).toMatchObject([{ code: 'before_switch_again' }]);
    });

    it('leaves one to whoever recovers it, and takes what that says', async () => {
      const id = await suspended();
      const taken = await store.take({ _id: id, fence: 1 }, 'gone');
      view = { kind: 'open' };
      const going = continued(id);
      await store.change({ id, fence: taken?.fence ?? 0 }, { status: 'success' });
      expect(await going).toMatchObject({ kind: 'success', outputs: { deployment: id } });
      expect(store.releases.size).toBe(0);
    });

    it.each([
      ['one', 'success', undefined],
      ['two', 'failed', 'approved_differs'],
    ])('of a unit holds the files of each part: %s', async (now, kind, code) => {
      view = CLOSED;
      expect(await deployUnit(two)).toMatchObject({ kind: 'suspended' });
      const id = accepted[0]?.id ?? '';
      const services = store.deployments.get(id)?.approved_files?.map(({ service }) => service);
      expect(services).toEqual(['assets', 'api']);
      view = { kind: 'open' };
      content = now;
      const outcome = await deployUnit(two, 1, {
        ...{ before: { id }, context: { ...CONTEXT, ...SECOND } },
      });
      expect(outcome.kind).toBe(kind);
      const reasons = [...store.deployments.values()].map(({ reason }) => reason?.code);
      if (code !== undefined) expect(reasons).toContain(code);
    });

    const container = (image: string): PartDeploy => ({
      ...{ kind: 'deploy', type: 'docker_container', service: 'web', environment: 'default' },
      ...{ keep: 3, source: '.', image, published: { address: '::', port: 80 }, limits: {} },
      ...{ variables: {}, secrets: [], drainMs: 7 },
      gate: { status: { from: 200, to: 399 }, timeoutMs: 1, stableMs: 0 },
    });

    it.each([
      ['sha256:1', 'success'],
      ['sha256:2', 'failed'],
    ])('deploys the image that was approved, and no other: %s', async (now, kind) => {
      const image = (id: string): DeployedImage => ({
        ...{ name: 'web:1', port: 3000, detected: [], image: standIn<LocalImage>({ id }) },
        gate: { status: { from: 200, to: 399 }, timeoutMs: 1, stableMs: 0 },
      });
      const action = container('web:1');
      view = CLOSED;
      const found = { files, container: { ...image('sha256:1'), variables: {} } };
      await deploy({}, {}, 1, { subject: { action, found } });
      const before = { id: accepted.at(-1)?.id ?? '' };
      const brought: string[] = [];
      const bring = async (): Promise<DeployedImage> => {
        brought.push(now);
        return image(now);
      };
      const again = { subject: { action, found: { files, bring } }, before };
      await deploy({}, SECOND, 1, again);
      // Nothing is fetched for what waits.
      expect(brought).toEqual([]);
      view = { kind: 'open' };
      // As on another host.
      isThere = false;
      expect((await deploy({}, SECOND, 1, again)).kind).toBe(kind);
      expect(brought).toEqual([now]);
    });

    /** Of a step that has built the image: whoever continues finds none. */
    const shipBuilt = (more: Partial<DeployRequest>, isNew: boolean): Promise<StepOutcome> => {
      const { image: none, ...action } = container('') as ContainerDeploy;
      expect(none).toBe('');
      const found = {
        ...{ name: 'deployed/web:e2', port: 3000, detected: [], variables: {}, gate: action.gate },
        image: standIn<LocalImage>({ id: 'sha256:1' }),
      };
      const subject = { action, found: isNew ? { files, container: found } : { files } };
      return deploy({}, isNew ? {} : SECOND, 1, { subject, ...more });
    };

    it('keeps an image that was built until its execution continues with it', async () => {
      view = CLOSED;
      expect(await shipBuilt({}, true)).toMatchObject({ kind: 'suspended' });
      expect(kept).toEqual(['e2 sha256:1']);
      view = { kind: 'open' };
      const before = { id: accepted.at(-1)?.id ?? '' };
      expect((await shipBuilt({ before }, false)).kind).toBe('success');
      expect(kept).toEqual(['e2 sha256:1']);
    });

    it('says on which host an image is that was built, where it is not here', async () => {
      view = CLOSED;
      await shipBuilt({}, true);
      const id = accepted.at(-1)?.id ?? '';
      store.deployments.set(id, { ...store.deployments.get(id)!, images_on: 'web-1' });
      // It has waited once more meanwhile, here.
      await shipBuilt({ before: { id } }, false);
      isThere = false;
      view = { kind: 'open' };
      expect(await shipBuilt({ before: { id } }, false)).toMatchObject({
        kind: 'failed',
        reason: { code: 'image_missing', data: { host: 'web-1' } },
      });
      expect(store.deployments.get(id)).toMatchObject({ status: 'failed', suspended_in: null });
    });

    it('says it as well of an image that an earlier step has built', async () => {
      view = CLOSED;
      const { gate, ...action } = container('own:1') as ContainerDeploy;
      const image = standIn<LocalImage>({ id: 'sha256:1' });
      const found = { name: 'own:1', port: 3000, detected: [], variables: {}, image, gate };
      const subject = { action: { ...action, gate }, found: { files, container: found } };
      await deploy({}, {}, 1, { subject });
      const id = accepted.at(-1)?.id ?? '';
      store.deployments.set(id, { ...store.deployments.get(id)!, images_on: 'web-1' });
      isThere = false;
      view = { kind: 'open' };
      const bring = async (): Promise<StepOutcome> => ({
        kind: 'failed',
        reason: { code: 'image_missing', message: 'built and not pushed' },
      });
      const again = { subject: { ...subject, found: { files, bring } }, before: { id } };
      expect(await deploy({}, SECOND, 1, again)).toMatchObject({
        reason: { code: 'image_missing', data: { host: 'web-1' } },
      });
    });

    it.each<[string, () => Promise<StepOutcome>]>([
      [
        'the registry',
        async () => ({
          kind: 'infrastructure',
          reason: { code: 'pull_failed', message: 'no answer' },
        }),
      ],
      ['the engine', () => Promise.reject(new EngineAwayError('gone'))],
    ])('waits for %s, where that is away for a moment', async (_what, first) => {
      view = CLOSED;
      await shipBuilt({}, true);
      isThere = false;
      view = { kind: 'open' };
      const { gate, ...action } = container('web:1') as ContainerDeploy;
      const image = standIn<LocalImage>({ id: 'sha256:1' });
      const found = { name: 'web:1', port: 3000, detected: [], image, gate };
      let tries = 0;
      const bring = async (): Promise<DeployedImage | StepOutcome> => {
        tries += 1;
        return tries === 1 ? first() : found;
      };
      const before = { id: accepted.at(-1)?.id ?? '' };
      const subject = { action: { ...action, gate }, found: { files, bring } };
      expect((await deploy({}, SECOND, 1, { subject, before })).kind).toBe('success');
      expect(tries).toBe(2);
    });

    it('asks nobody about an image that is gone', async () => {
      view = CLOSED;
      isThere = false;
      const outcome = await shipBuilt({}, true);
      expect(outcome).toMatchObject({ kind: 'failed', reason: { code: 'image_missing' } });
    });
  });
});
