import { Logger } from '@nestjs/common';
import { standIn } from '../../test/support/stand-in.js';
import type { MillraceConfig } from '../config/millrace-config.js';
import type { WorkerBeats } from './worker-beats.js';
import { ContainerSupport } from '../integrations/container-runtime/container-support.js';
import type { EngineWatch } from '../integrations/container-runtime/engine-watch.js';
import { WorkerLease } from './worker-lease.js';
import type { WorkerPulse } from './worker-pulse.js';
import type { DrainRequest } from './worker.schema.js';
import type { WorkersRepository } from './workers.repository.js';

Logger.overrideLogger(false);

const REPORT = {
  executions: ['e'],
  machine: { load_average: 0, cores: 1, free_memory: 1, free_disk: 1 },
  refusal: null,
};

describe('WorkerLease', () => {
  let answer: () => Promise<DrainRequest | null | 'lost'>;
  let isSteady: boolean;
  let events: string[];
  let lease: WorkerLease;
  let support: ContainerSupport;
  let changeEngine: (to: ContainerSupport) => void;
  let offered: string[];

  beforeEach(async () => {
    jest.useFakeTimers();
    answer = async () => null;
    isSteady = true;
    events = [];
    offered = [];
    support = ContainerSupport.none('there is no engine');
    lease = new WorkerLease(
      { workerLabels: ['linux'], workerConcurrency: 1 } as unknown as MillraceConfig,
      standIn<WorkersRepository>({
        register: async ({ beat }) => void events.push(`register ${beat}`),
        beat: async (_id, { beat, status, running, labels, containers }) => {
          offered.push(`${labels.join(' ')}: ${containers.engine ?? containers.reason}`);
          events.push(`beat ${beat} ${status} ${running}`);
          return answer();
        },
        end: async (_id, how) => void events.push(how),
      }),
      standIn<WorkerBeats>({
        beat: async (_id, beat) => void events.push(`redis ${beat}`),
        remove: async () => void events.push('remove from redis'),
      }),
      standIn<WorkerPulse>({
        get isSteady() {
          return isSteady;
        },
        start: () => undefined,
        stop: () => undefined,
      }),
      standIn<EngineWatch>({
        get support() {
          return support;
        },
        whenChanged: (listener) => {
          changeEngine = (to) => {
            support = to;
            listener();
          };
        },
      }),
    );
    lease.whenRenewing(() => events.push('renewed'));
    lease.whenLost(() => events.push('lost'));
    await lease.start(() => REPORT);
  });
  afterEach(async () => {
    await lease.stop();
    jest.useRealTimers();
  });

  const renew = () => jest.advanceTimersByTimeAsync(5_000);

  it('is registered once and renewed every 5 s, in both stores', async () => {
    await renew();
    await renew();
    expect(events).toEqual([
      ...['register 1', 'redis 1', 'redis 2', 'beat 2 active 1', 'renewed'],
      ...['redis 3', 'beat 3 active 1', 'renewed'],
    ]);
  });

  it('tells once that it is lost, and is renewed no more', async () => {
    answer = async () => 'lost';
    events.length = 0;
    await renew();
    await renew();
    expect(events).toEqual(['redis 2', 'beat 2 active 1', 'lost']);
  });

  it('is not lost because the database is away, and its duties continue', async () => {
    answer = () => Promise.reject(new Error('away'));
    events.length = 0;
    await renew();
    expect(events).toEqual(['redis 2', 'beat 2 active 1', 'renewed']);
  });

  it('beats in Redis while the database hangs', async () => {
    answer = () => new Promise(() => undefined);
    events.length = 0;
    await renew();
    await renew();
    expect(events).toEqual(['redis 2', 'beat 2 active 1', 'redis 3']);
  });

  it('is not renewed by a process that cannot do what it promised', async () => {
    isSteady = false;
    events.length = 0;
    await renew();
    expect(events).toEqual([]);
  });

  it('tells at once what became of its container engine', async () => {
    changeEngine(ContainerSupport.by('docker 20.10.24', 'linux/amd64'));
    await jest.advanceTimersByTimeAsync(0);
    changeEngine(ContainerSupport.none('it does not answer'));
    await jest.advanceTimersByTimeAsync(0);
    expect(offered).toEqual(['linux containers: docker 20.10.24', 'linux: it does not answer']);
    await lease.stop();
    changeEngine(ContainerSupport.by('docker 20.10.24', 'linux/amd64'));
    await jest.advanceTimersByTimeAsync(0);
    expect(events.slice(-2)).toEqual(['stopped', 'remove from redis']);
  });

  it('hears that it is wanted to drain', async () => {
    const request = { at: new Date(), by: 'ada', reason: null };
    answer = async () => request;
    await renew();
    expect(lease.drainRequest).toBe(request);
    answer = async () => null;
    await renew();
    expect(lease.drainRequest).toBeNull();
  });

  it('says that it drains, then that it is gone', async () => {
    events.length = 0;
    await lease.drain();
    await lease.stop();
    expect(events).toEqual([
      'redis 2',
      'beat 2 draining 1',
      'renewed',
      'stopped',
      'remove from redis',
    ]);
    events.length = 0;
    await renew();
    expect(events).toEqual([]);
  });
});
