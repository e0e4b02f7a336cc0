import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConnectedRepository } from '../support/connected-repository.js';
import { eventually } from '../support/eventually.js';
import type { ForgeStandIn } from '../support/forge-stand-in.js';
import { freePort } from '../support/free-port.js';
import type { GitFixture } from '../support/git-http-server.js';
import { MillraceServer } from '../support/millrace-server.js';

jest.setTimeout(180_000);

const DEFINITION = `name: shop
triggers: [push]
steps:
  - name: look
    run: cat word.txt && echo "$CI_EVENT $CI_BRANCH $CI_COMMIT $CI_COMMIT_MESSAGE"
`;

interface Delivery {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly reason: { readonly code: string } | null;
  readonly duplicate_of: string | null;
  readonly forge_delivery_id: string | null;
  readonly decisions: readonly {
    readonly starts: boolean;
    readonly reason: { readonly code: string };
    readonly rules: readonly object[];
    readonly execution_id: string | null;
  }[];
}

describe('a push while Millrace is down', () => {
  let connected: ConnectedRepository;
  let fixture: GitFixture;
  let forge: ForgeStandIn;
  let server: MillraceServer;
  let repositoryId: string;
  let head: string;
  /** Deliveries that a test has looked at. */
  const seen = new Set<string>();

  beforeAll(async () => {
    connected = await ConnectedRepository.start({ '.millrace.yml': DEFINITION });
    ({ work: fixture, forge, head } = connected);
    forge.heads.set('main', head);
    const port = String(await freePort());
    server = await MillraceServer.start({
      environment: { PORT: port, PUBLIC_URL: `http://127.0.0.1:${port}` },
    });
    const { id } = await server.call<{ id: string }>(
      'POST',
      '/api/repositories',
      connected.connection,
    );
    repositoryId = id;
    // What is there when it is connected is no loss.
    await eventually(() => forge.headRequests === 1 || undefined, 30_000);
    await server.api?.end();
  });

  afterAll(async () => {
    for (const { end } of server?.processes ?? []) await end();
    await server?.stop();
    await connected?.stop();
  });

  const push = async (branch: string, message: string): Promise<string> => {
    await fixture.git('checkout', '-q', '-B', branch);
    await writeFile(join(fixture.directory, 'word.txt'), message);
    const commit = await fixture.commit(message);
    await connected.push(branch);
    forge.heads.set(branch, commit);
    return commit;
  };
  const deliveries = async (): Promise<Delivery[]> => {
    const path = `/api/ci/deliveries?repository_id=${repositoryId}&limit=100`;
    return (await server.call<{ items: Delivery[] }>('GET', path)).items;
  };
  /** The deliveries that no test has looked at, when so many are at their end. */
  const decided = async (count: number): Promise<Delivery[]> => {
    const fresh = await eventually(async () => {
      const all = (await deliveries()).filter(({ id }) => !seen.has(id));
      const isOver = all.every(({ status }) => ['done', 'ignored', 'duplicate'].includes(status));
      return isOver && all.length >= count ? all : undefined;
    }, 60_000);
    for (const { id } of fresh) seen.add(id);
    return Promise.all(
      fresh.map(({ id }) => server.call<Delivery>('GET', `/api/ci/deliveries/${id}`)),
    );
  };
  const runsOf = async (commit: string): Promise<number> => {
    const { items } = await server.call<{ items: { trigger_info: { commit_hash?: string } }[] }>(
      'GET',
      '/api/ci/executions?limit=100',
    );
    return items.filter(({ trigger_info: info }) => info.commit_hash === commit).length;
  };

  it('runs once when three servers start at once, and its late webhook starts nothing', async () => {
    const commit = await push('main', 'while it was down');
    await Promise.all([server.startApi({ PORT: '0' }), server.startApi({ PORT: '0' })]);
    await server.startApi();
    const fresh = await decided(1);
    expect(fresh).toMatchObject([
      {
        kind: 'missed_push',
        status: 'done',
        decisions: [{ starts: true, rules: [{ matches: true }] }],
      },
    ]);
    const [missed] = fresh;
    const id = missed?.decisions[0]?.execution_id ?? '';
    expect((await server.finished(id, 60_000)).commit?.sha).toBe(commit);
    expect(await server.logText(id)).toContain(`push main ${commit} while it was down`);

    const late = await forge.deliver('push', forge.push('main', head, commit));
    expect(late.status).toBe(202);
    expect(await decided(1)).toMatchObject([
      {
        kind: 'forge',
        status: 'duplicate',
        reason: { code: 'decided_already' },
        duplicate_of: missed?.id,
        decisions: [],
      },
    ]);
    expect(await runsOf(commit)).toBe(1);
    for (const { end } of server.processes.filter(({ pid }) => pid !== server.api?.pid)) {
      if (!server.workers.some((worker) => worker.end === end)) await end();
    }
  });

  it('is decided by its webhook where that comes soon', async () => {
    await server.api?.end();
    const commit = await push('main', 'soon');
    const before = forge.headRequests;
    await server.startApi();
    await eventually(() => forge.headRequests === before + 1 || undefined, 30_000);
    await forge.deliver('push', forge.push('main', head, commit));
    const [hook] = await decided(1);
    expect(hook).toMatchObject({ kind: 'forge', decisions: [{ starts: true }] });
    await eventually(() => forge.headRequests === before + 2 || undefined, 30_000);
    // It ends when its comparison has.
    await server.api?.end();
    await server.startApi();
    expect((await deliveries()).filter(({ id }) => !seen.has(id))).toEqual([]);
    expect(await runsOf(commit)).toBe(1);
  });

  it('starts nothing where its commit asks for that', async () => {
    await server.api?.end();
    await push('dev', 'a word [skip ci]');
    await server.startApi();
    expect(await decided(1)).toMatchObject([
      { kind: 'missed_push', decisions: [{ starts: false, reason: { code: 'trigger_skipped' } }] },
    ]);
  });

  it('is sent again by a forge that knows what has failed', async () => {
    await server.api?.end();
    const before = forge.heads.get('main') ?? '';
    const commit = await push('main', 'again');
    const guid = 'f0e1';
    await expect(
      forge.deliver('push', forge.push('main', before, commit), { id: guid }),
    ).rejects.toThrow();
    await server.startApi();
    expect(await decided(1)).toMatchObject([
      { kind: 'forge', forge_delivery_id: guid, decisions: [{ starts: true }] },
    ]);
    expect(forge.sent.filter((one) => one.guid === guid)).toHaveLength(2);
    expect(await runsOf(commit)).toBe(1);
  });

  it('is found by git where the API of the forge is not used', async () => {
    await fixture.publish(connected.folder, 'acme/lab', {
      'uploadpack.allowAnySHA1InWant': 'true',
    });
    const { id } = await server.call<{ id: string }>('POST', '/api/repositories', {
      url: connected.remote.url('acme/lab').replace(/\.git$/, ''),
      forge: 'gitlab',
      remote_id: '5',
    });
    const isAsked = (): boolean =>
      connected.remote.seen.some(({ url }) => url.includes('acme/lab'));
    await eventually(() => isAsked() || undefined, 30_000);
    // It ends when it has noted what is there.
    for (const worker of server.workers) await worker.end();
    await fixture.git('checkout', '-q', 'main');
    await writeFile(join(fixture.directory, 'word.txt'), 'lab');
    const commit = await fixture.commit('at the other forge');
    await fixture.git('push', '-q', join(connected.folder, 'acme/lab.git'), 'main');
    await server.startWorker();
    repositoryId = id;
    const [missed] = await decided(1);
    expect(missed).toMatchObject({ kind: 'missed_push', decisions: [{ starts: true }] });
    expect(await runsOf(commit)).toBe(1);
  });
});
