import { createHmac } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConnectedRepository } from '../support/connected-repository.js';
import { eventually } from '../support/eventually.js';
import type { ForgeStandIn } from '../support/forge-stand-in.js';
import { freePort } from '../support/free-port.js';
import type { GitFixture } from '../support/git-http-server.js';
import { MillraceServer } from '../support/millrace-server.js';

const NONE = '0'.repeat(40);

interface Repository {
  readonly id: string;
  readonly webhook: string;
  readonly webhook_reached_at: string | null;
  readonly paste: { readonly secret: string } | null;
}

interface Delivery {
  readonly id: string;
  readonly status: string;
  readonly reason: { readonly code: string } | null;
  readonly duplicate_of: string | null;
  readonly decisions: readonly {
    readonly pipeline_id: string | null;
    readonly path: string | null;
    readonly version: number | null;
    readonly starts: boolean;
    readonly reason: { readonly code: string; readonly message: string };
    readonly execution_id: string | null;
  }[];
}

describe('a push', () => {
  let connected: ConnectedRepository;
  let fixture: GitFixture;
  let forge: ForgeStandIn;
  let server: MillraceServer;
  let repository: Repository;
  let head: string;

  beforeAll(async () => {
    connected = await ConnectedRepository.start({
      '.millrace/build.yml': `name: shop
triggers:
  - push: { branches: [main, "dev/**"] }
  - pull_request
steps:
  - run: cat .millrace/build.yml && echo "$CI_EVENT $CI_BRANCH $CI_COMMIT $CI_REPOSITORY by $CI_ACTOR $CI_REPOSITORY_URL $CI_EXECUTION_URL"
`.replace('- run:', '- name: look\n    run:'),
    });
    ({ work: fixture, forge, head } = connected);
    const port = String(await freePort());
    server = await MillraceServer.start({
      environment: { PORT: port, PUBLIC_URL: `http://127.0.0.1:${port}` },
    });
  });

  afterAll(async () => {
    await server?.stop();
    await connected?.stop();
  });

  const connect = (): Promise<Repository> =>
    server.call<Repository>('POST', '/api/repositories', connected.connection);

  const delivered = async (response: Response): Promise<Delivery> => {
    expect(response.status).toBe(202);
    const { delivery_id: id } = (await response.json()) as { delivery_id: string };
    return eventually(async () => {
      const delivery = await server.call<Delivery>('GET', `/api/ci/deliveries/${id}`);
      return ['done', 'ignored', 'duplicate'].includes(delivery.status) ? delivery : undefined;
    }, 30_000);
  };

  it('of a repository that is connected has one webhook, however often it is connected', async () => {
    repository = await connect();
    expect(repository).toMatchObject({ webhook: 'made', paste: null });
    expect((await connect()).id).toBe(repository.id);
    expect(forge.webhooks).toHaveLength(1);
  });

  it('runs the pipeline of its commit', async () => {
    const delivery = await delivered(await forge.deliver('push', forge.push('main', NONE, head)));
    expect(delivery.decisions).toMatchObject([
      { path: '.millrace/build.yml', version: 1, starts: true },
    ]);
    const id = delivery.decisions[0]?.execution_id ?? '';
    const execution = await server.finished(id, 60_000);
    expect(execution).toMatchObject({ status: 'success', commit: { sha: head } });
    const told = await eventually(
      () => forge.statuses.find(({ state }) => state === 'success'),
      20_000,
    );
    expect(told).toMatchObject({
      commit: head,
      context: 'millrace/shop',
      description: expect.stringMatching(/^passed in \d+ s$/),
      target_url: expect.stringContaining(`/api/ci/executions/${id}`),
    });
    const text = await server.logText(id);
    expect(text).toContain(`push main ${head} acme/shop by ada`);
    expect(text).toContain(`${connected.cloneUrl} ${server.baseUrl}/api/ci/executions/${id}`);
    const { items } = await server.call<{ items: unknown[] }>(
      'GET',
      `/api/repositories/${repository.id}/pipelines?limit=10`,
    );
    expect(items).toEqual([
      expect.objectContaining({ name: 'shop', path: '.millrace/build.yml', branch: 'main' }),
    ]);
  });

  it('starts one execution, sent 20 times at once, again with another id, and after a restart', async () => {
    const payload = forge.push('dev/x', NONE, head);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => forge.deliver('push', payload, { id: 'the-same' })),
    );
    const ids = new Set<string>();
    for (const answer of answers) ids.add((await delivered(answer)).id);
    expect(ids.size).toBe(1);
    const again = await delivered(await forge.deliver('push', payload));
    expect(again).toMatchObject({ status: 'duplicate', duplicate_of: [...ids][0] });
    await server.api?.end('SIGKILL');
    await server.startApi();
    expect((await delivered(await forge.deliver('push', payload, { id: 'the-same' }))).id).toBe(
      [...ids][0],
    );
    const { items } = await server.call<{ items: { trigger_info: { branch?: string } }[] }>(
      'GET',
      '/api/ci/executions?limit=100',
    );
    expect(items.filter((one) => one.trigger_info.branch === 'dev/x')).toHaveLength(1);
  });

  it('that comes as a form is read like JSON, and is the same delivery content', async () => {
    const payload = forge.push('dev/form', NONE, head, { note: 'a+b & c=d é' });
    const [hook] = forge.webhooks;
    const one = await delivered(await forge.deliver('push', payload, { asForm: true }));
    expect(one.decisions).toMatchObject([{ starts: true }]);
    expect(await delivered(await forge.deliver('push', payload))).toMatchObject({
      status: 'duplicate',
      duplicate_of: one.id,
    });
    // Also where nothing but the body names the repository.
    const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
    const ask = (text: string): Promise<Response> =>
      fetch(`${server.baseUrl}/api/webhooks/github`, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'x-github-event': 'push',
          'x-hub-signature-256': `sha256=${createHmac('sha256', hook?.secret ?? '')
            .update(body)
            .digest('hex')}`,
        },
        body: text,
      });
    expect((await delivered(await ask(body))).status).toBe('duplicate');
    // The bytes are signed, not what they mean.
    expect((await ask(body.replace('%2B', '%2b'))).status).toBe(401);
  });

  it('that no rule is for starts nothing, and says why', async () => {
    const delivery = await delivered(await forge.deliver('push', forge.push('other', NONE, head)));
    expect(delivery.decisions).toMatchObject([
      { starts: false, reason: { code: 'trigger_no_match' }, execution_id: null },
    ]);
  });

  it('from another repository is run when somebody has approved its commit', async () => {
    const delivery = await delivered(
      await forge.deliver('pull_request', forge.forkPullRequest('main', head, head)),
    );
    const [decision] = delivery.decisions;
    expect(decision).toMatchObject({
      starts: false,
      reason: { code: 'fork_needs_approval', data: { commit: head, number: 5, author: 'eve' } },
    });
    const approve = (commit: string): Promise<{ execution_id: string }> =>
      server.call('POST', `/api/ci/deliveries/${delivery.id}/approve`, {
        pipeline_id: decision?.pipeline_id,
        commit,
      });
    await expect(approve(NONE)).rejects.toThrow('409');
    const { execution_id: id } = await approve(head);
    expect((await approve(head)).execution_id).toBe(id);
    const execution = await eventually(
      () => server.fetch('GET', `/api/ci/executions/${id}`).then((r) => r.ok || undefined),
      20_000,
    ).then(() => server.finished(id));
    expect(execution).toMatchObject({
      status: 'success',
      trigger_info: { trigger_type: 'pull_request', event: { fork: true, number: 5 } },
    });
  });

  it('from another repository cannot be approved when it was closed', async () => {
    const send = (action: string): Promise<Response> =>
      forge.deliver(
        'pull_request',
        forge.forkPullRequest('main', head, head, { action, number: 6 }),
      );
    const opened = await delivered(await send('opened'));
    await delivered(await send('closed'));
    const body = { pipeline_id: opened.decisions[0]?.pipeline_id, commit: head };
    const path = `/api/ci/deliveries/${opened.id}`;
    await expect(server.call('POST', `${path}/approve`, body)).rejects.toThrow(
      /409.*Pull request 6 was closed/,
    );
    expect((await server.call<Delivery>('GET', path)).decisions).toMatchObject([
      { starts: false, reason: { code: 'pull_request_closed' } },
    ]);
  });

  it('is decided once more by a replay, or only shown', async () => {
    const first = await delivered(await forge.deliver('push', forge.push('main', NONE, head)));
    const replay = async (body: object): Promise<Delivery> => {
      const answer = await server.fetch('POST', `/api/ci/deliveries/${first.id}/replay`, body);
      return delivered(answer);
    };
    const shown = await replay({ dry_run: true });
    expect(shown).toMatchObject({
      replay_of: first.id,
      dry_run: true,
      decisions: [{ starts: true, execution_id: null }],
    });
    const again = await replay({});
    const id = again.decisions[0]?.execution_id ?? '';
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect((await server.finished(id)).status).toBe('success');
  });

  it('supersedes the executions of older pushes, also when those come late', async () => {
    const file = join(fixture.directory, '.millrace/build.yml');
    const kept = await readFile(file, 'utf8');
    const slow = 'name: slow\ntriggers: [push]\nsupersede: true\nsteps:\n  - run: sleep 60\n';
    await fixture.git('checkout', '-q', '-b', 'lane');
    const commits: string[] = [];
    for (const text of ['1', '2', '3']) {
      await writeFile(file, `${slow}# ${text}\n`);
      commits.push(await fixture.commit(text));
    }
    await connected.push('lane');
    const [first = '', second = '', third = ''] = commits;
    const pushed = async (before: string, after: string): Promise<string> => {
      const answer = await forge.deliver('push', forge.push('lane', before, after));
      return (await delivered(answer)).decisions[0]?.execution_id ?? '';
    };
    const oldest = await pushed(NONE, first);
    await server.until(oldest, ({ status }) => status === 'running');
    const newest = await pushed(second, third);
    const late = await pushed(first, second);
    expect(await server.finished(late)).toMatchObject({
      status: 'cancelled',
      reason: { message: expect.stringContaining(`commit ${third.slice(0, 12)}`) },
    });
    // Of the oldest nobody could tell that it comes before, until the push between them came.
    expect((await server.finished(oldest)).status).toBe('cancelled');
    await server.until(newest, ({ status }) => status === 'running');
    await server.call('POST', `/api/ci/executions/${newest}/cancel`, {});
    await fixture.git('checkout', '-q', 'main');
    expect(await readFile(file, 'utf8')).toBe(kept);
  });

  it('of a definition that does not compile tells line and column', async () => {
    await writeFile(join(fixture.directory, '.millrace/build.yml'), 'name: shop\nstepps: []\n');
    const broken = await fixture.commit('broken');
    await connected.push('main');
    const delivery = await delivered(await forge.deliver('push', forge.push('main', head, broken)));
    expect(delivery.decisions).toMatchObject([
      { starts: false, reason: { code: 'definition_invalid' } },
    ]);
    const told = await eventually(
      () => forge.statuses.find(({ commit }) => commit === broken),
      20_000,
    );
    expect(told).toMatchObject({
      state: 'failure',
      context: 'millrace/shop',
      description: expect.stringContaining('does not compile'),
    });
    expect(delivery.decisions[0]?.reason.message).toMatch(/Line 1, column 1: A pipeline needs/);
    const path = `/api/ci/executions/${delivery.decisions[0]?.execution_id}`;
    const failed = {
      status: 'failed',
      reason: { code: 'definition_invalid', data: { path: '.millrace/build.yml' } },
    };
    expect(await server.call('GET', path)).toMatchObject({ ...failed, stages: [] });
    expect(await server.call('GET', `${path}/explain`)).toMatchObject({ ...failed, stages: [] });
    await expect(server.call('POST', `${path}/rerun`, {})).rejects.toThrow('409');
  });

  it('with a signature that is not good is refused as one for nobody is', async () => {
    const payload = forge.push('main', NONE, head);
    const wrong = await forge.deliver('push', payload, { secret: 'wrong' });
    expect(wrong.status).toBe(401);
    const [hook] = forge.webhooks;
    const url = hook?.url.replace(repository.id, '00000000-0000-5000-8000-000000000000') ?? '';
    const nobody = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(nobody.status).toBe(401);
    const texts = [await wrong.json(), await nobody.json()].map(
      (body) => (body as { message: string }).message,
    );
    expect(texts[0]).toBe(texts[1]);
  });

  it('of a repository that is disconnected starts nothing, and its webhook is gone', async () => {
    const [hook] = forge.webhooks;
    const response = await server.fetch('DELETE', `/api/repositories/${repository.id}`);
    expect(response.status).toBe(204);
    expect(forge.webhooks).toEqual([]);
    const answer = await fetch(hook?.url ?? '', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(answer.status).toBe(401);
  });
});
