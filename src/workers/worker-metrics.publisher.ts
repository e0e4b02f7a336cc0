import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { PeriodicTask } from '../common/async/periodic-task.js';
import { Metrics } from '../common/metrics/metrics.js';
import { WorkerMetricsStore } from './worker-metrics.store.js';

const INTERVAL_MS = 5_000;
/** What only an API publishes. */
const OF_THE_API = /^millrace_(http|sse|errors|executions_accepted)_/;

/**
 * Sends the API every 5 s, and once more at the end, what this worker counted: it has no port of
 * its own.
 */
@Injectable()
export class WorkerMetricsPublisher implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(WorkerMetricsPublisher.name);
  private readonly rounds = new PeriodicTask(() => this.publish(), { everyMs: INTERVAL_MS });

  constructor(
    private readonly metrics: Metrics,
    private readonly store: WorkerMetricsStore,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.rounds.stop();
    await this.publish();
  }

  /** Never rejects: the counters are still there next time. */
  private async publish(): Promise<void> {
    try {
      await this.publishOnce();
    } catch (error) {
      this.logger.debug({ err: error }, 'metrics not published');
    }
  }

  private async publishOnce(): Promise<void> {
    await this.metrics.withProcessMetrics();
    const all = await this.metrics.registry.getMetricsAsJSON();
    await this.store.publish(
      this.metrics.id,
      all.filter(({ name }) => !OF_THE_API.test(name)),
    );
  }
}
