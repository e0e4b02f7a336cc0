import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import mongoose from 'mongoose';
import { eventually } from '../support/eventually.js';
import { MillraceServer } from '../support/millrace-server.js';
import { processesWith } from '../support/processes.js';
import { testServices } from '../support/services.js';

const step = (run: string, more = ''): string =>
  `name: one\nstages:\n  - name: main\n    steps:\n      - name: only\n        run: ${JSON.stringify(run)}\n${more}`;

describe('executions', () => {
  let server: MillraceServer;

  beforeAll(async () => {
    server = await MillraceServer.start({ workers: 2 });
  });

  afterAll(async () => {
    await server.stop();
  });

  it('runs a pipeline and shows its result, its log and its reasons', async () => {
    const execution = await server.run(step('echo out; echo err >&2'));
    expect(execution).toMatchObject({
      status: 'success',
      attempt: 1,
      stages: [{ name: 'main', status: 'success', steps: [{ name: 'only', exit_code: 0 }] }],
    });
    expect([...execution.logs].sort()).toEqual(['err', 'out']);
    const why = await server.call('GET', `/api/ci/executions/${execution.id}/explain`);
    expect(why).toMatchObject({
      status: 'success',
      stages: [{ reason: { code: 'started' } }],
      critical_path: [{ stage: 'main', step: 'only' }],
      estimate: null,
    });
  });

  it('numbers the executions of each pipeline, also of many that are accepted at once', async () => {
    const yaml = step('echo "number $CI_EXECUTION_NUMBER"').replace('name: one', 'name: counted');
    const pipeline = await server.createPipeline(yaml);
    const ids = await Promise.all(Array.from({ length: 12 }, () => server.trigger(pipeline)));
    const all = await Promise.all(ids.map((id) => server.finished(id)));
    const numbers = all.map(({ number }) => number as number);
    // One may be left out: the database was asked twice.
    expect(new Set(numbers).size).toBe(ids.length);
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(1);
    for (const { number, logs } of all) expect(logs).toEqual([`number ${number}`]);

    const path = (name: string): string => `/api/ci/executions/${encodeURIComponent(name)}`;
    const [first] = all;
    expect(await server.call('GET', path(`counted#${first?.number}`))).toMatchObject({
      id: first?.id,
    });
    expect(await server.call('GET', path(`${pipeline}#${first?.number}`))).toMatchObject({
      id: first?.id,
    });
    await expect(server.call('GET', path('counted#99'))).rejects.toThrow('404');
    // Of two pipelines with one name nobody can tell which is meant.
    const other = await server.createPipeline(yaml);
    await server.finished(await server.trigger(other));
    await expect(server.call('GET', path('counted#1'))).rejects.toThrow('409');
  });

  it('tells exit code, last lines and place of a failure', async () => {
    const execution = await server.run(step('echo before the end; exit 7'));
    expect(execution).toMatchObject({
      status: 'failed',
      failure: { stage: 'main', step: 'only', exit_code: 7, last_lines: ['before the end'] },
    });
  });

  it('answers a trigger at once and shows the status live', async () => {
    const id = await server.trigger(await server.createPipeline(step('sleep 1')));
    const running = await server.until(
      id,
      ({ stages }) => stages[0]?.steps[0]?.status === 'running',
    );
    expect(running.status).toBe('running');
    expect((await server.finished(id)).status).toBe('success');
  });

  it('gives steps nothing of the server', async () => {
    const execution = await server.run(step('env | sort; ls /proc/self/fd'));
    const text = execution.logs.join('\n');
    expect(text).not.toMatch(/MONGODB|REDIS|MILLRACE_(TOKEN|ENV)|test-token/);
    expect(text).toMatch(/^CI=true$/m);
    expect(text).toMatch(/^CI_ATTEMPT=1\.1$/m);
  });

  it('cancels a running execution: no process is left and the status stays', async () => {
    const mark = `cancel-${randomUUID()}`;
    const id = await server.trigger(
      await server.createPipeline(
        step(`trap "" TERM; setsid env -i sh -c 'trap "" TERM; : ${mark}; sleep 600' & sleep 600`),
      ),
    );
    await eventually(async () => (await processesWith(mark)).length > 0 || undefined);
    const answer = await server.call('DELETE', `/api/ci/executions/${id}/cancel`);
    expect(answer).toMatchObject({ execution_id: id });
    const execution = await server.finished(id);
    expect(execution).toMatchObject({ status: 'cancelled', reason: { code: 'cancelled_by_user' } });
    await eventually(async () => (await processesWith(mark)).length === 0 || undefined, 15_000);
    const again = await server.fetch('POST', `/api/ci/executions/${id}/cancel`);
    expect(again.status).toBe(409);
  });

  it('runs ten executions at once on two workers, each in its own workspace', async () => {
    const yaml = step(
      'echo "$CI_EXECUTION_ID" > mine; sleep 0.3; test "$(ls)" = mine && test "$(cat mine)" = "$CI_EXECUTION_ID"',
    );
    const pipeline = await server.createPipeline(yaml);
    const ids = await Promise.all(Array.from({ length: 10 }, () => server.trigger(pipeline)));
    const executions = await Promise.all(ids.map((id) => server.finished(id)));
    expect(executions.map(({ status }) => status)).toEqual(Array(10).fill('success'));
    await eventually(async () => (await readdir(join(server.home, 'w'))).length === 0 || undefined);
  });

  it('guesses how long a run still takes from the runs before', async () => {
    const pipeline = await server.createPipeline(step('test "$LONG" != yes || sleep 5'));
    const { duration } = await server.finished(await server.trigger(pipeline));
    const id = await server.trigger(pipeline, { environment: { LONG: 'yes' } });
    await server.until(id, ({ stages }) => stages[0]?.steps[0]?.status === 'running');
    const why = await server.call('GET', `/api/ci/executions/${id}/explain`);
    expect(why).toMatchObject({
      status: 'running',
      estimate: { duration_ms: duration, based_on: 1 },
      critical_path: [{ stage: 'main', step: 'only' }],
    });
    await server.call('POST', `/api/ci/executions/${id}/cancel`, {});
  });

  it('runs the same plan again', async () => {
    const first = await server.run(step('echo "$CI_EXECUTION_ID"'));
    const path = `/api/ci/executions/${first.id}/rerun`;
    const { execution_id: id } = await server.call<{ execution_id: string }>('POST', path, {});
    const second = await server.finished(id);
    expect(second).toMatchObject({ status: 'success', rerun_of: first.id });
    expect(second.logs).toEqual([id]);
  });

  it('ends an execution that Millrace itself cannot run', async () => {
    const pipeline = await server.createPipeline(step(`: ${randomUUID()}`));
    const { mongodbUri } = testServices();
    const connection = await mongoose
      .createConnection(mongodbUri, { dbName: server.environment['MONGODB_DATABASE'] })
      .asPromise();
    await connection.collection('plans').deleteMany({});
    await connection.close();
    const execution = await server.finished(await server.trigger(pipeline));
    expect(execution).toMatchObject({
      status: 'failed',
      reason: { code: 'internal_error' },
      stages: [{ status: 'skipped', steps: [{ status: 'skipped' }] }],
    });
  });

  it('says why an execution waits that no worker can take', async () => {
    const yaml = `${step('true')}runs_on: [no-such-label]\n`;
    const id = await server.trigger(await server.createPipeline(yaml));
    const why = await server.call('GET', `/api/ci/executions/${id}/explain`);
    expect(why).toMatchObject({
      status: 'pending',
      reason: { code: 'no_worker' },
      queue: {
        labels: ['no-such-label'],
        workers: 0,
        position: 1,
        wait_ms: null,
        waits_for: [{ code: 'no_worker', data: { labels: ['no-such-label'] } }],
      },
      estimate: null,
      critical_path: [],
    });
    await server.call('POST', `/api/ci/executions/${id}/cancel`, { reason: 'not needed' });
    expect(await server.execution(id)).toMatchObject({
      status: 'cancelled',
      stages: [{ status: 'cancelled', steps: [{ status: 'cancelled' }] }],
    });
  });

  it('pages through the list and filters it', async () => {
    const pipeline = await server.createPipeline(step('true'));
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.unshift(await server.trigger(pipeline, { branch: `b${i}` }));
    await Promise.all(ids.map((id) => server.finished(id)));
    const list = `/api/ci/executions?pipeline_id=${pipeline}`;
    const first = await server.call<Page>('GET', `${list}&limit=2`);
    expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const second = await server.call<Page>('GET', `${list}&limit=2&cursor=${first.next_cursor}`);
    expect(second).toMatchObject({ items: [{ id: ids[2] }], next_cursor: null });
    const byBranch = await server.call<Page>('GET', `${list}&limit=5&branch=b1`);
    expect(byBranch.items.map(({ id }) => id)).toEqual([ids[1]]);
    const bare = await server.call<unknown[]>('GET', list);
    expect(bare).toHaveLength(3);
  });

  it('refuses what it cannot take in the one error shape', async () => {
    const pipeline = await server.createPipeline(step('true'));
    const path = `/api/ci/pipelines/${pipeline}/trigger`;
    const refusals: [string, string, unknown, number][] = [
      ['POST', path, { branch: '--upload-pack=x' }, 400],
      ['POST', path, { branch: 'main', tag: 'v1' }, 400],
      ['POST', path, { environment: { CI_COMMIT: 'x' } }, 400],
      ['POST', path, { inputs: { unknown: 1 } }, 422],
      ['POST', path, { surplus: true }, 400],
      ['POST', `/api/ci/pipelines/${randomUUID()}/trigger`, {}, 404],
      ['GET', `/api/ci/executions/${randomUUID()}`, undefined, 404],
      ['GET', '/api/ci/executions/no-uuid', undefined, 400],
      ['GET', '/api/ci/executions?status=wrong', undefined, 400],
      ['DELETE', `/api/ci/executions/${randomUUID()}/cancel`, undefined, 404],
    ];
    for (const [method, url, body, status] of refusals) {
      const response = await server.fetch(method, url, body);
      expect([url, response.status]).toEqual([url, status]);
      const error = (await response.json()) as { suggestions: string[] };
      expect(Object.keys(error).sort()).toEqual([
        'details',
        'error',
        'message',
        'suggestions',
        'timestamp',
      ]);
      expect(error.suggestions.length).toBeGreaterThan(0);
    }
  });
});

interface Page {
  readonly items: readonly { readonly id: string }[];
  readonly next_cursor: string | null;
}
