import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { eventually } from '../support/eventually.js';
import { MillraceServer } from '../support/millrace-server.js';

interface Told {
  readonly id: string;
  readonly kind: string;
  readonly pipeline: { readonly id: string; readonly name: string };
  readonly execution_id: string;
  readonly status: string;
  readonly events: readonly string[];
  readonly url: string | null;
}

interface AlertPage {
  readonly items: readonly {
    readonly execution_id: string;
    readonly deliveries: readonly {
      readonly channel: string;
      readonly state: string;
      readonly reason: { readonly code: string } | null;
    }[];
  }[];
}

const SECRET = 'a-secret-of-the-hook';
/** Until a lease of a killed process is taken, and what it did is done. */
const TAKEN_OVER_MS = 60_000;

const YAML = `name: build
triggers: [{ manual: { inputs: { does: { type: string, default: "true" } } } }]
environment: { DOES: "\${{ inputs.does }}" }
stages: [{ name: test, steps: [{ name: unit, run: 'echo L0G-LINE; eval "$DOES"' }] }]
`;

describe('channels of pipelines', () => {
  let server: MillraceServer;
  let hook: Server;
  let hookUrl: string;
  const posted: {
    readonly path: string | undefined;
    readonly id: unknown;
    readonly body: string;
    readonly signature: unknown;
  }[] = [];

  const told = (pipeline: string, path = '/T0K3N'): readonly Told[] =>
    posted
      .filter((one) => one.path === path)
      .map(({ body }) => JSON.parse(body) as Told)
      .filter((one) => one.pipeline.id === pipeline);
  const listens = (pipeline: string, name: string, more: object = {}): Promise<unknown> =>
    server.call('PUT', `/api/ci/pipelines/${pipeline}/channels/${name}`, {
      ...{ type: 'webhook', url: `${hookUrl}/T0K3N`, secret: SECRET, ...more },
    });
  const run = async (pipeline: string, does: string): Promise<string> => {
    const id = await server.trigger(pipeline, { inputs: { does } });
    await server.finished(id);
    return id;
  };
  /** When nothing of it is on its way any more. */
  const alerts = (pipeline: string, count: number): Promise<AlertPage> =>
    eventually(async () => {
      const page = await server.call<AlertPage>('GET', `/api/ci/pipelines/${pipeline}/alerts`);
      const states = page.items.flatMap((one) => one.deliveries.map(({ state }) => state));
      return page.items.length === count && !states.includes('pending') ? page : undefined;
    }, TAKEN_OVER_MS);

  beforeAll(async () => {
    hook = createServer((request, response) => {
      void text(request).then((body) => {
        const { 'x-millrace-signature-256': signature, 'x-millrace-alert': id } = request.headers;
        posted.push({ path: request.url, id, body, signature });
        response.end('thanks');
      });
    });
    await new Promise<void>((done) => hook.listen(0, '127.0.0.1', done));
    hookUrl = `http://127.0.0.1:${(hook.address() as AddressInfo).port}`;
    server = await MillraceServer.start({
      environment: { PUBLIC_URL: 'https://ci.example.org' },
    });
  });
  afterAll(async () => {
    await server.stop();
    hook.closeAllConnections();
    await new Promise((done) => hook.close(done));
  });

  it('tell of failures and of their end, each once, signed, and of nothing else', async () => {
    const pipeline = await server.createPipeline(YAML);
    await run(pipeline, 'exit 3');
    await listens(pipeline, 'on-call');
    await listens(pipeline, 'all', { url: `${hookUrl}/all`, on: ['success'] });
    const ids: string[] = [];
    for (const does of ['exit 3', 'exit 4', 'true', 'true']) ids.push(await run(pipeline, does));
    const page = await alerts(pipeline, 4);
    expect(told(pipeline).map((one) => [one.execution_id, one.status, one.events])).toEqual([
      [ids[0], 'failed', ['failure']],
      [ids[1], 'failed', ['failure']],
      [ids[2], 'success', ['success', 'fixed']],
    ]);
    expect(told(pipeline, '/all').map((one) => one.execution_id)).toEqual([ids[2], ids[3]]);
    expect(told(pipeline)[1]).toMatchObject({
      ...{ kind: 'execution', pipeline: { id: pipeline, name: 'build' }, number: 3, attempt: 1 },
      ...{ branch: null, commit: null, failure: { stage: 'test', step: 'unit' } },
      ...{ reason: { code: expect.any(String) }, duration: expect.any(Number) },
      url: `https://ci.example.org/api/ci/executions/${ids[1] ?? ''}`,
    });
    for (const { body, signature, id } of posted) {
      expect(signature).toBe(`sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`);
      expect(id).toBe((JSON.parse(body) as Told).id);
      expect(body).not.toMatch(/L0G-LINE|T0K3N|a-secret/);
    }
    expect(JSON.stringify(page)).not.toMatch(/L0G-LINE|T0K3N|a-secret/);
    expect(page.items.map(({ execution_id }) => execution_id)).toEqual([...ids].reverse());
    expect(
      page.items[0]?.deliveries.map((one) => [one.channel, one.state, one.reason?.code]),
    ).toEqual([
      ['all', 'delivered', undefined],
      ['on-call', 'skipped', 'not_asked'],
    ]);
  });

  it.each(['execution_settled', 'alert_stored'] as const)(
    'tell once of an end whose worker was killed at %s',
    async (point) => {
      const pipeline = await server.createPipeline(YAML);
      await listens(pipeline, 'on-call');
      const [steady] = server.workers;
      await steady?.end();
      const doomed = await server.startWorker({ FAIL_POINT: point });
      const id = await server.trigger(pipeline, { inputs: { does: 'exit 3' } });
      await eventually(() => doomed.child.signalCode ?? undefined, TAKEN_OVER_MS);
      await server.startWorker();
      await alerts(pipeline, 1);
      // Another end of it stands behind whatever would still come of the first.
      const next = await run(pipeline, 'exit 3');
      await alerts(pipeline, 2);
      expect(told(pipeline).map((one) => one.execution_id)).toEqual([id, next]);
      server.workers.splice(0, server.workers.length - 1);
    },
    180_000,
  );

  it('tell under the same id when the API was killed before it knew that it had told', async () => {
    const pipeline = await server.createPipeline(YAML);
    await listens(pipeline, 'on-call');
    await server.api?.end();
    const doomed = await server.startApi({ FAIL_POINT: 'alert_sent' });
    const id = await server.trigger(pipeline, { inputs: { does: 'exit 3' } });
    await eventually(() => doomed.child.signalCode ?? undefined, TAKEN_OVER_MS);
    await server.startApi();
    await alerts(pipeline, 1);
    expect(told(pipeline).map((one) => one.execution_id)).toEqual([id, id]);
    expect(new Set(told(pipeline).map((one) => one.id)).size).toBe(1);
  }, 180_000);
});
