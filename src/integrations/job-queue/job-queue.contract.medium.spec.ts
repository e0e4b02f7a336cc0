import { eventually } from '../../../test/support/eventually.js';
import { testServices } from '../../../test/support/services.js';
import { RedisConnections } from '../redis/redis-connections.js';
import { BullJobQueue } from './bull-job-queue.js';
import type { ExecutionJob, JobOutcome, JobQueue } from './job-queue.js';
import { MemoryJobQueue } from './memory-job-queue.js';

const { redisUrl, keyPrefix } = testServices();
const redis = new RedisConnections({ url: redisUrl, keyPrefix });
const adapters: readonly (readonly [string, JobQueue])[] = [
  ['BullJobQueue', new BullJobQueue(redis)],
  ['MemoryJobQueue', new MemoryJobQueue()],
];

beforeAll(async () => {
  await eventually(() =>
    redis.ping().then(
      () => true,
      () => undefined,
    ),
  );
});

afterAll(async () => {
  for (const [, queue] of adapters) await queue.close();
  redis.close();
});

/** For which BullMQ locks a job, ms. */
const LOCK_MS = 30_000;

describe.each(adapters)('%s', (_name, jobs) => {
  let queue: string;
  let number = 0;

  beforeEach(() => {
    queue = `queue-${(number += 1)}`;
  });

  const job = (executionId: string, enqueueNumber = 1): ExecutionJob => ({
    executionId,
    enqueueNumber,
  });

  /** Takes from `queue` with a handler that notes what it got. */
  function take(concurrency: number, handler: (job: ExecutionJob) => Promise<JobOutcome>) {
    const consumer = jobs.consume(concurrency, handler);
    consumer.setQueues([queue]);
    return consumer;
  }

  it('brings each job to one of the consumers, once', async () => {
    const taken: string[] = [];
    const handler = async ({ executionId }: ExecutionJob): Promise<JobOutcome> => {
      taken.push(executionId);
      return 'done';
    };
    const consumers = [take(2, handler), take(2, handler)];
    const ids = Array.from({ length: 20 }, (_item, index) => `e${index}`);
    await Promise.all(ids.map((id) => jobs.enqueue(queue, job(id))));
    await eventually(() => (taken.length >= ids.length ? true : undefined));
    await Promise.all(consumers.map((consumer) => consumer.close(1_000)));
    expect([...taken].sort()).toEqual([...ids].sort());
    expect(await jobs.waiting(queue)).toBe(0);
  });

  it('takes the same offer as one job while it waits and while it is under way, and a next one as another', async () => {
    await jobs.enqueue(queue, job('e'));
    await jobs.enqueue(queue, job('e'));
    expect(await jobs.waiting(queue)).toBe(1);
    const taken: number[] = [];
    const gate = new Gate();
    const consumer = take(4, async ({ enqueueNumber }) => {
      taken.push(enqueueNumber);
      await gate.opened;
      return 'done';
    });
    await eventually(() => taken.at(0));
    await jobs.enqueue(queue, job('e'));
    await jobs.enqueue(queue, job('e', 2));
    await eventually(() => taken.at(1));
    gate.open();
    await consumer.close(1_000);
    expect(taken).toEqual([1, 2]);
  });

  it('takes an offer again that is over', async () => {
    let count = 0;
    const consumer = take(1, async () => {
      count += 1;
      return 'done';
    });
    await jobs.enqueue(queue, job('e'));
    await eventually(() => (count === 1 && consumer.running === 0 ? true : undefined));
    await eventually(async () => {
      await jobs.enqueue(queue, job('e'));
      return count === 2 ? true : undefined;
    });
    await consumer.close(1_000);
  });

  it('offers a job again that was put back', async () => {
    const outcomes: JobOutcome[] = ['put_back', 'put_back', 'done'];
    let count = 0;
    const consumer = take(1, async () => outcomes[count++] ?? 'done');
    await jobs.enqueue(queue, job('e'));
    await eventually(() => (count === 3 ? true : undefined));
    await consumer.close(1_000);
  });

  it('renews a job that was put back by a clock that is an hour ahead, and one that is lost in part', async () => {
    const now = Date.now.bind(Date);
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() + 3_600_000);
    let count = 0;
    const consumer = take(1, async () => (count++ === 0 ? 'put_back' : 'done'));
    await jobs.enqueue(queue, job('e'));
    await eventually(() => (count > 0 && consumer.running === 0 ? true : undefined));
    clock.mockRestore();
    await eventually(async () => {
      await jobs.renew(queue, job('e'));
      return count > 1 ? true : undefined;
    });
    await consumer.close(1_000);

    await jobs.enqueue(queue, job('half'));
    await redis.commands().del(redis.key('bull', queue, 'wait'));
    const taken: string[] = [];
    const other = take(1, async ({ executionId }) => {
      taken.push(executionId);
      return 'done';
    });
    await eventually(async () => {
      await jobs.renew(queue, job('half'));
      return taken.includes('half') ? true : undefined;
    });
    await other.close(1_000);
  });

  it('says in which queue a job was, and lets a job end whose queue is closed meanwhile', async () => {
    const other = `${queue}-other`;
    const gate = new Gate();
    const taken: string[] = [];
    const consumer = jobs.consume(2, async ({ executionId }, of) => {
      taken.push(`${executionId} of ${of}`);
      if (taken.length > 1) return 'done';
      await gate.opened;
      return 'put_back';
    });
    consumer.setQueues([queue, other]);
    await jobs.enqueue(other, job('e'));
    await eventually(() => taken.at(0));
    consumer.setQueues([queue]);
    await jobs.enqueue(other, job('f'));
    await jobs.enqueue(queue, job('g'));
    await eventually(() => taken.at(1));
    gate.open();
    await eventually(() => (consumer.running === 0 ? true : undefined));
    expect(taken).toEqual([`e of ${other}`, `g of ${queue}`]);
    consumer.setQueues([queue, other]);
    // As the job of a dead worker it would be offered once its lock has run out.
    await eventually(() => (taken.length === 4 ? true : undefined), LOCK_MS - 10_000);
    expect(taken.slice(2).sort()).toEqual([`e of ${other}`, `f of ${other}`]);
    await consumer.close(1_000);
  });

  it('lets go of a job whose queue is closed at the end of the grace, too', async () => {
    const gate = new Gate();
    const consumer = jobs.consume(2, async () => {
      await gate.opened;
      return 'done';
    });
    consumer.setQueues([queue]);
    await jobs.enqueue(queue, job('e'));
    await eventually(() => (consumer.running === 1 ? true : undefined));
    consumer.setQueues([]);
    await consumer.close(50);
    gate.open();
  });

  it('runs at most as many at once as there are slots, over all queues', async () => {
    let now = 0;
    let most = 0;
    let done = 0;
    const other = `${queue}-other`;
    const consumer = jobs.consume(2, async () => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setTimeout(resolve, 10));
      now -= 1;
      done += 1;
      return 'done';
    });
    for (let index = 0; index < 5; index++) {
      await jobs.enqueue(queue, job(`a${index}`));
      await jobs.enqueue(other, job(`b${index}`));
    }
    consumer.setQueues([queue, other]);
    await eventually(() => (done === 10 ? true : undefined));
    await consumer.close(1_000);
    expect(most).toBe(2);
  });

  it('takes nothing while paused, and lets go at the end of the grace', async () => {
    const gate = new Gate();
    const taken: string[] = [];
    const consumer = jobs.consume(2, async ({ executionId }) => {
      taken.push(executionId);
      await gate.opened;
      return 'done';
    });
    consumer.pause();
    consumer.setQueues([queue]);
    await jobs.enqueue(queue, job('e'));
    expect(consumer.running).toBe(0);
    consumer.resume();
    await eventually(() => taken.at(0));
    expect(consumer.running).toBe(1);
    await consumer.close(50);
    await jobs.enqueue(queue, job('f'));
    gate.open();
    expect(taken).toEqual(['e']);
  });
});

class Gate {
  open: () => void = () => undefined;
  readonly opened = new Promise<void>((resolve) => (this.open = resolve));
}
