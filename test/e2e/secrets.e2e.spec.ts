import mongoose from 'mongoose';
import { Redis } from 'ioredis';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { gunzipSync, inflateRawSync, zstdDecompressSync } from 'node:zlib';
import { eventually } from '../support/eventually.js';
import { readEvents } from '../support/event-stream.js';
import { ForgeStandIn } from '../support/forge-stand-in.js';
import { GitFixture, GitHttpServer } from '../support/git-http-server.js';
import { GitSshServer } from '../support/git-ssh-server.js';
import { MillraceServer } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { removeTree } from '../support/remove-tree.js';
import { testServices } from '../support/services.js';

jest.setTimeout(180_000);

const SECRET = 'hunter2/p+ss "wörd" & more';
/** A value of several lines, as of a key. */
const KEY = ['-----BEGIN KEY-----', 'MIIEvQIBADANBgkqhkiG9w0', 'ab', '-----END KEY-----'].join(
  '\n',
);

/** Every way in which a value may be printed that is promised to be masked. */
function printed(value: string): string[] {
  const bytes = Buffer.from(value);
  const behind = (front: string): string =>
    Buffer.concat([Buffer.from(front), bytes]).toString('base64');
  return [
    ...value.split('\n').filter((line) => line.length >= 4),
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    new URLSearchParams({ x: value }).toString().slice(2),
    behind(''),
    behind('u:'),
    behind('us:'),
    behind('').replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''),
  ];
}

/** What of these must be found nowhere: also the middle of base64, which no offset changes. */
const needles = [SECRET, KEY].flatMap((value) =>
  printed(value)
    .map((form) => form.slice(3, -4))
    .filter((form) => form.length >= 8),
);

/** Prints its input one byte at a time, each by a write of its own. */
const byByte = (text: string): string =>
  `printf %s '${Buffer.from(text).toString('hex')}' | ${process.execPath} -e '
const { writeSync, readFileSync } = require("node:fs");
for (const byte of Buffer.from(readFileSync(0, "utf8"), "hex")) writeSync(1, Buffer.from([byte]));
'`;

describe('secrets', () => {
  let server: MillraceServer;
  let databaseName: string;
  beforeAll(async () => {
    databaseName = testServices().databaseName;
    server = await MillraceServer.start({
      databaseName,
      environment: { LOG_LEVEL: 'trace', PATH: process.env['PATH'], GIT_CLIENT: 'git' },
    });
  });
  afterAll(() => server.stop());

  const set = (name: string, value: string, query = ''): Promise<unknown> =>
    server.call('PUT', `/api/secrets/${name}${query}`, { value });

  /** Everything that is stored, decompressed where it is compressed. */
  async function stores(): Promise<string> {
    const { mongodbUri, redisUrl } = testServices();
    const texts: string[] = [];
    const connection = await mongoose
      .createConnection(mongodbUri, { dbName: databaseName })
      .asPromise();
    try {
      for (const { name } of await connection.listCollections()) {
        for await (const document of connection.collection(name).find()) {
          texts.push(JSON.stringify(document), ...unpacked(document));
        }
      }
    } finally {
      await connection.close();
    }
    const redis = new Redis(redisUrl);
    try {
      for (const key of await redis.keys('*')) texts.push(key, await dump(redis, key));
    } finally {
      redis.disconnect();
    }
    return texts.join('\n');
  }

  it('are masked in whatever a step prints, byte by byte, everywhere', async () => {
    await set('A_KEY', SECRET);
    await set('B_KEY', KEY);
    const lines = [SECRET, KEY].flatMap((value) => printed(value));
    const script = lines.map((line) => byByte(`${line}\n`)).join('\n');
    const yaml = `name: leaks
stages:
  - name: s
    when: "env.A_KEY != 'x'"
    secrets: [A_KEY]
    steps:
      - name: given
        secrets: [B_KEY]
        outputs: [v, w]
        run:
          - '[ "$(printf %s "$A_KEY$B_KEY" | sha256sum)" = "${digest(SECRET + KEY)}  -" ] && echo all given'
          - 'printf "v=%s\\nw=%s\\n" "$A_KEY" "$(printf %s "$A_KEY" | base64)" >> "$CI_OUTPUT"'
          - 'printf %s "$A_KEY" | base64; echo "got \${{ env.A_KEY }}"'
          - 'sleep 1'
      - { name: not-given, run: 'echo "B is ''\${B_KEY-unset}''"' }
      - { name: reads, run: 'echo "\${{ steps.given.outputs.v }}" | wc -c' }
      - { name: fails, run: 'printf "%s\\n" "$A_KEY" >&2; exit 3' }
  - name: prints
    when: always()
    secrets: [A_KEY, B_KEY]
    steps:
      - name: bytes
        run: ${JSON.stringify(script)}
`;
    const id = await server.trigger(await server.createPipeline(yaml));
    const events: string[] = [];
    const feed = await server.fetch('GET', `/api/ci/executions/${id}/events`);
    for await (const event of readEvents(feed)) {
      events.push(JSON.stringify(event));
      if (event.event === 'done') break;
    }
    const execution = await server.finished(id);
    const log = await server.logText(id);
    expect(log).toContain('all given\n');
    expect(log).toContain("B is 'unset'");
    expect(log).toContain('got ***');
    expect(execution.stages[0]?.steps[0]?.outputs).toEqual({ v: '***', w: '***' });
    // Later steps get outputs as they are.
    expect(log).toContain(String(Buffer.byteLength(SECRET) + 1));
    expect(execution.failure).toMatchObject({ step: 'fails', last_lines: ['***'] });
    const lastStep = execution.stages[1]?.steps[0];
    expect(lastStep?.status).toBe('success');

    const json = await server.fetch('GET', `/api/ci/executions/${id}/logs`);
    const explain = await server.fetch('GET', `/api/ci/executions/${id}/explain`);
    const told = [
      ['live', events.join('\n')],
      ['log', log],
      ['json', await json.text()],
      ['explain', await explain.text()],
      ['execution', JSON.stringify(execution)],
      ['ours', server.processes.map((each) => each.output()).join('\n')],
    ] as const;
    for (const [where, text] of told) {
      expect(text.length).toBeGreaterThan(100);
      const found = needles.filter((needle) => text.includes(needle));
      expect([where, found]).toEqual([where, []]);
    }
  });

  it('are in no store', async () => {
    const yaml = 'name: quiet\nsteps: [{ name: x, secrets: [A_KEY], run: "echo [$A_KEY]" }]\n';
    const execution = await server.run(yaml);
    expect(await server.logText(execution.id)).toBe('[***]\n');
    const stored = await stores();
    expect(stored).toContain(execution.id);
    expect(stored).toContain('[***]');
    // The script of the spec above is in its pipeline, and no secret.
    expect(needles.filter((needle) => stored.includes(needle))).toEqual([]);
  });

  it('of which one is missing keep all of the run from starting', async () => {
    const yaml =
      'name: missing\nsteps: [{ run: echo begun }, { run: echo, secrets: [NOT_THERE] }]\nalways: [echo tidy]\n';
    const execution = await server.run(yaml);
    expect(execution).toMatchObject({ status: 'failed', reason: { code: 'secret_missing' } });
    expect(execution.reason?.message).toContain('NOT_THERE');
    expect(await server.logText(execution.id)).toBe('');
  });

  it('count where they are narrowest, and go with their pipeline', async () => {
    const yaml =
      'name: own\nsteps: [{ run: \'[ "$A_KEY" = pipeline-value ]\', secrets: [A_KEY] }]\n';
    const id = await server.createPipeline(yaml);
    await set('A_KEY', 'pipeline-value', `?pipeline_id=${id}`);
    expect(await server.finished(await server.trigger(id))).toMatchObject({ status: 'success' });
    expect(await server.run(yaml)).toMatchObject({ status: 'failed' });
  });

  describeWith({ sshd: 'openssh-server', ssh: 'openssh-client' }, {}, 'and a clone by SSH', () => {
    let folder: string;
    let fixture: GitFixture;
    let sshd: GitSshServer;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'millrace-secrets-ssh-'));
      fixture = await GitFixture.create('main');
      await fixture.commit('by ssh');
      await fixture.publish(folder, 'shop');
      sshd = await GitSshServer.start();
    });
    afterAll(async () => {
      await sshd?.stop();
      fixture?.remove();
      await removeTree(folder);
    });

    it('give it a deploy key and known hosts, which no step finds', async () => {
      await set('D_KEY', sshd.key('user'));
      await set('D_HOSTS', sshd.knownHosts());
      const line = sshd.key('user').split('\n')[2] ?? '';
      const url = sshd.url(join(folder, 'shop.git'));
      const yaml = `name: d
repository: { url: '${url}', credentials: { ssh_key: D_KEY, known_hosts: D_HOSTS } }
steps:
  - '! grep -rqs "OPENSSH PRIVATE" "$CI_WORKSPACE/.." "$HOME" "$TMPDIR"'
  - '! env | grep D_KEY'
  - 'printf %s%s\\n ${line.slice(0, 20)} ${line.slice(20)}'
`;
      const { id, status } = await server.run(yaml);
      const log = await server.logText(id);
      expect({ status, log }).toEqual({ status: 'success', log: expect.stringContaining('***') });
      expect(log).not.toContain(line);
      await set('D_KEY', sshd.key('stranger'));
      const refused = await server.run(yaml);
      expect(refused).toMatchObject({ status: 'failed' });
      expect(JSON.stringify(await server.execution(refused.id))).toContain('authentication_failed');
    });
  });

  describe('and pull requests', () => {
    let folder: string;
    let fixture: GitFixture;
    let repositories: GitHttpServer;
    let forge: ForgeStandIn;
    let head: string;
    let repositoryId: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'millrace-secrets-'));
      fixture = await GitFixture.create('main');
      await mkdir(join(fixture.directory, '.millrace'));
      await writeFile(
        join(fixture.directory, '.millrace/build.yml'),
        'name: shop\ntriggers: [push, { pull_request: { forks: run } }]\n' +
          'steps: [{ name: x, secrets: [R_KEY], run: \'echo "key ${R_KEY-unset} ${#R_KEY}"\' }]\n',
      );
      head = await fixture.commit('with repository-value in it');
      await fixture.publish(folder, 'shop', { 'uploadpack.allowAnySHA1InWant': 'true' });
      // The repository is private: only the token of the connection opens it.
      const auth = { username: 'x-access-token', password: 'forge-token' };
      repositories = await GitHttpServer.start(folder, { auth });
      forge = await ForgeStandIn.start({
        id: 4712,
        fullName: 'acme/shop',
        cloneUrl: repositories.url('shop'),
        defaultBranch: 'main',
      });
      const connected = await server.call<{ id: string; paste: { secret: string } }>(
        'POST',
        '/api/repositories',
        {
          url: 'http://forge.test/acme/shop',
          forge: 'github',
          api_url: forge.apiUrl,
          token: forge.token,
          forks: 'run',
        },
      );
      repositoryId = connected.id;
      forge.webhooks.push({
        id: 1,
        url: `${server.baseUrl}/api/repositories/${connected.id}/webhook`,
        secret: connected.paste.secret,
      });
      await set('R_KEY', 'repository-value', `?repository_id=${repositoryId}`);
    });
    afterAll(async () => {
      await forge?.stop();
      await repositories?.stop();
      fixture?.remove();
      await removeTree(folder);
    });

    const started = async (payload: object, event = 'pull_request'): Promise<string> => {
      const response = await forge.deliver(event, payload);
      expect(response.status).toBe(202);
      const { delivery_id: id } = (await response.json()) as { delivery_id: string };
      return eventually(async () => {
        const delivery = await server.call<{
          status: string;
          decisions: { execution_id: string | null }[];
        }>('GET', `/api/ci/deliveries/${id}`);
        if (delivery.status !== 'done') return undefined;
        return delivery.decisions[0]?.execution_id ?? `nothing: ${JSON.stringify(delivery)}`;
      }, 30_000);
    };
    const pull = (full: string) => ({
      action: 'opened',
      number: full.length,
      repository: (forge.push('main', head, head) as { repository: unknown }).repository,
      sender: { id: 1, login: 'ada' },
      pull_request: {
        number: full.length,
        title: 'says repository-value',
        draft: false,
        user: { id: 1, login: 'ada' },
        head: {
          sha: head,
          ref: 'topic',
          repo: { id: full === 'acme/shop' ? 4712 : 9, full_name: full },
        },
        base: { sha: head, ref: 'main', repo: { id: 4712, full_name: 'acme/shop' } },
      },
    });

    it('of the repository itself get those of the repository', async () => {
      const id = await started(pull('acme/shop'));
      expect(await server.finished(id)).toMatchObject({ status: 'success' });
      expect(await server.logText(id)).toContain('key *** 16');
      const text = JSON.stringify(await server.execution(id));
      expect(text).toContain('says ***');
      expect(text).not.toContain('repository-value');
    });

    it('are no business of protected ones, which the default branch gets', async () => {
      const rules = (change: object): Promise<unknown> =>
        server.call('PATCH', `/api/secrets/R_KEY?repository_id=${repositoryId}`, change);
      await rules({ protected: true });
      const zeros = '0'.repeat(40);
      const ofPull = await started({ ...pull('acme/shop'), number: 77 });
      const ofTopic = await started(forge.push('topic', zeros, head), 'push');
      const ofMain = await started(forge.push('main', zeros, head), 'push');
      const { pipeline_id: pipeline } = await server.call<{ pipeline_id: string }>(
        'GET',
        `/api/ci/executions/${ofMain}`,
      );
      const byHand = (trigger: object): Promise<string> => server.trigger(pipeline, trigger);
      const again = async (id: string): Promise<string> => {
        await server.finished(id);
        const path = `/api/ci/executions/${id}/rerun`;
        return (await server.call<{ execution_id: string }>('POST', path, {})).execution_id;
      };
      const repository = forge.repository.cloneUrl;
      const refused = {
        'a pull request': ofPull,
        'again, by somebody who may trigger': await again(ofPull),
        'a branch': ofTopic,
        'a branch by hand': await byHand({ repository, branch: 'topic' }),
        'a commit by hand': await byHand({ repository, branch: 'main', commit_hash: head }),
        'code of the caller': await byHand({ environment: { BASH_ENV: '$(id >&2)' } }),
      };
      for (const [name, id] of Object.entries(refused)) {
        const { status, reason } = await server.finished(id);
        expect([name, status, reason?.code]).toEqual([name, 'failed', 'secret_withheld']);
        expect(reason?.message).toContain('The secret R_KEY of the repository is protected');
        expect(await server.logText(id)).toBe('');
      }
      const given = [ofMain, await again(ofMain), await byHand({ repository })];
      for (const id of given) {
        expect(await server.finished(id)).toMatchObject({ status: 'success' });
        expect(await server.logText(id)).toContain('key *** 16');
      }
      await rules({ protected: false });
    });

    it('are cloned with the token of the connection, which is stored nowhere as it is', async () => {
      const stored = await stores();
      expect(stored).toContain(repositoryId);
      expect(stored).not.toContain('forge-token');
      const url = forge.repository.cloneUrl;
      await set('C_TOKEN', 'forge-token');
      const steps = 'steps: [{ run: git config --get-regexp . | grep -c forge-token || true }]\n';
      for (const [repository, trigger] of [
        [url, {}],
        [`{ url: ${url}, credentials: C_TOKEN }`, {}],
        [`{ url: ${url}, credentials: C_TOKEN }`, { repository: url }],
      ] as const) {
        const execution = await server.run(`name: c\nrepository: ${repository}\n${steps}`, trigger);
        expect(execution).toMatchObject({ status: 'success', commit: { sha: head } });
        expect(await server.logText(execution.id)).not.toContain('forge-token');
      }
      const given = url.replace('//', '//x-access-token:forge-token@');
      const own = await server.run(`name: o\n${steps}`, { repository: given });
      expect(own).toMatchObject({ status: 'success' });
      const again = await server.call<{ execution_id: string }>(
        'POST',
        `/api/ci/executions/${own.id}/rerun`,
        {},
      );
      expect(await server.finished(again.execution_id)).toMatchObject({ status: 'success' });
      // But for this spec's own pipeline: it searches for the word.
      const texts = (await stores()).split('\n').filter((text) => !text.includes('grep -c'));
      expect(texts.filter((text) => text.includes('forge-token'))).toEqual([]);
    });

    it('name a user and a password for their clone, which no step finds', async () => {
      const url = forge.repository.cloneUrl;
      await set('C_USER', 'x-access-token');
      await set('C_PASS', 'forge-token\n');
      const find = `name: u
stages:
  - name: s
    steps:
      - name: more
        step_type: git_hub
        config:
          repository_url: ${url}
          working_directory: more
          credentials: { username: C_USER, password: C_PASS }
      - name: find
        run:
          - '[ -f more/.millrace/build.yml ]'
          - '! grep -rqs "forge-tok[e]n" "$CI_WORKSPACE" "$HOME" "$TMPDIR" /proc/self/environ'
          - '! env | grep C_PASS'
          - printf 'forge-%s\\n' token
`;
      const { id, status } = await server.run(find);
      const log = await server.logText(id);
      expect({ status, log }).toEqual({ status: 'success', log: expect.stringContaining('***') });
      expect(log).not.toContain('forge-token');
      await set('C_PASS', 'another');
      const refused = await server.run(find);
      expect(refused).toMatchObject({ status: 'failed' });
      expect(JSON.stringify(await server.execution(refused.id))).toContain('authentication_failed');
    });

    it('of another one get none, also when they are run again', async () => {
      const id = await started(pull('stranger/shop'));
      expect(await server.finished(id)).toMatchObject({ status: 'success' });
      const again = (
        await server.call<{ execution_id: string }>('POST', `/api/ci/executions/${id}/rerun`, {})
      ).execution_id;
      expect(await server.finished(again)).toMatchObject({ status: 'success' });
      for (const each of [id, again]) {
        const log = await server.logText(each);
        expect(log).toContain('key unset 0');
        expect(log).toContain('secrets are not given to this run: R_KEY');
      }
    });
  });
});

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Texts in the binary values of a document, in each compression that we use. */
function unpacked(document: object): string[] {
  return Object.values(document).flatMap((value: unknown) => {
    if (typeof value !== 'object' || value === null) return [];
    const { buffer } = value as { buffer?: unknown };
    if (!(buffer instanceof Uint8Array)) return unpacked(value);
    return [gunzipSync, inflateRawSync, zstdDecompressSync].flatMap((read) => {
      try {
        return [read(buffer).toString()];
      } catch {
        return [Buffer.from(buffer as Uint8Array<ArrayBuffer>).toString('latin1')];
      }
    });
  });
}

async function dump(redis: Redis, key: string): Promise<string> {
  switch (await redis.type(key)) {
    case 'string':
      return (await redis.get(key)) ?? '';
    case 'hash':
      return JSON.stringify(await redis.hgetall(key));
    case 'list':
      return JSON.stringify(await redis.lrange(key, 0, -1));
    case 'set':
      return JSON.stringify(await redis.smembers(key));
    case 'zset':
      return JSON.stringify(await redis.zrange(key, '0', '-1'));
    case 'stream':
      return JSON.stringify(await redis.xrange(key, '-', '+'));
    default:
      return '';
  }
}
