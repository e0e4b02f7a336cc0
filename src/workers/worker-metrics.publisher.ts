import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Metrics } from '../common/metrics/metrics.js';
import { WorkerMetricsStore } from './worker-metrics.store.js';

const INTERVAL_MS = 5_000;
/** What only an API has to tell. */
const OF_THE_API = /^millrace_(http|sse|errors|executions_accepted)_/;

/** Tells the API every 5 s, and once more at the end, what this worker counted: it has no port of its own. */
@Injectable()
export class WorkerMetricsPublisher implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(WorkerMetricsPublisher.name);
  private timer: NodeJS.Timeout | undefined;
  private publishing: Promise<void> | undefined;

  constructor(
    private readonly metrics: Metrics,
    private readonly store: WorkerMetricsStore,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.publish(), INTERVAL_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.publishing;
    await this.publish();
  }

  /** Never rejects: the counters are still there next time. One at a time. */
  private publish(): Promise<void> {
    this.publishing ??= this.publishOnce()
      .catch((error: unknown) => this.logger.debug({ err: error }, 'metrics not published'))
      .finally(() => (this.publishing = undefined));
    return this.publishing;
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
