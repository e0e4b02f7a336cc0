import { randomBytes } from 'node:crypto';
import { eventually } from '../support/eventually.js';
import { MillraceServer } from '../support/millrace-server.js';
import { OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.js';

const yaml = `
name: traced
stages:
  - name: build
    steps:
      - { name: one, run: "echo $SECRET_WORD" }
      - { name: two, run: exit 4, retry: { max: 1, backoff: { initial: 10ms } } }
always:
  - { name: tidy, run: "true" }
`;
const SECRET = 'correct-horse-battery';

describe('traces', () => {
  it('tell one execution as one tree, over API and worker, below the caller', async () => {
    const collector = await OtlpReceiver.start();
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint };
    const server = await MillraceServer.start({ environment });
    try {
      const pipeline = await server.createPipeline(yaml);
      const traceId = randomBytes(16).toString('hex');
      const caller = randomBytes(8).toString('hex');
      const path = `/api/ci/pipelines/${pipeline}/trigger`;
      const headers = { traceparent: `00-${traceId}-${caller}-01` };
      const body = { environment: { SECRET_WORD: SECRET } };
      const answer = await server.fetch('POST', path, body, headers);
      const { execution_id: id } = (await answer.json()) as { execution_id: string };
      expect((await server.finished(id)).status).toBe('failed');

      const trace = await eventually(() => {
        const own = collector.spans.filter((span) => span.traceId === traceId);
        const isWhole = own.some(({ name }) => name.startsWith('process')) && own.length >= 15;
        return isWhole ? own : undefined;
      });
      expect(tree(trace, caller)).toEqual([
        'millrace-api: POST /api/ci/pipelines/:id/trigger',
        '  millrace-api: execution accept',
        '    millrace-api: add any.execution',
        '      millrace-worker: process any',
        '        millrace-worker: execution claim',
        '        millrace-worker: execution attempt',
        '          millrace-worker: stage build (failed)',
        '            millrace-worker: step one',
        '              millrace-worker: try 1',
        '            millrace-worker: step two (failed)',
        '              millrace-worker: try 1 (failed)',
        '              millrace-worker: try 2 (failed)',
        '          millrace-worker: step tidy',
        '            millrace-worker: try 1',
        '          millrace-worker: execution settle',
      ]);
      const settle = trace.find(({ name }) => name === 'execution settle');
      expect(settle?.attributes).toMatchObject({ 'millrace.status': 'failed' });
      const lastTry = trace.find(({ name }) => name === 'try 2');
      expect(lastTry?.attributes).toMatchObject({ 'process.exit.code': 4 });
      for (const each of trace) expect(each.endNs).toBeGreaterThanOrEqual(each.startNs);

      // BullMQ's polling, health and metrics make no traces of their own.
      await server.fetch('GET', '/metrics');
      const roots = collector.spans.filter(({ parentSpanId }) => !parentSpanId);
      expect(roots.filter(({ name }) => !/^(GET|POST) \/api\/ci\//.test(name))).toEqual([]);
      expect(collector.bodies.join('\n')).not.toContain(SECRET);
      expect(collector.bodies.join('\n')).not.toContain('test-token');
    } finally {
      await server.stop();
      await collector.stop();
    }
  });

  it('do no harm when nobody takes them: runs continue, and each process says so once', async () => {
    const gone = await OtlpReceiver.start();
    const { endpoint } = gone;
    await gone.stop();
    const server = await MillraceServer.start({
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint },
    });
    try {
      const id = await server.createPipeline(yaml.replace('exit 4', 'exit 0'));
      const said = (output = ''): number =>
        output.split('the collector takes no traces').length - 1;
      const outputs = (): (string | undefined)[] => [
        server.api?.output(),
        server.workers[0]?.output(),
      ];
      await eventually(async () => {
        expect((await server.finished(await server.trigger(id))).status).toBe('success');
        return outputs().every((output) => said(output) > 0) || undefined;
      });
      for (let run = 0; run < 20; run++) await server.finished(await server.trigger(id));
      for (const output of outputs()) expect(said(output)).toBe(1);
      const begun = performance.now();
      await server.stop();
      expect(performance.now() - begun).toBeLessThan(15_000);
    } finally {
      await server.stop();
    }
  });
});

/** The spans below `parent`, in the order of their beginning, indented by depth. */
function tree(spans: readonly ReceivedSpan[], parent: string, depth = 0): string[] {
  return spans
    .filter(({ parentSpanId }) => parentSpanId === parent)
    .sort((a, b) => (a.startNs < b.startNs ? -1 : 1))
    .flatMap((span) => [
      `${'  '.repeat(depth)}${span.service}: ${span.name}${span.isError ? ' (failed)' : ''}`,
      ...tree(spans, span.spanId, depth + 1),
    ]);
}
