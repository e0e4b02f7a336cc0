import { randomUUID } from 'node:crypto';
import { eventually } from '../support/eventually.js';
import { Ledger } from '../support/ledger.js';
import { MillraceServer } from '../support/millrace-server.js';

interface Page {
  readonly items: readonly { readonly id: string }[];
}

/** Whoever gets no answer asks again with the same key, as often as it takes. */
describe('the API dies between what it does and its answer', () => {
  let server: MillraceServer;
  let ledger: Ledger;

  beforeAll(async () => {
    ledger = await Ledger.open();
    server = await MillraceServer.start({ workers: 1 });
  });

  afterAll(async () => {
    await server.stop();
    await ledger.remove();
  });

  const yaml = (): string =>
    `name: once\nretry_count: 1\nsteps:\n  - { name: work, run: ${JSON.stringify(ledger.note)} }\n`;

  async function dieAt(point: string, ask: () => Promise<Response>): Promise<void> {
    await server.api?.end();
    const doomed = await server.startApi({ FAIL_POINT: point });
    await expect(ask()).rejects.toThrow();
    await eventually(() => doomed.child.signalCode ?? undefined);
    await server.startApi();
  }

  /** As a client does it: 409 means wait. */
  async function untilAnswered(ask: () => Promise<Response>): Promise<Response> {
    return eventually(async () => {
      const response = await ask();
      if (response.status !== 409) return response;
      expect(Number(response.headers.get('retry-after'))).toBeLessThanOrEqual(5);
      return undefined;
    }, 15_000);
  }

  it.each([
    ['execution_inserted', null],
    ['idempotent_answer_stored', 'true'],
  ])('at %s: the trigger with the same key makes no second execution', async (point, replayed) => {
    const pipeline = await server.createPipeline(yaml());
    const headers = { 'idempotency-key': randomUUID() };
    const path = `/api/ci/pipelines/${pipeline}/trigger`;
    const ask = (): Promise<Response> => server.fetch('POST', path, {}, headers);
    await dieAt(point, ask);
    const answers = await Promise.all([untilAnswered(ask), untilAnswered(ask)]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    if (replayed !== null) expect(answers[0]?.headers.get('idempotency-replayed')).toBe(replayed);
    const [first, second] = await Promise.all(
      answers.map(async (each) => (await each.json()) as { execution_id: string }),
    );
    expect(second).toEqual(first);

    const id = first?.execution_id ?? '';
    expect(await server.finished(id)).toMatchObject({ status: 'success', attempt: 1 });
    const list = `/api/ci/executions?limit=5&pipeline_id=${pipeline}`;
    const { items } = await server.call<Page>('GET', list);
    expect(items.map((each) => each.id)).toEqual([id]);
    const started = (await ledger.entries()).filter(({ execution }) => execution === id);
    expect(started).toHaveLength(1);
    expect(await ledger.doubles()).toEqual([]);
  });

  it('at pipeline_inserted: the create with the same key makes no second pipeline', async () => {
    const before = (await server.call<Page>('GET', '/api/ci/pipelines?limit=200')).items;
    const headers = { 'idempotency-key': randomUUID() };
    const body = { yaml_content: yaml() };
    const ask = (): Promise<Response> => server.fetch('POST', '/api/ci/pipelines', body, headers);
    await dieAt('pipeline_inserted', ask);
    const answer = await untilAnswered(ask);
    expect(answer.status).toBe(201);
    const { id } = (await answer.json()) as { id: string };
    expect(answer.headers.get('location')).toBe(`/api/ci/pipelines/${id}`);
    const { items } = await server.call<Page>('GET', '/api/ci/pipelines?limit=200');
    expect(items.map((each) => each.id)).toEqual([id, ...before.map((each) => each.id)]);
  });
});
