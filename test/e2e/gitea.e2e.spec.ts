import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserAnswer, callWith } from '../support/browser.js';
import { CookieJar } from '../support/cookie-jar.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { GitFixture } from '../support/git-http-server.js';
import { findGitea, Gitea, type GiteaHook, type GiteaStatus } from '../support/gitea.js';
import { MillraceServer } from '../support/millrace-server.js';
import { describeMissing } from '../support/needed-programs.js';
import { removeTree } from '../support/remove-tree.js';

jest.setTimeout(180_000);

const SHOP = 'acme/shop';
/** @param file the step ends when it is there */
const definition = (file: string): string => `name: shop
triggers:
  - push: { branches: [main, "dev/**"] }
  - tag: "v*"
  - pull_request
steps:
  - name: look
    run: cat word.txt && echo "$CI_EVENT ${'$'}{CI_BRANCH:-none} ${'$'}{CI_TAG:-none} $CI_COMMIT $CI_REPOSITORY by $CI_ACTOR"
  - name: wait
    run: until [ -e ${file} ]; do sleep 0.1; done
`;

interface Decision {
  readonly pipeline_id: string | null;
  readonly path: string | null;
  readonly starts: boolean;
  readonly reason: { readonly code: string; readonly message: string };
  readonly execution_id: string | null;
}

interface Delivery {
  readonly id: string;
  readonly event: string;
  readonly status: string;
  readonly forge_delivery_id: string | null;
  readonly decisions: readonly Decision[];
}

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

const gitea = findGitea();

/** Where there is no Gitea it is skipped and says so; in CI it fails. */
function describeGitea(name: string, body: (root: string) => void): void {
  if ('root' in gitea) return describe(name, () => body(gitea.root));
  const { problem } = gitea;
  if (process.env['CI'] === undefined) process.stderr.write(`Gitea is skipped: ${problem}\n`);
  describeMissing(problem, name, () => body(''));
}

describeGitea('a real Gitea', (root) => {
  let forge: Gitea;
  let server: MillraceServer;
  let base: string;
  let work: GitFixture;
  let folder: string;
  let repositoryId: string;
  /** Deliveries that a test has looked at. */
  const seen = new Set<string>();

  beforeAll(async () => {
    forge = await Gitea.start(root);
    for (const name of ['ada', 'dev', 'bob']) await forge.createUser(name);
    await forge.call('POST', '/orgs', { username: 'acme' }, 'ada');
    const team = await forge.call<{ id: number }>('POST', '/orgs/acme/teams', {
      name: 'developers',
      permission: 'write',
      units: ['repo.code', 'repo.pulls'],
    });
    await forge.call('PUT', `/teams/${String(team.id)}/members/dev`);
    // Nobody reads it without a credential; bob may, and so may fork it.
    const shop = { name: 'shop', default_branch: 'main', private: true };
    await forge.call('POST', '/orgs/acme/repos', shop);
    await forge.call('PUT', `/repos/${SHOP}/collaborators/bob`, { permission: 'read' });

    const port = String(await freePort());
    base = `http://127.0.0.1:${port}`;
    const application = await forge.call<{ client_id: string; client_secret: string }>(
      'POST',
      '/user/applications/oauth2',
      {
        name: 'millrace',
        confidential_client: true,
        redirect_uris: [`${base}/api/sessions/oauth/gitea/callback`],
      },
    );
    server = await MillraceServer.start({
      environment: {
        PORT: port,
        PUBLIC_URL: base,
        AUTH_MODE: 'oauth',
        GITEA_BASE_URL: forge.baseUrl,
        GITEA_OAUTH_CLIENT_ID: application.client_id,
        GITEA_OAUTH_CLIENT_SECRET: application.client_secret,
        ADMIN_LOGINS: 'ada',
        ALLOWED_TEAMS: 'acme/developers',
      },
    });
    folder = await mkdtemp(join(tmpdir(), 'millrace-e2e-gitea-'));
    // The user of the steps looks into it.
    await chmod(folder, 0o755);
    work = await GitFixture.create('main');
    await mkdir(join(work.directory, '.millrace'));
    await writeFile(join(work.directory, '.millrace/build.yml'), definition(endFile()));
  });
  afterAll(async () => {
    work?.remove();
    await server?.stop();
    await forge?.stop();
    await removeTree(folder);
  });

  const endFile = (): string => join(folder, 'end');
  const logIn = async (username: string, accept: string): Promise<[CookieJar, Response]> => {
    const browser = new CookieJar();
    const begun = await browser.fetch(`${base}/api/sessions/oauth/gitea`);
    const back = await forge.consent(begun.headers.get('location') ?? '', username);
    return [browser, await browser.fetch(back, { headers: { accept } })];
  };
  const logInAsClient = async (username: string): Promise<Tokens> => {
    const [, response] = await logIn(username, 'application/json');
    expect(response.status).toBe(200);
    return (await response.json()) as Tokens;
  };
  const change = async (word: string): Promise<string> => {
    await writeFile(join(work.directory, 'word.txt'), `${word}\n`);
    return work.commit(`the word is ${word}`);
  };
  const push = (ref: string, as = 'ada', to = SHOP): Promise<string> =>
    work.git('push', '-q', forge.pushUrl(to, as), ref);
  /** The next delivery that no test has looked at, when all is decided. */
  const delivered = async (event: string): Promise<Delivery> => {
    const delivery = await eventually(async () => {
      const { items } = await server.call<{ items: Delivery[] }>(
        'GET',
        `/api/ci/deliveries?repository_id=${repositoryId}&limit=100`,
      );
      return items.find(
        (each) =>
          each.event === event &&
          !seen.has(each.id) &&
          ['done', 'ignored', 'duplicate'].includes(each.status),
      );
    }, 60_000);
    seen.add(delivery.id);
    return server.call<Delivery>('GET', `/api/ci/deliveries/${delivery.id}`);
  };
  /** What Gitea has heard of a commit, when it is told the end. */
  const told = (
    commit: string,
    end: string,
    context: string,
    repository = SHOP,
  ): Promise<GiteaStatus[]> =>
    eventually(async () => {
      const all = await forge.statuses(repository, commit);
      const own = all.filter((each) => each.context === context);
      return own.some(({ status }) => status === end) ? own : undefined;
    }, 60_000);
  const runOf = async (delivery: Delivery, commit: string): Promise<string> => {
    expect(delivery).toMatchObject({ status: 'done', decisions: [{ starts: true }] });
    const id = delivery.decisions[0]?.execution_id ?? '';
    expect(await server.finished(id, 60_000)).toMatchObject({
      status: 'success',
      commit: { sha: commit },
    });
    return server.logText(id);
  };

  it('lets an administrator log in, who connects a repository and gets a webhook there', async () => {
    const { access_token: token } = await logInAsClient('ada');
    expect((await callWith(token, 'GET', `${base}/api/sessions/me`)).body).toMatchObject({
      kind: 'user',
      name: 'ada',
      role: 'admin',
    });
    const connect = async (): Promise<BrowserAnswer> =>
      callWith(token, 'POST', `${base}/api/repositories`, {
        url: `${forge.baseUrl}/${SHOP}`,
        forge: 'gitea',
        token: await forge.createToken('ada', ['write:repository']),
      });
    const { status, body } = await connect();
    expect([status, body]).toMatchObject([201, { webhook: 'made', paste: null }]);
    repositoryId = (body as { id: string }).id;
    expect((await connect()).body).toMatchObject({ id: repositoryId });

    const hooks = await forge.call<GiteaHook[]>('GET', `/repos/${SHOP}/hooks`);
    expect(hooks).toMatchObject([
      { config: { url: `${base}/api/repositories/${repositoryId}/webhook` } },
    ]);
  });

  it('lets members of a team log in, strangers not, and takes it from who has left', async () => {
    const [browser, response] = await logIn('dev', 'text/html');
    expect(response.status).toBe(303);
    const me = await browser.fetch(`${base}/api/sessions/me`);
    expect(await me.json()).toMatchObject({ name: 'dev', role: 'viewer' });
    const [, refused] = await logIn('bob', 'text/html');
    expect(refused.status).toBe(403);

    const tokens = await logInAsClient('dev');
    const refresh = (token: string): Promise<BrowserAnswer> =>
      callWith('', 'POST', `${base}/api/sessions/refresh`, { refresh_token: token });
    const again = await refresh(tokens.refresh_token);
    expect(again.status).toBe(200);
    await forge.call('DELETE', '/orgs/acme/members/dev');
    const next = (again.body as Tokens).refresh_token;
    expect((await refresh(next)).body).toMatchObject({ details: { code: 'access_lost' } });
    expect((await browser.fetch(`${base}/api/sessions/me`)).status).toBe(401);
  });

  it('starts the run of a commit that was pushed, and shows it pending, then passed', async () => {
    const head = await change('first');
    await push('main');
    const delivery = await delivered('push');
    await told(head, 'pending', 'millrace/shop');
    await writeFile(endFile(), '');
    const log = await runOf(delivery, head);
    expect(log).toContain('first');
    expect(log).toContain(`push main none ${head} ${SHOP} by ada`);
    const statuses = await told(head, 'success', 'millrace/shop');
    expect(statuses.map(({ status }) => status)).toEqual(['pending', 'success']);
    expect(statuses.at(-1)).toMatchObject({
      description: expect.stringMatching(/^passed in \d+ s$/),
      target_url: `${base}/api/ci/executions/${delivery.decisions[0]?.execution_id ?? ''}`,
    });
  });

  it.each([
    ['an annotated', ['-a', '-m', 'the first'], 'v1'],
    ['a plain', [], 'v2'],
  ])('runs the commit of %s tag', async (_kind, options, name) => {
    const head = await work.git('rev-parse', 'HEAD');
    await work.git('tag', ...options, name);
    await push(name);
    expect(await runOf(await delivered('push'), head)).toContain(`tag none ${name} ${head}`);
    await told(head, 'success', 'millrace/shop/tag');
  });

  it('starts nothing for a branch or tag that is deleted', async () => {
    await push(':refs/tags/v2');
    expect((await delivered('push')).decisions).toEqual([]);
  });

  it('runs the head of an own pull request, and again when it is pushed to', async () => {
    await work.git('switch', '-q', '-c', 'feature');
    const first = await change('feature');
    await push('feature');
    // No rule is for a push of this branch.
    expect((await delivered('push')).decisions).toMatchObject([
      { starts: false, reason: { code: 'trigger_no_match' } },
    ]);
    const pull = { title: 'a feature', head: 'feature', base: 'main' };
    await forge.call('POST', `/repos/${SHOP}/pulls`, pull, 'ada');
    const log = await runOf(await delivered('pull_request'), first);
    expect(log).toContain(`pull_request none none ${first}`);
    await told(first, 'success', 'millrace/shop/pr');

    const second = await change('feature, better');
    await push('feature');
    await delivered('push');
    await runOf(await delivered('pull_request'), second);
    await told(second, 'success', 'millrace/shop/pr');
  });

  it('starts a pull request of a fork when somebody has approved it, and not before', async () => {
    await forge.call('POST', `/repos/${SHOP}/forks`, { name: 'shop' }, 'bob');
    await work.git('switch', '-q', '-c', 'theirs', 'main');
    await writeFile(join(work.directory, '.millrace/build.yml'), 'name: stolen\nsteps: []\n');
    const head = await change('theirs');
    await push('theirs', 'bob', 'bob/shop');
    const pull = { title: 'of a stranger', head: 'bob:theirs', base: 'main' };
    await forge.call('POST', `/repos/${SHOP}/pulls`, pull, 'bob');
    const delivery = await delivered('pull_request');
    expect(delivery.decisions).toMatchObject([
      {
        path: '.millrace/build.yml',
        starts: false,
        reason: { code: 'fork_needs_approval' },
        execution_id: null,
      },
    ]);
    expect(await forge.statuses(SHOP, head)).toEqual([]);

    const approval = { pipeline_id: delivery.decisions[0]?.pipeline_id, commit: head };
    const { execution_id: id } = await server.call<{ execution_id: string }>(
      'POST',
      `/api/ci/deliveries/${delivery.id}/approve`,
      approval,
    );
    // A worker accepts it, after the answer.
    await eventually(
      async () => (await server.fetch('GET', `/api/ci/executions/${id}`)).ok || undefined,
    );
    const run = await server.finished(id, 60_000);
    expect(run).toMatchObject({ status: 'success', commit: { sha: head } });
    // Their files, by the definition of the base branch.
    const log = await server.logText(id);
    expect(log).toContain('theirs');
    expect(log).toContain(`pull_request none none ${head} ${SHOP} by bob`);
    await told(head, 'success', 'millrace/shop/pr');
  });

  it('shows a failure on a commit whose file does not compile', async () => {
    await work.git('switch', '-q', 'main');
    await writeFile(join(work.directory, '.millrace/build.yml'), 'name: shop\nstepps: []\n');
    const head = await work.commit('broken');
    await push('main');
    const { decisions } = await delivered('push');
    expect(decisions).toMatchObject([{ starts: false, reason: { code: 'definition_invalid' } }]);
    const statuses = await told(head, 'failure', 'millrace/shop');
    expect(statuses).toMatchObject([
      { description: expect.stringContaining('.millrace/build.yml does not compile. Line 1') },
    ]);
  });

  it('is still heard when the secret of its webhook was changed twice', async () => {
    // After one change, what is signed with the secret before would be good as well.
    for (let times = 0; times < 2; times++) {
      const path = `/api/repositories/${repositoryId}/webhook-secret`;
      expect(await server.call('POST', path)).toMatchObject({ webhook: 'made', paste: null });
    }
    expect(await forge.call('GET', `/repos/${SHOP}/hooks`)).toHaveLength(1);
    await change('by the new secret');
    await push('main');
    await delivered('push');
  });

  it('runs what is pushed when the repository was renamed', async () => {
    await forge.call('PATCH', `/repos/${SHOP}`, { name: 'store' });
    await writeFile(join(work.directory, '.millrace/build.yml'), definition(endFile()));
    const head = await change('renamed');
    await push('main', 'ada', 'acme/store');
    expect(await runOf(await delivered('push'), head)).toContain(`${head} acme/store by ada`);
    await told(head, 'success', 'millrace/shop', 'acme/store');
  });

  it('runs once what is pushed while Millrace is down', async () => {
    await server.api?.end();
    // Gitea may be slow enough to find the server started again.
    const [hook] = await forge.call<GiteaHook[]>('GET', '/repos/acme/store/hooks');
    const path = `/repos/acme/store/hooks/${String(hook?.id)}`;
    await forge.call('PATCH', path, { active: false });
    const head = await change('while it was down');
    await push('main', 'ada', 'acme/store');
    // Gitea lists the new head a while after the push; heads are compared once at the start.
    await eventually(async () => {
      const { commit } = await forge.call<{ commit: { id: string } }>(
        'GET',
        '/repos/acme/store/branches/main',
      );
      return commit.id === head || undefined;
    });
    await server.startApi();
    const delivery = await delivered('push');
    expect(delivery).toMatchObject({ kind: 'missed_push', forge_delivery_id: null });
    expect(await runOf(delivery, head)).toContain(`push main none ${head} acme/store by gitea`);
    await told(head, 'success', 'millrace/shop', 'acme/store');
  });

  it('has no webhook any more when the repository is disconnected', async () => {
    // Nothing has told of this name.
    await forge.call('PATCH', '/repos/acme/store', { name: 'mart' });
    const response = await server.fetch('DELETE', `/api/repositories/${repositoryId}`);
    expect(response.status).toBe(204);
    expect(await forge.call('GET', '/repos/acme/mart/hooks')).toEqual([]);
  });
});
