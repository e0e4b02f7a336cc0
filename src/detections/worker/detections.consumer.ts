import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { EventBus } from '../../integrations/event-bus/event-bus.js';
import {
  type JobConsumer,
  type JobOutcome,
  JobQueue,
} from '../../integrations/job-queue/job-queue.js';
import { detectionProblem } from '../detection-problem.js';
import type { DetectionEnd } from '../folder-request.js';
import {
  DETECTION_QUEUE,
  fenceOf,
  type JobState,
  type RepositoryRequest,
} from '../repository-job.js';
import { RepositoryDetector } from './repository-detector.js';

const AT_ONCE = 2;
const CLOSE_MS = 5_000;

/** Takes the repositories that are to be detected, in every worker. */
@Injectable()
export class DetectionsConsumer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(DetectionsConsumer.name);
  private readonly stop = new AbortController();
  private consumer: JobConsumer | undefined;

  constructor(
    private readonly jobs: JobQueue,
    private readonly bus: EventBus,
    private readonly detector: RepositoryDetector,
  ) {}

  onApplicationBootstrap(): void {
    this.consumer = this.jobs.consume(AT_ONCE, ({ executionId }) => this.take(executionId));
    this.consumer.setQueues([DETECTION_QUEUE]);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stop.abort();
    await this.consumer?.close(CLOSE_MS);
  }

  /** Whoever asked waits for seconds: what cannot be done now is not done later. */
  private async take(id: string): Promise<JobOutcome> {
    try {
      const state = await this.stateOf(id);
      if (state?.kind !== 'asked') return 'done';
      await this.put(id, { kind: 'taken' });
      const end = await this.detect(state.request);
      // Nobody waits any more: nothing is left behind.
      if ((await this.stateOf(id)) !== undefined) await this.put(id, end);
    } catch (error) {
      this.logger.warn({ err: error, detectionId: id }, 'a detection could not be told');
    }
    return 'done';
  }

  private async detect(request: RepositoryRequest): Promise<DetectionEnd> {
    try {
      return await this.detector.detect(request, this.stop.signal);
    } catch (error) {
      this.logger.error({ err: error }, 'a repository could not be detected');
      return detectionProblem('failed', 'The repository could not be detected.');
    }
  }

  private async stateOf(id: string): Promise<JobState | undefined> {
    const stored = await this.bus.getState(id);
    return stored && (JSON.parse(stored.state) as JobState);
  }

  private async put(id: string, state: JobState): Promise<void> {
    await this.bus.putState(id, fenceOf(state), JSON.stringify(state));
  }
}
