import { eventually } from '../support/eventually.js';
import { MillraceServer, type ServerProcess } from '../support/millrace-server.js';

jest.setTimeout(150_000);

const MINUTE_MS = 60_000;

interface Schedules {
  readonly items: readonly {
    readonly next: readonly string[];
    readonly last: { readonly at: string; readonly execution_id: string | null } | null;
  }[];
}

interface Execution {
  readonly id: string;
  readonly trigger_info: { readonly trigger_type: string };
}

describe('a schedule', () => {
  let server: MillraceServer;
  let first: ServerProcess | undefined;

  beforeAll(async () => {
    server = await MillraceServer.start();
    first = server.api;
    await server.startApi();
  });
  afterAll(async () => {
    await first?.end();
    await server?.stop();
  });

  const schedules = (pipeline: string): Promise<Schedules> =>
    server.call<Schedules>('GET', `/api/ci/pipelines/${pipeline}/schedules`);

  it('starts one execution at its time, of two servers that both look', async () => {
    const pipeline = await server.createPipeline(`name: often
triggers: [{ schedule: { cron: "* * * * *" } }]
steps:
  - name: say
    run: echo "by $CI_EVENT as $CI_ACTOR"
`);
    const { items } = await schedules(pipeline);
    expect(items[0]?.next).toHaveLength(5);
    const next = items[0]?.next[0] ?? '';
    expect(Date.parse(next) - Date.now()).toBeLessThanOrEqual(MINUTE_MS);
    const last = await eventually(
      async () => (await schedules(pipeline)).items[0]?.last ?? undefined,
      90_000,
    );
    const id = last.execution_id ?? '';
    // The tick is stored first, with the id that its execution will have.
    await eventually(
      async () => (await server.fetch('GET', `/api/ci/executions/${id}`)).ok || undefined,
    );
    const execution = await server.finished(id, 30_000);
    expect(execution).toMatchObject({ status: 'success', number: 1 });
    expect(execution.logs).toEqual(['by schedule as schedule']);
    const all = await server.call<Execution[]>('GET', `/api/ci/executions?pipeline_id=${pipeline}`);
    const { last: newest } = (await schedules(pipeline)).items[0] ?? {};
    const ticks = (Date.parse(newest?.at ?? '') - Date.parse(last.at)) / MINUTE_MS + 1;
    expect(all).toHaveLength(ticks);
  });

  it('starts by a dry run too', async () => {
    const yaml_content = 'name: x\ntriggers: [{ schedule: { cron: "0 3 * * *" } }]\nsteps: [a]\n';
    const plan = await server.call('POST', '/api/ci/pipelines/plan', {
      yaml_content,
      trigger: { event: 'schedule' },
    });
    expect(plan).toMatchObject({ decision: { starts: true } });
  });
});
