import { Injectable, Logger } from '@nestjs/common';
import { within } from '../common/async/within.js';
import { Metrics } from '../common/metrics/metrics.js';
import { LiveCountsRepository } from '../executions/record/live-counts.repository.js';
import { WorkerMetricsStore, type WorkerMetrics } from '../workers/worker-metrics.store.js';
import { WorkersRepository } from '../workers/workers.repository.js';
import { renderMetrics } from './render-metrics.js';
import { StoreGauges } from './store-gauges.js';

/** A store that does not answer by then counts as down: Prometheus itself waits 10 s. */
const STORE_MS = 2_000;

/** Gathers what `/metrics` shows. */
@Injectable()
export class MetricsService {
  private readonly logger = new Logger(MetricsService.name);
  private gathering: Promise<string> | undefined;

  constructor(
    private readonly metrics: Metrics,
    private readonly executions: LiveCountsRepository,
    private readonly workers: WorkersRepository,
    private readonly workerMetrics: WorkerMetricsStore,
  ) {}

  /**
   * Everything: this process, the workers, what the stores know. Scrapes that come together share
   * one answer.
   */
  installation(): Promise<string> {
    this.gathering ??= this.gather().finally(() => (this.gathering = undefined));
    return this.gathering;
  }

  /** This process alone: for each further API behind a load balancer. */
  async process(): Promise<string> {
    await this.metrics.withProcessMetrics();
    return renderMetrics(await this.metrics.registry.getMetricsAsJSON(), []);
  }

  private async gather(): Promise<string> {
    const gauges = new StoreGauges();
    const [workers] = await Promise.all([
      this.readWorkers(gauges),
      this.readDatabase(gauges),
      this.metrics.withProcessMetrics(),
    ]);
    const own = [
      ...(await this.metrics.registry.getMetricsAsJSON()),
      ...(await gauges.registry.getMetricsAsJSON()),
    ];
    // ROLE=all: the worker of this very process has published what the registry holds.
    const others = workers.filter(({ registryId }) => registryId !== this.metrics.id);
    return renderMetrics(own, others);
  }

  private async readWorkers(gauges: StoreGauges): Promise<readonly WorkerMetrics[]> {
    const workers = await this.read('redis', this.workerMetrics.read());
    gauges.setUp('redis', workers !== undefined);
    return workers ?? [];
  }

  private async readDatabase(gauges: StoreGauges): Promise<void> {
    const read = Promise.all([this.executions.read(), this.workers.live()]);
    const found = await this.read('database', read);
    gauges.setUp('database', found !== undefined);
    if (!found) return;
    const [counts, workers] = found;
    gauges.setExecutions(counts);
    gauges.setWorkers(workers);
  }

  /** Undefined: the store is away or hangs. The scrape says so and continues. */
  private read<T>(store: string, reading: Promise<T>): Promise<T | undefined> {
    const answer = reading.catch((error: unknown) => {
      this.logger.debug({ err: error, store }, 'not in this scrape');
      return undefined;
    });
    return within(STORE_MS, answer, () => undefined);
  }
}
