import { Logger } from '@nestjs/common';
import { standIn } from '../../../test/support/stand-in.js';
import { Metrics } from '../../common/metrics/metrics.js';
import { MemoryEventBus } from '../../integrations/event-bus/memory-event-bus.js';
import { type ExecutionJob, type JobQueue } from '../../integrations/job-queue/job-queue.js';
import { NoTracing } from '../../integrations/tracing/tracing.js';
import { pendingExecution } from '../record/execution.fixture.js';
import { ExecutionPlacer } from './execution-placer.js';
import { QUEUE_TOPIC } from './execution-topics.js';
import type { QueuesRepository } from './queues.repository.js';

Logger.overrideLogger(false);

describe('ExecutionPlacer', () => {
  let offered: { readonly how: string; readonly queue: string; readonly job: ExecutionJob }[];
  let isAway: boolean;
  let isNew: boolean;
  let announced: string[];
  let metrics: Metrics;
  let bus: MemoryEventBus;
  let placer: ExecutionPlacer;
  const execution = pendingExecution({ queue: 'gpu', enqueue_number: 3 });

  beforeEach(() => {
    offered = [];
    announced = [];
    isAway = false;
    isNew = true;
    metrics = new Metrics();
    bus = new MemoryEventBus();
    jest.spyOn(bus, 'publish').mockImplementation(async (topic, message) => {
      announced.push(`${topic} ${message}`);
      if (isAway) throw new Error('away');
    });
    const take = (how: string) => async (queue: string, job: ExecutionJob) => {
      if (isAway) throw new Error('away');
      offered.push({ how, queue, job });
    };
    placer = new ExecutionPlacer(
      standIn<JobQueue>({ enqueue: take('enqueue'), renew: take('renew') }),
      standIn<QueuesRepository>({ ensure: async () => isNew }),
      bus,
      metrics,
      new NoTracing(),
    );
  });

  it('makes a job that names the execution and its number, in the queue of its labels', async () => {
    const job = { executionId: execution._id, enqueueNumber: 3 };
    expect(await placer.offer(execution)).toBe(true);
    expect(await placer.renew(execution)).toBe(true);
    expect(offered).toEqual([
      { how: 'enqueue', queue: 'gpu', job },
      { how: 'renew', queue: 'gpu', job },
    ]);
  });

  it('says that the queue is away, and counts it', async () => {
    isAway = true;
    expect(await placer.offer(execution)).toBe(false);
    expect(await placer.renew(execution)).toBe(false);
    expect(await metrics.registry.metrics()).toMatch(
      /dependency_errors_total\{dependency="queue",code="enqueue_failed"\} 2/,
    );
  });

  it('announces a queue to the workers when it is new, and only then', async () => {
    await placer.announceQueue('gpu');
    isNew = false;
    await placer.announceQueue('gpu');
    expect(announced).toEqual([`${QUEUE_TOPIC} gpu`]);
  });

  it('announces without the bus too: workers read the queues in time', async () => {
    isAway = true;
    await expect(placer.announceQueue('gpu')).resolves.toBeUndefined();
  });
});
