import { Logger } from '@nestjs/common';
import { eventually } from '../../../test/support/eventually.js';
import { standIn } from '../../../test/support/stand-in.js';
import type { MillraceConfig } from '../../config/millrace-config.js';
import { MemoryEventBus } from '../../integrations/event-bus/memory-event-bus.js';
import { MemoryJobQueue } from '../../integrations/job-queue/memory-job-queue.js';
import type { EngineWatch } from '../../integrations/container-runtime/engine-watch.js';
import type { MachineWatch } from '../../workers/machine-watch.js';
import type { WorkerLease, WorkerReport } from '../../workers/worker-lease.js';
import type { DrainRequest, WorkerRefusal } from '../../workers/worker.schema.js';
import { CANCEL_TOPIC, QUEUE_TOPIC } from '../placement/execution-topics.js';
import type { QueuesRepository } from '../placement/queues.repository.js';
import type { ExecutionRunner } from './execution-runner.js';
import { ExecutionsProcessor } from './executions.processor.js';
import type { LeftContainers } from './left-containers.js';
import type { LeftFolders } from './left-folders.js';
import type { RunningAttempts } from './running-attempts.js';

Logger.overrideLogger(false);

const MACHINE = { load_average: 0, cores: 1, free_memory: 1, free_disk: 1 };
const LOW: WorkerRefusal = { code: 'disk_low', message: 'm' };
const turns = async () => {
  for (let count = 0; count < 5; count += 1) await new Promise((done) => setImmediate(done));
};

describe('ExecutionsProcessor', () => {
  let jobs: MemoryJobQueue;
  let bus: MemoryEventBus;
  let queues: string[];
  let refusal: WorkerRefusal | null;
  /** Looks at the machine that have begun with what is there now, and end behind these. */
  let slowLook: Promise<void> | undefined;
  let drainRequest: DrainRequest | null;
  let count: number;
  let events: string[];
  let report: (() => WorkerReport) | undefined;
  let renew: () => void;
  let becomeLost: () => void;
  let processor: ExecutionsProcessor;
  let labels: string[];
  let hasEngine: boolean;
  let changeEngine: () => void;

  beforeEach(() => {
    jobs = new MemoryJobQueue();
    bus = new MemoryEventBus();
    queues = ['any', 'linux', 'gpu+linux'];
    refusal = null;
    slowLook = undefined;
    drainRequest = null;
    count = 0;
    labels = ['linux'];
    hasEngine = false;
    events = [];
    const say = (text: string) => async (): Promise<void> => void events.push(text);
    const lease = {
      id: 'w',
      name: 'worker-1',
      get labels() {
        return labels;
      },
      get drainRequest() {
        return drainRequest;
      },
      whenLost: (listener: () => void) => (becomeLost = listener),
      whenRenewing: (listener: () => void) => (renew = listener),
      start: async (reporter: () => WorkerReport) => void (report = reporter),
      drain: say('drain lease'),
      stop: say('stop lease'),
    };
    processor = new ExecutionsProcessor(
      { workerConcurrency: 2, workerLabels: ['linux'] } as unknown as MillraceConfig,
      jobs,
      standIn<QueuesRepository>({ names: async () => queues }),
      bus,
      standIn<WorkerLease>(lease),
      standIn<MachineWatch>({
        look: async () => {
          const found = { machine: MACHINE, refusal };
          await slowLook;
          return found;
        },
      }),
      standIn<EngineWatch>({
        isThereNow: async () => hasEngine,
        whenChanged: (listener) => (changeEngine = listener),
      }),
      standIn<ExecutionRunner>({
        run: async (id) => {
          events.push(`run ${id}`);
          return 'done';
        },
        recoverOrphans: async (workerId) => void events.push(`strays of ${workerId}`),
        close: say('close runner'),
      }),
      standIn<RunningAttempts>({
        get count() {
          return count;
        },
        ids: ['e'],
        check: async (ids) => void events.push(`check ${ids?.join(' ') ?? 'all'}`),
        interruptAll: ({ code }) => void events.push(`interrupt: ${code}`),
        fenceAll: () => void events.push('fence all'),
      }),
      standIn<LeftFolders>({ remove: say('folders') }),
      standIn<LeftContainers>({ remove: say('containers of the dead') }),
    );
  });
  afterEach(async () => {
    await processor.stop();
    jest.restoreAllMocks();
  });

  const offer = async (executionId: string, queue = 'any'): Promise<void> => {
    await jobs.enqueue(queue, { executionId, enqueueNumber: 1 });
    await turns();
  };
  async function start(): Promise<void> {
    await processor.start();
    await turns();
    events.length = 0;
  }

  it('runs what is offered in the queues that its labels serve', async () => {
    await start();
    await offer('a');
    await offer('b', 'linux');
    await offer('c', 'gpu+linux');
    expect(events).toEqual(['run a', 'run b']);
  });

  it('takes executions with containers while there is an engine, and others all the time', async () => {
    queues = ['any', 'containers'];
    await start();
    await offer('a', 'containers');
    await offer('b');
    expect(events).toEqual(['run b']);
    [labels, hasEngine] = [['linux', 'containers'], true];
    changeEngine();
    await turns();
    await offer('c', 'containers');
    expect(events).toEqual(['run b', 'run a', 'run c']);
    labels = ['linux'];
    changeEngine();
    await turns();
    await offer('d', 'containers');
    await offer('e');
    expect(events.slice(3)).toEqual(['run e']);
  });

  it('begins nothing with containers once the engine is gone, before that is known', async () => {
    [queues, labels] = [['any', 'containers'], ['containers']];
    await start();
    await offer('a', 'containers');
    await offer('b');
    expect(events).toEqual(['run b']);
    hasEngine = true;
    await eventually(() => events.includes('run a') || undefined);
  });

  it('opens a queue that it hears of', async () => {
    queues = [];
    await start();
    await offer('a');
    expect(events).toEqual([]);
    queues = ['any'];
    await bus.publish(QUEUE_TOPIC, 'any');
    await turns();
    expect(events).toEqual(['run a']);
  });

  it('looks at once at the execution whose cancel it hears of', async () => {
    await start();
    await bus.publish(CANCEL_TOPIC, 'e1');
    await turns();
    expect(events).toEqual(['check e1']);
  });

  it('looks at everything when it may have missed a cancel', async () => {
    await processor.start();
    await turns();
    expect(events).toEqual(['check all']);
  });

  it('does its duties at every renewal of the lease', async () => {
    await start();
    renew();
    await turns();
    expect(events).toEqual(['check all', 'strays of w', 'folders', 'containers of the dead']);
    queues = ['any', 'linux', 'new'];
    renew();
    await turns();
    expect(report?.()).toEqual({ executions: ['e'], machine: MACHINE, refusal: null });
  });

  describe('while the machine has too little', () => {
    it('takes nothing, says why, and continues afterwards', async () => {
      refusal = LOW;
      await start();
      await offer('a');
      expect(events).toEqual([]);
      expect(report?.().refusal).toEqual(LOW);
      refusal = null;
      renew();
      await turns();
      expect(events).toContain('run a');
      expect(report?.().refusal).toBeNull();
    });

    it('hears of it between two renewals', async () => {
      jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'performance'] });
      try {
        await start();
        refusal = LOW;
        await jest.advanceTimersByTimeAsync(1_000);
        expect(report?.().refusal).toEqual(LOW);
      } finally {
        jest.useRealTimers();
      }
    });

    it('takes nothing again by a look that began before and ended later', async () => {
      await start();
      let end: () => void = () => undefined;
      slowLook = new Promise((resolve) => (end = resolve));
      renew();
      await turns();
      slowLook = undefined;
      refusal = LOW;
      jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 2_000);
      await offer('a');
      expect(report?.().refusal).toEqual(LOW);
      end();
      await turns();
      expect(report?.().refusal).toEqual(LOW);
      await offer('b');
      expect(events.filter((event) => event.startsWith('run'))).toEqual([]);
    });

    it('puts back a job that it was given meanwhile', async () => {
      await start();
      // A look is good for a second.
      jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 2_000);
      refusal = LOW;
      await offer('a');
      expect(events).toEqual([]);
      expect(report?.().refusal).toEqual(LOW);
    });
  });

  it('takes nothing while somebody asks it to drain', async () => {
    await start();
    drainRequest = { at: new Date(), by: 'ada', reason: null };
    renew();
    await turns();
    await offer('a');
    expect(events).not.toContain('run a');
    expect(report?.().refusal).toMatchObject({ code: 'drained' });
  });

  it('continues with nothing when it is declared lost, and ends', async () => {
    const kill = jest.spyOn(process, 'kill').mockReturnValue(true);
    await start();
    becomeLost();
    expect(events).toEqual(['fence all']);
    expect(kill.mock.calls).toEqual([[process.pid, 'SIGTERM']]);
    expect(process.exitCode).toBe(1);
    process.exitCode = undefined;
    // A look at the machine that ends now opens nothing again.
    renew();
    await offer('a');
    expect(events).not.toContain('run a');
  });

  it('stops in order: takes nothing more, lets end what runs, gives the rest back', async () => {
    await start();
    count = 1;
    const stop = processor.stop();
    await offer('a');
    await bus.publish(CANCEL_TOPIC, 'e1');
    await turns();
    expect(events).toEqual(['drain lease']);
    count = 0;
    await stop;
    expect(events).toEqual([
      'drain lease',
      'interrupt: worker_stopped',
      'stop lease',
      'close runner',
    ]);
    await processor.stop();
    expect(events).toHaveLength(4);
  });
});
