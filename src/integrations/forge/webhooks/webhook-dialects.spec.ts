import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { ForgeEvent, ForgeKind } from '../forge-event.js';
import { Payload } from './payload.js';
import { webhookDialect } from './webhook-dialects.js';

const hmac = (body: Buffer, secret: string): string =>
  createHmac('sha256', secret).update(body).digest('hex');

const sha = (digit: string): string => digit.repeat(40);

function read(kind: ForgeKind, event: string, payload: unknown): ForgeEvent {
  const found = webhookDialect(kind).read(event, new Payload(payload));
  if ('ignored' in found) throw new Error(found.message);
  return found;
}

describe('the signature of a delivery', () => {
  const body = Buffer.from('Hello, World!');
  const secret = "It's a Secret to Everybody";
  /** The vector that GitHub publishes for whoever verifies. */
  const published = '757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';

  it.each<[string, ForgeKind, Record<string, string>, boolean]>([
    ['GitHub', 'github', { 'x-hub-signature-256': `sha256=${published}` }, true],
    [
      'GitHub, in capitals',
      'github',
      { 'x-hub-signature-256': `sha256=${published.toUpperCase()}` },
      true,
    ],
    ['without its prefix', 'github', { 'x-hub-signature-256': published }, false],
    ['none', 'github', {}, false],
    ['empty', 'github', { 'x-hub-signature-256': '' }, false],
    ['sha1 only', 'github', { 'x-hub-signature': `sha1=${published.slice(0, 40)}` }, false],
    ['cut', 'github', { 'x-hub-signature-256': `sha256=${published.slice(0, -1)}` }, false],
    [
      'sent twice',
      'github',
      { 'x-hub-signature-256': `sha256=${published}, sha256=${published}` },
      false,
    ],
    ['Gitea', 'gitea', { 'x-gitea-signature': published }, true],
    ['that of GitHub, at Gitea', 'gitea', { 'x-hub-signature-256': `sha256=${published}` }, false],
    ['GitLab', 'gitlab', { 'x-gitlab-token': secret }, true],
    ['GitLab, wrong', 'gitlab', { 'x-gitlab-token': `${secret}x` }, false],
    ['GitLab, none', 'gitlab', {}, false],
  ])('%s', (_name, kind, headers, isGood) => {
    expect(webhookDialect(kind).verify(headers, body, secret)).toBe(isGood);
    expect(webhookDialect(kind).verify(headers, body, 'other')).toBe(false);
  });

  it('with an empty secret is never good', () => {
    const signed = { 'x-hub-signature-256': `sha256=${hmac(body, '')}`, 'x-gitlab-token': '' };
    for (const kind of ['github', 'gitlab'] as const) {
      expect(webhookDialect(kind).verify(signed, body, '')).toBe(false);
    }
  });
});

describe('events of GitHub', () => {
  const push = {
    ref: 'refs/heads/main',
    before: sha('a'),
    after: sha('b'),
    repository: { id: 1, full_name: 'o/r' },
    sender: { id: 2, login: 'ada' },
    head_commit: { id: sha('b'), message: 'm', author: { name: 'Ada', email: 'a@x' } },
    commits: [
      { id: sha('c'), added: ['new'], removed: ['old'], modified: [] },
      { id: sha('b'), added: [], removed: [], modified: ['new', 'b'] },
    ],
  };

  it('a push names its files once', () => {
    expect(read('github', 'push', push)).toMatchObject({
      kind: 'push',
      branch: 'main',
      tag: null,
      before: sha('a'),
      commit: sha('b'),
      message: 'm',
      author: { name: 'Ada', email: 'a@x' },
      actor: { id: '2', name: 'ada' },
      changedPaths: ['new', 'old', 'b'],
    });
  });

  it.each<[string, object]>([
    ['a forced one', { forced: true }],
    ['a new branch', { before: sha('0') }],
    ['one without a list', { commits: undefined }],
    ['one with more commits than are listed', { commits: Array(20).fill(push.commits[0]) }],
    ['one with more commits than it has room for', { total_commits: 40 }],
  ])('%s does not tell its files', (_name, change) => {
    expect(read('github', 'push', { ...push, ...change }).changedPaths).toBe('unknown');
  });

  it('a deletion has no commit', () => {
    const deleted = { ...push, after: sha('0'), head_commit: null, commits: [] };
    expect(read('github', 'push', deleted)).toMatchObject({ commit: null, branch: 'main' });
  });

  it('of an annotated tag the commit counts, not the tag object', () => {
    const tag = { ...push, ref: 'refs/tags/v1', after: sha('d') };
    expect(read('github', 'push', tag)).toMatchObject({
      kind: 'tag',
      tag: 'v1',
      branch: null,
      commit: sha('b'),
    });
  });

  const pullRequest = (headRepo: unknown): unknown => ({
    action: 'opened',
    number: 5,
    pull_request: {
      title: 'T',
      draft: true,
      user: { id: 9, login: 'eve' },
      labels: [{ name: 'bug' }],
      base: { ref: 'main', sha: sha('1'), repo: { id: 1 } },
      head: { ref: 'fix', sha: sha('2'), repo: headRepo },
    },
  });

  it.each<[string, unknown, boolean]>([
    ['the same repository', { id: 1 }, false],
    ['another one', { id: 2 }, true],
    ['one that is gone', null, true],
  ])('a pull request from %s', (_name, repo, fork) => {
    expect(read('github', 'pull_request', pullRequest(repo))).toMatchObject({
      kind: 'pull_request',
      branch: null,
      commit: sha('2'),
      base: { branch: 'main', commit: sha('1') },
      head: { branch: 'fix' },
      number: 5,
      author: { id: '9' },
      labels: ['bug'],
      draft: true,
      fork,
    });
  });

  it.each<[string, unknown, string]>([
    ['ping', {}, 'ping'],
    ['star', {}, 'unknown_event'],
    ['push', { ref: 'refs/notes/x', after: sha('a') }, 'unknown_ref'],
    ['push', [], 'malformed'],
    ['push', JSON.parse('{"__proto__": {"ref": "refs/heads/x"}}'), 'unknown_ref'],
    ['pull_request', { action: 'opened' }, 'malformed'],
  ])('%s %j starts nothing', (event, payload, ignored) => {
    expect(webhookDialect('github').read(event, new Payload(payload))).toMatchObject({ ignored });
  });

  it('all of the published examples are read, and none is taken for what it is not', () => {
    const require = createRequire(__filename);
    const file = require.resolve('@octokit/webhooks-examples/api.github.com/index.json');
    const published = JSON.parse(readFileSync(file, 'utf8')) as {
      name: string;
      examples: unknown[];
    }[];
    const kinds = new Map<string, number>();
    for (const { name, examples } of published) {
      for (const example of examples) {
        const found = webhookDialect('github').read(name, new Payload(example));
        const kind = 'ignored' in found ? found.ignored : `${name} ${found.kind}`;
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      }
    }
    expect([...kinds.keys()].sort()).toEqual([
      'ping',
      'pull_request pull_request',
      'push push',
      'push tag',
      'unknown_event',
    ]);
    expect(kinds.get('pull_request pull_request')).toBeGreaterThan(20);
  });
});

describe('events of Gitea', () => {
  it('call a push to a pull request `synchronized`', () => {
    const event = read('gitea', 'pull_request', {
      action: 'synchronized',
      number: 1,
      pull_request: { base: { repo: { id: 1 } }, head: { sha: sha('a'), repo: { id: 1 } } },
    });
    expect(event.action).toBe('synchronize');
  });
});

describe('events of GitLab', () => {
  const request = {
    object_kind: 'merge_request',
    user: { id: 3, username: 'ada' },
    project: { id: 1, path_with_namespace: 'g/sub/p' },
    object_attributes: {
      iid: 4,
      action: 'update',
      oldrev: sha('9'),
      last_commit: { id: sha('8') },
      source_branch: 'fix',
      target_branch: 'main',
      source_project_id: 1,
      target_project_id: 1,
      author_id: 3,
      title: 'T',
    },
  };

  it.each<[string, object, string]>([
    ['update', { oldrev: sha('9') }, 'synchronize'],
    ['update', { oldrev: undefined }, 'edited'],
    ['open', {}, 'opened'],
    ['merge', {}, 'closed'],
  ])('%s %j', (action, change, expected) => {
    const attributes = { ...request.object_attributes, action, ...change };
    const event = read('gitlab', 'Merge Request Hook', {
      ...request,
      object_attributes: attributes,
    });
    expect(event).toMatchObject({ action: expected, number: 4, fork: false, commit: sha('8') });
  });

  it('name the project', () => {
    expect(webhookDialect('gitlab').repository(new Payload(request))).toEqual({
      id: '1',
      fullName: 'g/sub/p',
    });
  });

  it('a push of a tag', () => {
    const event = read('gitlab', 'Tag Push Hook', {
      object_kind: 'tag_push',
      ref: 'refs/tags/v1',
      before: sha('0'),
      after: sha('7'),
      checkout_sha: sha('6'),
      user_username: 'ada',
    });
    expect(event).toMatchObject({
      kind: 'tag',
      tag: 'v1',
      commit: sha('6'),
      actor: { name: 'ada' },
    });
  });
});
