import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';
import Registry from 'prom-client/lib/registry.js';
import type { PrometheusContentType } from 'prom-client';
import { statusOfKind, type ErrorKind } from '../errors/error-kind.js';

/** Seconds: what is between a request and its answer. */
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Seconds: from a no-op step to a long build. */
const RUN_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 180, 600, 1800, 3600, 14_400];
/** Seconds: the start of a process. */
const SPAWN_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

/** How an execution can end. */
const ENDS = ['success', 'failed', 'cancelled', 'timeout'] as const;

/** Parts outside this process that can fail it. */
export type Dependency = 'database' | 'redis' | 'queue' | 'git';

/**
 * What this process counts, in the one registry that `/metrics` shows. Every label has a bounded
 * set of values, all of them Millrace's own words: no id, no name that a user chose.
 * docs/observability.md describes each metric; a test holds both together.
 */
@Injectable()
export class Metrics {
  /** Tells the registries of processes apart. */
  readonly id = randomUUID();
  readonly registry = new Registry<PrometheusContentType>();
  private defaults: Promise<void> | undefined;

  readonly httpRequests = this.histogram(
    'millrace_http_request_duration_seconds',
    'Time from a request to the end of its answer, event streams left out.',
    REQUEST_SECONDS,
    ['method', 'route', 'status_class'],
  );
  readonly httpInFlight = this.gauge(
    'millrace_http_requests_in_flight',
    'Requests that have no whole answer yet, event streams included.',
  );
  readonly sseClients = this.gauge(
    'millrace_sse_clients',
    'Clients that follow an execution as server-sent events.',
  );
  readonly errors = this.counter(
    'millrace_errors_total',
    'Errors that were answered, by their kind in the error shape.',
    ['kind'],
  );
  readonly dependencyErrors = this.counter(
    'millrace_dependency_errors_total',
    'Failures of what Millrace stands on: connections of the stores, jobs not enqueued, clones.',
    ['dependency', 'code'],
  );

  readonly executionsAccepted = this.counter(
    'millrace_executions_accepted_total',
    'Executions that were accepted.',
    ['trigger'],
  );
  readonly executionsFinished = this.counter(
    'millrace_executions_finished_total',
    'Executions that ended, by their final status.',
    ['status'],
  );
  readonly executionDuration = this.histogram(
    'millrace_execution_duration_seconds',
    'Time from the first start of an execution to its end.',
    RUN_SECONDS,
    ['status'],
  );
  readonly queueWait = this.histogram(
    'millrace_execution_queue_wait_seconds',
    'Time from the (last) queueing of an execution to its claim by a worker.',
    RUN_SECONDS,
  );
  readonly attempts = this.counter(
    'millrace_execution_attempts_total',
    'Execution attempts that ended on a worker: settled, requeued (offered again), fenced (taken away), failed (in Millrace itself).',
    ['end'],
  );
  readonly recoveries = this.counter(
    'millrace_execution_recoveries_total',
    'Executions recovered from a worker that was lost or never heard of its claim: requeued, or ended.',
    ['outcome'],
  );

  readonly stepDuration = this.histogram(
    'millrace_step_duration_seconds',
    'Time of one attempt of one step.',
    RUN_SECONDS,
    ['kind', 'outcome'],
  );
  readonly stepRetries = this.counter(
    'millrace_step_retries_total',
    'Tries of steps after their first one.',
  );
  readonly stepSpawn = this.histogram(
    'millrace_step_spawn_duration_seconds',
    'Time from the request for a process to its start; the count is the number of processes started.',
    SPAWN_SECONDS,
  );

  readonly logLines = this.counter('millrace_log_lines_total', 'Log lines taken from steps.');
  readonly logBytes = this.counter('millrace_log_bytes_total', 'Bytes of the log lines taken.');
  readonly logDroppedBytes = this.counter(
    'millrace_log_dropped_bytes_total',
    'Bytes of log lines dropped beyond the limit of an execution.',
  );
  readonly logsTruncated = this.counter(
    'millrace_logs_truncated_total',
    'Logs that reached the limit of an execution and were cut.',
  );

  readonly buildInfo = this.gauge(
    'millrace_build_info',
    'Always 1; the labels say which Millrace and which Node.js run.',
    ['version', 'node_version'],
  );

  constructor() {
    // A rate needs the zero before the first event.
    for (const kind of Object.keys(statusOfKind)) this.errors.inc({ kind }, 0);
    for (const status of ENDS) this.executionsFinished.inc({ status }, 0);
    for (const end of ['settled', 'requeued', 'fenced', 'failed']) this.attempts.inc({ end }, 0);
    for (const outcome of ['requeued', 'ended']) this.recoveries.inc({ outcome }, 0);
  }

  /** An execution of this process's doing is over. `durationMs` is absent when it never began. */
  executionFinished(status: string, durationMs: number | null): void {
    this.executionsFinished.inc({ status });
    if (durationMs !== null) this.executionDuration.observe({ status }, durationMs / 1000);
  }

  errorAnswered(kind: ErrorKind): void {
    this.errors.inc({ kind });
  }

  /**
   * `code` must be one of a fixed set; errors of sockets and the like are reduced to it by
   * `errorCode`.
   */
  dependencyFailed(dependency: Dependency, code: string): void {
    this.dependencyErrors.inc({ dependency, code });
  }

  /**
   * Adds the metrics of the Node.js process (`process_…`, `nodejs_…`). Not part of the start, which
   * they would make longer: whoever first shows or publishes the registry calls it. Idempotent.
   */
  withProcessMetrics(): Promise<void> {
    this.defaults ??= import('prom-client').then(({ collectDefaultMetrics }) =>
      collectDefaultMetrics({ register: this.registry }),
    );
    return this.defaults;
  }

  private counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []) {
    return new Counter<L>({ name, help, labelNames, registers: [this.registry] });
  }

  private gauge<L extends string>(name: string, help: string, labelNames: readonly L[] = []) {
    return new Gauge<L>({ name, help, labelNames, registers: [this.registry] });
  }

  private histogram<L extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly L[] = [],
  ) {
    return new Histogram<L>({ name, help, buckets, labelNames, registers: [this.registry] });
  }
}

const SOCKET_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** The code of an error of a connection as a label: a known one, or `other`. */
export function errorCode(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && SOCKET_CODES.has(code) ? code : 'other';
}
