import { Logger } from '@nestjs/common';
import { standIn } from '../../test/support/stand-in.js';
import type { DetectionView } from '../detection/detection-view.js';
import { MemoryEventBus } from '../integrations/event-bus/memory-event-bus.js';
import type { JobHandler } from '../integrations/job-queue/job-queue.js';
import { MemoryJobQueue } from '../integrations/job-queue/memory-job-queue.js';
import type { WorkersRepository } from '../workers/workers.repository.js';
import { detectionProblem } from './detection-problem.js';
import type { DetectionEnd } from './folder-request.js';
import { RepositoryDetections } from './repository-detections.js';
import { DETECTION_QUEUE, type JobState } from './repository-job.js';
import type { RepositoryDetector } from './worker/repository-detector.js';
import { DetectionsConsumer } from './worker/detections.consumer.js';

class Impatient extends RepositoryDetections {
  protected override readonly waitMs = 100;
}

const request = { url: 'https://git.test/acme/shop.git', path: 'apps/web' };
const detection = { outcome: 'unknown' } as DetectionView;

describe('the detection of a repository', () => {
  let bus: MemoryEventBus;
  let jobs: MemoryJobQueue;
  let workers: number;
  const ids: string[] = [];
  const consumers: DetectionsConsumer[] = [];
  const live = standIn<WorkersRepository>({
    live: () => Promise.resolve(new Array<never>(workers)),
  });

  beforeAll(() => {
    Logger.overrideLogger(false);
  });
  beforeEach(() => {
    [bus, jobs, workers] = [new MemoryEventBus(), new MemoryJobQueue(), 1];
    ids.length = 0;
  });
  afterEach(async () => {
    await Promise.all(consumers.splice(0).map((each) => each.beforeApplicationShutdown()));
  });

  /** A worker whose detector does this. */
  function work(detect: (signal: AbortSignal) => Promise<DetectionEnd>): DetectionsConsumer {
    const detector = standIn<RepositoryDetector>({
      detect: (asked, signal) => {
        expect(asked).toEqual(request);
        return detect(signal);
      },
    });
    const consumer = new DetectionsConsumer(jobs, bus, detector);
    consumer.onApplicationBootstrap();
    consumers.push(consumer);
    return consumer;
  }
  /** Takes jobs in the place of a worker. */
  function take(handler: (id: string) => Promise<unknown>): void {
    const handle: JobHandler = async ({ executionId }) => {
      ids.push(executionId);
      await handler(executionId);
      return 'done';
    };
    jobs.consume(1, handle).setQueues([DETECTION_QUEUE]);
  }
  const put = (id: string, state: JobState): Promise<unknown> =>
    bus.putState(id, 9, JSON.stringify(state));

  it('is what a worker answers, and nothing of it stays', async () => {
    work(async () => ({ kind: 'detection', detection }));
    const putState = jest.spyOn(bus, 'putState');
    expect(await new RepositoryDetections(live, jobs, bus).detect(request)).toEqual(detection);
    const [id = ''] = putState.mock.calls[0] ?? [];
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(await bus.getState(id)).toBeUndefined();
  });

  it('is an error where the worker has a problem, or a defect', async () => {
    let end: () => Promise<DetectionEnd> = async () => detectionProblem('git_ref_not_found', 'No.');
    work(() => end());
    const detections = new RepositoryDetections(live, jobs, bus);
    await expect(detections.detect(request)).rejects.toMatchObject({
      ...{ kind: 'UnprocessableError', message: 'No.' },
    });
    end = () => Promise.reject(new Error('secret text'));
    const failed: unknown = await detections.detect(request).catch((error: unknown) => error);
    expect(failed).toMatchObject({ kind: 'InternalError', details: { code: 'failed' } });
    expect(JSON.stringify(failed)).not.toContain('secret');
  });

  it('is refused at once where there is no worker', async () => {
    workers = 0;
    await expect(new Impatient(live, jobs, bus).detect(request)).rejects.toMatchObject({
      ...{ kind: 'ServiceUnavailableError', details: { code: 'no_worker' } },
    });
    expect(await jobs.waiting(DETECTION_QUEUE)).toBe(0);
  });

  it('tells apart who has not begun from who still clones', async () => {
    await expect(new Impatient(live, jobs, bus).detect(request)).rejects.toMatchObject({
      ...{ kind: 'ServiceUnavailableError', details: { code: 'no_worker' } },
    });
    take((id) => put(id, { kind: 'taken' }));
    await expect(new Impatient(live, jobs, bus).detect(request)).rejects.toMatchObject({
      ...{ kind: 'TimeoutError', details: { code: 'still_cloning' } },
    });
  });

  it('is not begun when whoever asked has gone, and not told when it has gone meanwhile', async () => {
    await new Impatient(live, jobs, bus).detect(request).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 1));
    let begun = 0;
    work(async () => {
      begun += 1;
      const [id = ''] = ids;
      await bus.endLive(id, 0);
      await new Promise((resolve) => setTimeout(resolve, 1));
      return { kind: 'detection', detection };
    });
    expect(begun).toBe(0);
    const putState = jest.spyOn(bus, 'putState').mockImplementationOnce((id, fence, state) => {
      ids.push(id);
      putState.mockRestore();
      return bus.putState(id, fence, state);
    });
    await new Impatient(live, jobs, bus).detect(request).catch(() => undefined);
    expect(begun).toBe(1);
    expect(await bus.getState(ids[0] ?? '')).toBeUndefined();
  });

  it('ends when the server or the worker stops', async () => {
    let ended = false;
    const worker = work(
      (signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            ended = true;
            resolve(detectionProblem('git_aborted', 'It stops.'));
          });
        }),
    );
    const asked = new RepositoryDetections(live, jobs, bus).detect(request);
    const refused = expect(asked).rejects.toMatchObject({ kind: 'ServiceUnavailableError' });
    await new Promise((resolve) => setImmediate(resolve));
    await worker.beforeApplicationShutdown();
    await refused;
    expect(ended).toBe(true);
    const detections = new RepositoryDetections(live, new MemoryJobQueue(), bus);
    const stopped = expect(detections.detect(request)).rejects.toMatchObject({
      kind: 'ServiceUnavailableError',
    });
    await new Promise((resolve) => setImmediate(resolve));
    detections.beforeApplicationShutdown();
    await stopped;
  });

  it('says that Redis is away', async () => {
    jest.spyOn(jobs, 'enqueue').mockRejectedValue(new Error('connect ECONNREFUSED 10.0.0.1'));
    const error: unknown = await new Impatient(live, jobs, bus)
      .detect(request)
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: 'ServiceUnavailableError' });
    expect((error as Error).message).not.toContain('10.0.0.1');
  });
});
