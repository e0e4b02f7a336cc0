import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectedRepository, NO_COMMIT } from '../support/connected-repository.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { MillraceServer } from '../support/millrace-server.js';
import { OwnStores } from './support/own-stores.js';

jest.setTimeout(240_000);

const AWAY_MS = 20_000;
const EVERY_MS = 500;
const END = ['done', 'ignored', 'duplicate'];

interface Delivery {
  readonly id: string;
  readonly status: string;
  readonly decisions: readonly { readonly execution_id: string | null }[];
}

/** A push, as the forge sees it. */
interface Sent {
  readonly branch: string;
  readonly deliveryId: string;
  /** Answers of 503 before it was taken. */
  readonly refusals: number;
}

describe('deliveries', () => {
  let stores: OwnStores;
  let repository: ConnectedRepository;
  let server: MillraceServer;

  beforeAll(async () => {
    repository = await ConnectedRepository.start({
      '.millrace.yml': 'name: shop\ntriggers: [push]\nsteps:\n  - name: first\n    run: "true"\n',
    });
    stores = await OwnStores.start();
    const port = String(await freePort());
    server = await MillraceServer.start({
      environment: {
        ...stores.environment,
        PORT: port,
        PUBLIC_URL: `http://127.0.0.1:${port}`,
        // So that only the stores refuse.
        RATE_LIMIT: '0',
      },
    });
    await server.call('POST', '/api/repositories', repository.connection);
  });
  afterAll(async () => {
    await server?.stop();
    await stores?.stop();
    await repository?.stop();
  });

  /** Sends one push of a new branch as often as it is refused because a store is away. */
  async function send(branch: string): Promise<Sent> {
    const { forge, head } = repository;
    const payload = forge.push(branch, NO_COMMIT, head);
    for (let refusals = 0; ; refusals++) {
      const response = await forge.deliver('push', payload, { id: `of ${branch}` });
      const body = (await response.json()) as { delivery_id: string };
      if (response.status === 202) return { branch, deliveryId: body.delivery_id, refusals };
      expect({ status: response.status, body }).toMatchObject({
        status: 503,
        body: { error: expect.any(String), suggestions: expect.any(Array) },
      });
      await sleep(EVERY_MS);
    }
  }

  /**
   * Each has one execution, which ran; where workers were killed, a step of it may have been lost.
   */
  async function expectOneEach(
    sent: readonly Sent[],
    ends: readonly string[] = ['success'],
  ): Promise<void> {
    for (const { branch, deliveryId } of sent) {
      const delivery = await eventually(async () => {
        const response = await server.fetch('GET', `/api/ci/deliveries/${deliveryId}`);
        if (!response.ok) return undefined;
        const found = (await response.json()) as Delivery;
        return END.includes(found.status) ? found : undefined;
      }, 60_000);
      const started = delivery.decisions.flatMap(({ execution_id: id }) => id ?? []);
      expect({ branch, started: started.length }).toEqual({ branch, started: 1 });
      const execution = await server.finished(started[0] ?? '', 60_000);
      const { status, reason } = execution;
      const end = status === 'failed' ? reason?.code : status;
      expect({ branch, end, isExpected: ends.includes(end ?? '') }).toMatchObject({
        isExpected: true,
      });
      const { items } = await server.call<{ items: { id: string }[] }>(
        'GET',
        `/api/ci/executions?limit=50&branch=${branch}`,
      );
      expect(items.map(({ id }) => id)).toEqual(started);
    }
  }

  it('are one execution each, the same one 50 times at once, by another id, and after a kill of all', async () => {
    const { forge, head } = repository;
    const payload = forge.push('many', NO_COMMIT, head);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => forge.deliver('push', payload, { id: 'of many' })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    await forge.deliver('push', payload, { id: 'another' });
    await Promise.all([
      server.api?.end('SIGKILL'),
      ...server.workers.map((one) => one.end('SIGKILL')),
    ]);
    await Promise.all([server.startApi(), server.startWorker()]);
    const again = await send('many');
    await expectOneEach([again], ['success', 'worker_lost']);
  });

  it.each(['redis', 'postgres'] as const)(
    'are one execution each while a store (%s) is away for 20 s',
    async (service) => {
      const before = await Promise.all([1, 2, 3].map((n) => send(`${service}-before-${n}`)));
      const meanwhile: Promise<Sent>[] = [];
      const over = new AbortController();
      const away = stores.keepDown(service, AWAY_MS).finally(() => over.abort());
      for (let n = 0; !over.signal.aborted; n++) {
        meanwhile.push(send(`${service}-${n}`));
        await sleep(EVERY_MS);
      }
      await away;
      const sent = [...before, ...(await Promise.all(meanwhile))];
      expect(sent.length).toBeGreaterThan(20);
      // Without Redis they are kept, and their jobs come later.
      expect(sent.some(({ refusals }) => refusals > 0)).toBe(service === 'postgres');
      await expectOneEach(sent);
    },
  );
});
