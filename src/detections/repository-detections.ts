import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { within } from '../common/async/within.js';
import { MillraceError, serviceUnavailable } from '../common/errors/millrace.error.js';
import { uuidV7 } from '../common/ids/uuid.js';
import type { DetectionView } from '../detection/detection-view.js';
import { EventBus, liveTopic } from '../integrations/event-bus/event-bus.js';
import { JobQueue } from '../integrations/job-queue/job-queue.js';
import { WorkersRepository } from '../workers/workers.repository.js';
import { problemError } from './detection-problem.js';
import {
  CLONE_LIMIT_MS,
  DETECTION_QUEUE,
  fenceOf,
  type JobState,
  type RepositoryRequest,
} from './repository-job.js';

/** A request waits so long for its answer. Clients and proxies wait 15 s and more. */
const WAIT_MS = 10_000;
/** A hint may be lost: so often the state is looked at without one. */
const LOOK_MS = 500;
/** Requests of one process that wait at once. */
const MAX_WAITING = 32;

/** Has repositories detected by workers, which have git, and waits for it. */
@Injectable()
export class RepositoryDetections implements BeforeApplicationShutdown {
  private readonly logger = new Logger(RepositoryDetections.name);
  private readonly stop = new AbortController();
  private waiting = 0;
  /** How long a request waits, milliseconds. */
  protected readonly waitMs: number = WAIT_MS;

  constructor(
    private readonly workers: WorkersRepository,
    private readonly jobs: JobQueue,
    private readonly bus: EventBus,
  ) {}

  /**
   * What a repository holds.
   * @throws MillraceError ServiceUnavailableError (no worker, none has time, Redis is away),
   *   TimeoutError (the clone takes longer than a request waits), and those of `problemError`
   */
  async detect(request: RepositoryRequest): Promise<DetectionView> {
    if ((await this.workers.live()).length === 0) throw noWorker('No worker runs.');
    if (this.waiting >= MAX_WAITING) throw tooMany();
    this.waiting += 1;
    try {
      return await this.ask(request);
    } finally {
      this.waiting -= 1;
    }
  }

  beforeApplicationShutdown(): void {
    this.stop.abort();
  }

  private async ask(request: RepositoryRequest): Promise<DetectionView> {
    const id = uuidV7();
    try {
      await this.redis(() => this.offer(id, { kind: 'asked', request }));
      const state = await this.redis(() => this.stateAfterWait(id));
      switch (state?.kind) {
        case 'detection':
          return state.detection;
        case 'problem':
          throw problemError(state.problem);
        case 'taken':
          throw takesLonger();
        case 'asked':
          throw noWorker('No worker has taken it in time.');
        case undefined:
          throw serviceUnavailable('The queue has lost the request: Redis was emptied.');
      }
    } finally {
      // A worker that has not begun drops it then.
      await this.bus.endLive(id, 0).catch((error: unknown) => {
        this.logger.debug({ err: error }, 'the state of a detection stays for a while');
      });
    }
  }

  private async offer(id: string, state: JobState): Promise<void> {
    await this.bus.putState(id, fenceOf(state), JSON.stringify(state));
    await this.jobs.enqueue(DETECTION_QUEUE, { executionId: id, enqueueNumber: 1 });
  }

  /** The end of it, or how far it is when the time is over. */
  private async stateAfterWait(id: string): Promise<JobState | undefined> {
    const until = performance.now() + this.waitMs;
    let wake = (): void => undefined;
    const stopped = (): void => wake();
    const leave = this.bus.subscribe(liveTopic(id), () => wake());
    this.stop.signal.addEventListener('abort', stopped);
    try {
      for (;;) {
        const hint = new Promise<void>((resolve) => (wake = resolve));
        const stored = await this.bus.getState(id);
        const state = stored && (JSON.parse(stored.state) as JobState);
        const left = until - performance.now();
        const isOver = left <= 0 || this.stop.signal.aborted;
        if (isOver || state === undefined || isEnd(state)) return state;
        await within(Math.min(left, LOOK_MS), hint, () => undefined);
      }
    } finally {
      this.stop.signal.removeEventListener('abort', stopped);
      leave();
    }
  }

  private async redis<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw serviceUnavailable('The queue is not reachable: Redis is away.', { cause: error });
    }
  }
}

function isEnd({ kind }: JobState): boolean {
  return kind === 'detection' || kind === 'problem';
}

const UPLOAD =
  'Send the files instead: `./millrace detect FOLDER` where they are, or POST /api/detect/upload.';

/** 503 */
export function noWorker(why: string): MillraceError {
  return serviceUnavailable(`${why} A worker clones the repository.`, {
    details: { code: 'no_worker' },
    suggestions: ['Start a worker, or look at `./millrace workers` (/api/workers).', UPLOAD],
    retryAfterSeconds: 10,
  });
}

function tooMany(): MillraceError {
  return serviceUnavailable('Too many repositories are being detected at once.', {
    details: { code: 'busy' },
    retryAfterSeconds: 5,
  });
}

/** 504 */
export function takesLonger(): MillraceError {
  const minutes = CLONE_LIMIT_MS / 60_000;
  return new MillraceError('TimeoutError', 'The clone takes longer than a request waits.', {
    details: { code: 'still_cloning' },
    suggestions: [
      `Ask again in a minute: the worker continues for up to ${minutes} minutes, and what it has fetched makes the next clone quick.`,
      UPLOAD,
    ],
  });
}
