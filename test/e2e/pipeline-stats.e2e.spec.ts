import { randomUUID } from 'node:crypto';
import { MillraceServer } from '../support/millrace-server.js';

const yaml = `name: stats
stages:
  - name: main
    steps:
      - name: good
        run: "true"
      - name: sometimes
        run: test "$FAIL" != yes
`;

describe('statistics of a pipeline', () => {
  let server: MillraceServer;

  beforeAll(async () => {
    server = await MillraceServer.start();
  });

  afterAll(() => server.stop());

  it('tells how it did, from what really ran', async () => {
    const pipeline = await server.createPipeline(yaml);
    const path = `/api/ci/pipelines/${pipeline}/stats`;
    expect(await server.call('GET', path)).toMatchObject({
      pipeline_id: pipeline,
      days: 30,
      looked_at: 0,
      success_rate: null,
    });

    const run = async (FAIL: string) =>
      server.finished(await server.trigger(pipeline, { environment: { FAIL } }));
    const good = [await run('no'), await run('no'), await run('no')];
    const bad = await run('yes');

    const stats = await server.call<Stats>('GET', `${path}?days=1`);
    expect(stats).toMatchObject({
      days: 1,
      looked_at: 4,
      cut: false,
      by_status: { success: 3, failed: 1 },
      success_rate: 0.75,
      unsteady_steps: [
        { stage: 'main', step: 'sometimes', runs: 4, failed: 1, flaky: 0, share: 0.25 },
      ],
      last_success: { id: good[2]?.id },
      last_failure: { id: bad.id },
    });
    const durations = good.map(({ duration }) => duration ?? 0).sort((a, b) => a - b);
    expect(stats.duration_ms).toEqual({ p50: durations[1], p95: durations[2] });
    expect(stats.queue_ms.p50).toBeGreaterThanOrEqual(0);
    expect(stats.by_day.reduce((sum, { success, failed }) => sum + success + failed, 0)).toBe(4);
  });

  it.each([
    [`/api/ci/pipelines/${randomUUID()}/stats`, 404],
    ['/api/ci/pipelines/no-uuid/stats', 400],
    [`/api/ci/pipelines/${randomUUID()}/stats?days=0`, 400],
    [`/api/ci/pipelines/${randomUUID()}/stats?days=366`, 400],
    [`/api/ci/pipelines/${randomUUID()}/stats?days=x`, 400],
  ])('GET %s is %i', async (path, status) => {
    expect((await server.fetch('GET', path)).status).toBe(status);
  });
});

interface Stats {
  readonly duration_ms: { readonly p50: number; readonly p95: number };
  readonly queue_ms: { readonly p50: number; readonly p95: number };
  readonly by_day: readonly { readonly success: number; readonly failed: number }[];
}
