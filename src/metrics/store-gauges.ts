import Gauge from 'prom-client/lib/gauge.js';
import Registry from 'prom-client/lib/registry.js';
import type { PrometheusContentType } from 'prom-client';
import type { LiveCount } from '../executions/record/live-counts.repository.js';
import type { WorkerRecord } from '../workers/worker.schema.js';

/** More queues than these are shown as one: `runs_on` is the users' to choose. */
const MOST_QUEUES = 50;
/** No name of a queue begins so. */
const OTHER_QUEUES = '_other';

type Store = 'database' | 'redis';

/** What the stores know of the whole installation, as of one scrape. */
export class StoreGauges {
  readonly registry = new Registry<PrometheusContentType>();

  private readonly up = this.gauge(
    'millrace_store_up',
    '1: the store answered this scrape. 0: what it knows is missing from it.',
    ['store'],
  );
  private readonly executions = this.gauge(
    'millrace_executions',
    'Executions that are not over, by status.',
    ['status'],
  );
  private readonly queueDepth = this.gauge(
    'millrace_queue_depth',
    'Executions that wait for a worker, by queue: one for each set of labels asked for.',
    ['queue'],
  );
  private readonly queueOldest = this.gauge(
    'millrace_queue_oldest_seconds',
    'Time since the oldest execution that waits for a worker was queued.',
    ['queue'],
  );
  private readonly workers = this.gauge('millrace_workers', 'Live workers, by status.', ['status']);
  private readonly slots = this.gauge(
    'millrace_worker_slots',
    'Executions that all live workers can run at once (total) and run (used).',
    ['state'],
  );
  private readonly refusing = this.gauge(
    'millrace_workers_refusing',
    'Live workers that take no executions, by reason.',
    ['reason'],
  );

  setUp(store: Store, isUp: boolean): void {
    this.up.set({ store }, isUp ? 1 : 0);
  }

  setExecutions(counts: readonly LiveCount[]): void {
    for (const status of ['pending', 'waiting', 'running'] as const) {
      const ofStatus = counts.filter((each) => each.status === status);
      this.executions.set({ status }, sum(ofStatus));
    }
    const queues = counts
      .filter(({ status }) => status === 'pending')
      .sort((a, b) => b.count - a.count);
    const [shown, rest] = [queues.slice(0, MOST_QUEUES), queues.slice(MOST_QUEUES)];
    for (const each of shown) this.setQueue(each.queue, [each]);
    if (rest.length > 0) this.setQueue(OTHER_QUEUES, rest);
  }

  setWorkers(live: readonly WorkerRecord[]): void {
    for (const status of ['active', 'draining'] as const) {
      this.workers.set({ status }, live.filter((worker) => worker.status === status).length);
    }
    this.slots.set({ state: 'total' }, total(live, 'concurrency'));
    this.slots.set({ state: 'used' }, total(live, 'running'));
    for (const { refusal } of live) if (refusal) this.refusing.inc({ reason: refusal.code });
  }

  private setQueue(queue: string, counts: readonly LiveCount[]): void {
    const oldest = Math.min(...counts.map((each) => each.oldest.getTime()));
    this.queueDepth.set({ queue }, sum(counts));
    this.queueOldest.set({ queue }, Math.max(0, Date.now() - oldest) / 1000);
  }

  private gauge<L extends string>(name: string, help: string, labelNames: readonly L[]) {
    return new Gauge<L>({ name, help, labelNames, registers: [this.registry] });
  }
}

function sum(counts: readonly LiveCount[]): number {
  return counts.reduce((all, { count }) => all + count, 0);
}

function total(workers: readonly WorkerRecord[], key: 'concurrency' | 'running'): number {
  return workers.reduce((all, worker) => all + worker[key], 0);
}
