import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/config/paths.js';
import { eventually } from '../support/eventually.js';
import { MillraceServer } from '../support/millrace-server.js';
import { type MetricFamily, parsePrometheusText, total } from '../support/prometheus-text.js';

const pipeline = (run: string, more = ''): string =>
  `name: measured\nstages:\n  - name: main\n    steps:\n      - name: only\n        run: ${JSON.stringify(run)}\n${more}`;

describe('/metrics', () => {
  let server: MillraceServer;

  beforeAll(async () => {
    server = await MillraceServer.start({
      workers: 2,
      environment: { MAX_LOG_SIZE: '64KiB', LIVE_LOG_SIZE: '64KiB' },
    });
  });

  afterAll(async () => {
    await server.stop();
  });

  const scrape = async (query = ''): Promise<Map<string, MetricFamily>> => {
    const response = await fetch(`${server.baseUrl}/metrics${query}`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    return parsePrometheusText(await response.text());
  };

  it('counts what was run, over all workers', async () => {
    const good = await server.createPipeline(pipeline('printf "a\\nbb\\n"'));
    const bad = await server.createPipeline(
      pipeline('exit 3', '        retry: { max: 2, backoff: { initial: 10ms } }\n'),
    );
    const loud = await server.createPipeline(pipeline('yes 123456789 | head -c 200000'));
    const ids = await Promise.all(
      [good, good, good, good, good, bad, bad, loud].map((id) => server.trigger(id)),
    );
    for (const id of ids) await server.finished(id);

    // Workers tell every 5 s.
    const metrics = await eventually(async () => {
      const now = await scrape();
      return total(now, 'millrace_executions_finished_total') >= ids.length ? now : undefined;
    }, 20_000);
    const value = (name: string, labels = {}): number => total(metrics, name, labels);
    expect(value('millrace_executions_accepted_total', { trigger: 'manual' })).toBe(8);
    expect(value('millrace_executions_finished_total', { status: 'success' })).toBe(6);
    expect(value('millrace_executions_finished_total', { status: 'failed' })).toBe(2);
    expect(value('millrace_execution_duration_seconds_count', { status: 'success' })).toBe(6);
    expect(value('millrace_execution_queue_wait_seconds_count')).toBe(8);
    expect(value('millrace_execution_attempts_total', { end: 'settled' })).toBe(8);
    const shell = { kind: 'shell', outcome: 'success' };
    expect(value('millrace_step_duration_seconds_count', shell)).toBe(6);
    expect(value('millrace_step_duration_seconds_count', { ...shell, outcome: 'failed' })).toBe(6);
    expect(value('millrace_step_retries_total')).toBe(4);
    expect(value('millrace_step_spawn_duration_seconds_count')).toBe(12);
    expect(value('millrace_step_spawn_duration_seconds_sum')).toBeGreaterThan(0);
    expect(value('millrace_log_bytes_total')).toBeGreaterThan(5 * 5 + 60_000);
    expect(value('millrace_log_bytes_total')).toBeLessThanOrEqual(5 * 5 + 65_536);
    const logged = value('millrace_log_bytes_total') + value('millrace_log_dropped_bytes_total');
    expect(logged).toBe(5 * 5 + 200_000);
    expect(value('millrace_logs_truncated_total')).toBe(1);
    expect(value('millrace_workers', { status: 'active' })).toBe(2);
    expect(value('millrace_worker_slots', { state: 'total' })).toBe(8);
    expect(value('millrace_executions', { status: 'running' })).toBe(0);
    expect(value('millrace_store_up')).toBe(2);
    const route = '/api/ci/pipelines/:id/trigger';
    const http = { method: 'POST', route, status_class: '2xx' };
    expect(value('millrace_http_request_duration_seconds_count', http)).toBe(8);
    const workers = metrics.get('process_resident_memory_bytes')?.samples ?? [];
    expect(workers.map(({ labels }) => labels['worker']?.replace(/^.*\//, ''))).toEqual([
      undefined,
      '0',
      '1',
    ]);
    expect(value('millrace_build_info')).toBe(3);

    const missing = namesInDocs().filter((name) => !isInScrape(metrics, name));
    expect(missing).toEqual([]);
  });

  it('keeps its labels bounded, whatever paths and methods are asked for', async () => {
    const before = seriesOf(await scrape());
    for (let batch = 0; batch < 20; batch++) {
      const paths = Array.from({ length: 50 }, (_, index) => `/api/${batch}/x${index}?q=${index}`);
      await Promise.all(paths.map((path) => server.fetch('GET', path)));
    }
    await server.fetch('GET', '/api/%FF');
    await server.fetch('DELETE', '/metrics');
    const metrics = await scrape();
    const odd = { route: 'unmatched', method: 'GET', status_class: '4xx' };
    expect(total(metrics, 'millrace_http_request_duration_seconds_count', odd)).toBe(1_001);
    expect(total(metrics, 'millrace_errors_total', { kind: 'NotFoundError' })).toBe(1_000);
    // One new series, with its buckets, its sum and its count.
    expect(seriesOf(metrics) - before).toBeLessThan(60);
  });

  it('shows pending executions by queue, of queues that nobody serves', async () => {
    const yaml = pipeline('true').replace('stages:', 'runs_on: [gpu]\nstages:');
    const id = await server.trigger(await server.createPipeline(yaml));
    const metrics = await scrape();
    expect(total(metrics, 'millrace_queue_depth', { queue: 'gpu' })).toBe(1);
    expect(total(metrics, 'millrace_queue_oldest_seconds', { queue: 'gpu' })).toBeLessThan(30);
    await server.call('DELETE', `/api/ci/executions/${id}/cancel`);
    const after = await scrape();
    expect(after.get('millrace_queue_depth')?.samples).toEqual([]);
    expect(total(after, 'millrace_executions_finished_total', { status: 'cancelled' })).toBe(1);
  });

  it('shows only the process that answers, by ?scope=process', async () => {
    const metrics = await scrape('?scope=process');
    expect(metrics.get('process_resident_memory_bytes')?.samples).toHaveLength(1);
    expect(metrics.has('millrace_workers')).toBe(false);
    const wrong = await server.fetch('GET', '/metrics?scope=all');
    expect(wrong.status).toBe(400);
  });

  it('asks who comes through a proxy for the token', async () => {
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(`${server.baseUrl}/metrics`, { headers })).status;
    expect(await status({})).toBe(200);
    for (const name of ['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'Via', 'X-Forwarded-Proto']) {
      expect(await status({ [name]: '127.0.0.1' })).toBe(401);
    }
    const withToken = await server.fetch('GET', '/metrics', undefined, { Via: '1.1 proxy' });
    expect(withToken.status).toBe(200);
  });

  it('counts a client of an event stream, and not its time', async () => {
    const id = await server.trigger(await server.createPipeline(pipeline('sleep 60')));
    const leave = new AbortController();
    const path = `/api/ci/executions/${id}/events`;
    await server.fetch('GET', path, undefined, {}, leave.signal);
    expect(total(await scrape(), 'millrace_sse_clients')).toBe(1);
    leave.abort();
    await eventually(async () => {
      const gone = total(await scrape(), 'millrace_sse_clients') === 0;
      return gone || undefined;
    });
    const route = '/api/ci/executions/:id/events';
    const name = 'millrace_http_request_duration_seconds_count';
    expect(total(await scrape(), name, { route })).toBe(0);
    await server.call('DELETE', `/api/ci/executions/${id}/cancel`);
    await server.finished(id);
  });

  it('keeps what a worker counted when it ends or dies, and nothing that it measured', async () => {
    const id = await server.trigger(await server.createPipeline(pipeline('true')));
    await server.finished(id);
    const [first, second] = server.workers;
    await first?.end();
    await second?.end();
    const metrics = await scrape();
    expect(total(metrics, 'millrace_executions_finished_total', { status: 'success' })).toBe(7);
    expect(total(metrics, 'millrace_workers')).toBe(0);
    await server.startWorker();
    await server.finished(await server.trigger(await server.createPipeline(pipeline('true'))));
    const more = await eventually(async () => {
      const now = await scrape();
      const count = total(now, 'millrace_executions_finished_total', { status: 'success' });
      return count === 8 ? now : undefined;
    }, 20_000);
    expect(total(more, 'millrace_workers', { status: 'active' })).toBe(1);
  });
});

/** Every metric that a query of the dashboard or a rule in the documentation names. */
function namesInDocs(): string[] {
  const read = (file: string): string => readFileSync(join(packageRoot(), 'docs', file), 'utf8');
  const dashboard = JSON.parse(read('grafana-dashboard.json')) as {
    readonly panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
  };
  const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const rules = read('observability.md').match(/expr: '.*'/g) ?? [];
  expect(queries.length).toBeGreaterThan(30);
  expect(rules.length).toBeGreaterThan(3);
  const words = [...queries, ...rules].join(' ').match(/\b(millrace|process|nodejs)_\w+/g) ?? [];
  return [...new Set(words)].sort();
}

function isInScrape(metrics: ReadonlyMap<string, MetricFamily>, name: string): boolean {
  const plain = name.replace(/_(bucket|count|sum)$/, '');
  return metrics.has(name) || metrics.get(plain)?.type === 'histogram';
}

function seriesOf(metrics: ReadonlyMap<string, MetricFamily>): number {
  return [...metrics.values()].reduce((sum, { samples }) => sum + samples.length, 0);
}
