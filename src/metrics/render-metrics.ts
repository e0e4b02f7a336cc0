import Registry from 'prom-client/lib/registry.js';
import type { Metric, PrometheusContentType } from 'prom-client';
import type { MetricSnapshot, WorkerMetrics } from '../workers/worker-metrics.store.js';

/**
 * A worker that has sent nothing for so long is gone or hangs: what it counted stays true, what it
 * measured does not.
 */
const FRESH_MS = 20_000;

/**
 * The text that Prometheus reads: this process's metrics as they are, those of every worker with
 * the label `worker`. Each worker's counters stay series of their own, so that one that ends or
 * starts again is a reset, which `rate()` knows, and never a sum that falls.
 */
export function renderMetrics(
  own: readonly MetricSnapshot[],
  workers: readonly WorkerMetrics[],
): Promise<string> {
  const merged = new Map<string, MetricSnapshot>();
  for (const metric of own) merged.set(metric.name, metric);
  for (const { worker, ageMs, metrics } of workers) {
    for (const metric of metrics) {
      if (isGauge(metric) && ageMs > FRESH_MS) continue;
      const known = merged.get(metric.name) ?? { ...metric, values: [] };
      merged.set(metric.name, { ...known, values: [...known.values, ...labelled(metric, worker)] });
    }
  }
  const registry = new Registry<PrometheusContentType>();
  for (const metric of merged.values()) registry.registerMetric(asMetric(metric));
  return registry.metrics();
}

function labelled(metric: MetricSnapshot, worker: string): MetricSnapshot['values'] {
  return metric.values.map((value) => ({ ...value, labels: { ...value.labels, worker } }));
}

/** The declared type says that it is a number; it is a word. */
function isGauge({ type }: MetricSnapshot): boolean {
  return String(type) === 'gauge';
}

/** All that the registry asks of a metric to print it. */
function asMetric(snapshot: MetricSnapshot): Metric {
  // No number (a mean of nothing, and `null` once it went through JSON) is no sample: the reader
  // may refuse the whole scrape for it.
  const printed = {
    ...snapshot,
    values: snapshot.values.filter(({ value }) => Number.isFinite(value)),
  };
  return { ...printed, get: () => Promise.resolve(printed) } as unknown as Metric;
}
