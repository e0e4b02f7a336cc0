import { randomBytes } from 'node:crypto';
import { ApiUnderTest } from '../../../test/support/api-under-test.js';
import { ScheduleClock } from './schedule-clock.js';
import { Scheduler } from './scheduler.js';

const MINUTE_MS = 60_000;

interface Schedules {
  readonly starts: boolean;
  readonly reason: { readonly code: string };
  readonly items: readonly {
    readonly next: readonly string[];
    readonly last: {
      readonly at: string;
      readonly starts: boolean;
      readonly reason: { readonly code: string };
      readonly execution_id: string | null;
    } | null;
  }[];
}

describe('two servers on one database', () => {
  let servers: readonly ApiUnderTest[];
  let now: number;

  beforeAll(async () => {
    // One after the other: they share a database that the first one makes.
    const shared = { ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}` };
    servers = [await ApiUnderTest.start(shared), await ApiUnderTest.start(shared)];
    now = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS + 30_000;
    for (const { app } of servers) {
      jest.spyOn(app.get(ScheduleClock), 'now').mockImplementation(() => now);
    }
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    for (const server of servers) await server.stop();
  });

  const [a, b] = [() => servers[0] as ApiUnderTest, () => servers[1] as ApiUnderTest];
  const rounds = async (): Promise<void> => {
    await Promise.all(servers.map(({ app }) => app.get(Scheduler).round()));
  };
  const schedules = async (pipeline: string): Promise<Schedules> => {
    const answer = await a().call('get', `/api/ci/pipelines/${pipeline}/schedules`).expect(200);
    return answer.body as Schedules;
  };

  it('start one execution for each tick', async () => {
    const yaml = 'name: often\ntriggers: [{ schedule: { cron: "* * * * *" } }]\nsteps: [true]\n';
    const pipeline = await a().createPipeline(yaml);
    await rounds();
    const count = (): Promise<number> => b().count('executions', { pipeline_id: pipeline });
    const before = await count();
    for (let minute = 1; minute <= 5; minute++) {
      now += MINUTE_MS;
      await rounds();
      await rounds();
      expect(await count()).toBe(before + minute);
    }
    const { starts, items } = await schedules(pipeline);
    expect(starts).toBe(true);
    const last = items[0]?.last;
    expect(last).toMatchObject({ starts: true, reason: { code: 'trigger_accepted' } });
    const path = `/api/ci/executions/${last?.execution_id ?? ''}`;
    const execution = await b().call('get', path).expect(200);
    expect(execution.body).toMatchObject({
      pipeline_id: pipeline,
      trigger_info: { trigger_type: 'schedule', triggered_by: 'schedule', timestamp: last?.at },
    });
  });

  it('list the next five times, and why nothing starts', async () => {
    const yaml =
      'name: daily\ntriggers: [{ schedule: { cron: "0 3 * * *", timezone: Europe/Berlin } }]\nsteps: [true]\n';
    const pipeline = await a().createPipeline(yaml);
    await a().call('patch', `/api/ci/pipelines/${pipeline}`).send({ enabled: false }).expect(200);
    await rounds();
    const first = await schedules(pipeline);
    expect(first).toMatchObject({
      starts: false,
      reason: { code: 'pipeline_disabled' },
      items: [{ cron: '0 3 * * *', timezone: 'Europe/Berlin', catch_up: true, last: null }],
    });
    const next = first.items[0]?.next ?? [];
    expect(next).toHaveLength(5);
    now = Date.parse(next[0] ?? '') + 1_000;
    await rounds();
    const [item] = (await schedules(pipeline)).items;
    expect(item).toMatchObject({
      next: next.slice(1).concat(expect.any(String) as string),
      last: { at: next[0], starts: false, reason: { code: 'pipeline_disabled' } },
    });
    expect(await b().count('executions', { pipeline_id: pipeline })).toBe(0);
  });
});
