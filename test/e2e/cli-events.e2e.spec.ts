import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandLine, type Outcome } from '../support/command-line.js';
import { ConnectedRepository } from '../support/connected-repository.js';
import { eventually } from '../support/eventually.js';
import type { ForgeStandIn } from '../support/forge-stand-in.js';
import { freePort } from '../support/free-port.js';
import { MillraceServer } from '../support/millrace-server.js';

const NONE = '0'.repeat(40);

/** Repositories, deliveries, schedules and tokens as the command line shows them. */
describe('the command line and what starts executions by itself', () => {
  let connected: ConnectedRepository;
  let folder: string;
  let forge: ForgeStandIn;
  let server: MillraceServer;
  let cli: CommandLine;
  let head: string;

  beforeAll(async () => {
    connected = await ConnectedRepository.start({
      '.millrace.yml': `name: shop
triggers:
  - push: { branches: [main] }
  - pull_request
  - schedule: { cron: '0 3 1 1 *', timezone: Europe/Vienna }
steps:
  - { name: greet, run: echo hello }
`,
    });
    ({ forge, head, folder } = connected);
    const port = String(await freePort());
    server = await MillraceServer.start({
      environment: { PORT: port, PUBLIC_URL: `http://127.0.0.1:${port}` },
    });
    cli = new CommandLine(folder, {
      TZ: 'UTC',
      MILLRACE_URL: server.baseUrl,
      MILLRACE_TOKEN: server.token,
    });
  });
  afterAll(async () => {
    await server?.stop();
    await connected?.stop();
  });

  const good = async (args: readonly string[], input = ''): Promise<Outcome> => {
    const outcome = await cli.run(args, { input });
    expect({ args, code: outcome.code, told: outcome.code === 0 ? '' : outcome.stderr }).toEqual({
      args,
      code: 0,
      told: '',
    });
    return outcome;
  };

  /** The id of the delivery that is decided when this resolves. */
  const decided = async (response: Response): Promise<string> => {
    const { delivery_id: id } = (await response.json()) as { delivery_id: string };
    return eventually(async () => {
      const { status } = await server.call<{ status: string }>('GET', `/api/ci/deliveries/${id}`);
      return ['done', 'ignored', 'duplicate'].includes(status) ? id : undefined;
    }, 30_000);
  };

  it('repositories: none, connect with a token from standard input, list, check', async () => {
    const none = await good(['repositories']);
    expect(none.stderr).toContain('No repository is connected');
    expect((await cli.run(['repositories', 'connect', 'http://forge.test/acme/shop'])).code).toBe(
      2,
    );
    const connect = ['repositories', 'connect', 'http://forge.test/acme/shop', '--forge', 'github'];
    const { stdout, stderr } = await good(
      [...connect, '--api-url', forge.apiUrl],
      `${forge.token}\n`,
    );
    expect(stdout).toMatch(
      /^Connected acme\/shop \([0-9a-f-]{36}\)\.\nMillrace has made the webhook/,
    );
    expect(stdout + stderr).not.toContain(forge.token);
    expect((await good(['repositories'])).stdout).toMatch(
      /^[0-9a-f-]{36} +acme\/shop +github +main +approval +none yet *$/m,
    );
    const early = await good(['repositories', 'check', 'acme/shop']);
    expect(early.stdout).toMatch(/^deliveries +not seen yet {2}None has come yet: push/m);
  });

  it('repositories: change which tags are protected; what is not named stays', async () => {
    const change = ['repositories', 'change', 'acme/shop'];
    const tags = ['--protected-tag', 'v{1,2}.*', '--protected-tag', 'release/**'];
    const shown = /^ {2}protected tags +v\{1,2\}\.\* release\/\*\*$/m;
    expect((await good([...change, ...tags])).stdout).toMatch(shown);
    expect((await cli.run([...change, '--protected-tag', '!v*'])).code).toBe(2);
    expect((await good([...change, '--forks', 'approval'])).stdout).toMatch(shown);
    const none = await good([...change, '--no-protected-tags']);
    expect(none.stdout).toMatch(/^ {2}protected tags +none$/m);
  });

  it('deliveries: what a push started, and a filter for each part of the list', async () => {
    const id = await decided(await forge.deliver('push', forge.push('main', NONE, head)));
    const nothing = await decided(await forge.deliver('push', forge.push('dev', NONE, head)));
    const ping = await decided(await forge.deliver('ping', { zen: 'x' }));
    const shown = (await good(['deliveries', 'show', id])).stdout;
    expect(shown).toMatch(/^push: it starts 1 of 1 pipelines\n/);
    expect(shown).toMatch(/\nFrom +github, repository acme\/shop, its delivery /);
    expect((await good(['deliveries'])).stdout).toMatch(
      / push +main [0-9a-f]+ +done +github +acme\/shop /,
    );
    expect(shown).toMatch(
      /\nshop \(\.millrace\.yml, version 1\): starts\n {2}why: a rule is for it/,
    );
    expect((await good(['deliveries', 'show', nothing])).stdout).toContain(
      'why: no rule matches: the branch "dev" fits none of "main"',
    );
    expect((await good(['deliveries', 'show', '@'])).stdout).toContain('ping: it starts nothing');
    const ids = async (...flags: string[]): Promise<string[]> => {
      const { stdout } = await good(['deliveries', '--json', ...flags]);
      return (JSON.parse(stdout) as { items: { id: string }[] }).items.map((each) => each.id);
    };
    expect(await ids()).toEqual([ping, nothing, id]);
    expect(await ids('--status', 'ignored')).toEqual([ping]);
    expect(await ids('--event', 'push')).toEqual([nothing, id]);
    expect(await ids('--repository', 'acme/shop', '--limit', '1')).toEqual([ping]);
    expect((await cli.run(['deliveries', '--repository', 'acme/other'])).code).toBe(5);
    expect((await cli.run(['deliveries', 'show', 'f'.repeat(12)])).code).toBe(5);
    expect((await cli.run(['deliveries', 'show', 'ffff'])).code).toBe(2);
    expect((await good(['repositories', 'check', 'acme/shop'])).stdout).not.toContain('FAILS');

    const replay = await good(['deliveries', 'replay', id, '--dry-run']);
    expect(replay.stdout).toMatch(/^push: it would start 1 of 1 pipelines\n/);
    expect(replay.stdout).toContain(`Replay of ${id}`);
    expect(replay.stdout).toContain('repository acme/shop');
  });

  it('a file that does not compile: status, explain and deliveries show its problems', async () => {
    const { work } = connected;
    await work.git('checkout', '-q', '-b', 'broken');
    const text = 'name: shop\nstepps: []\nnotifications: {}\n';
    await writeFile(join(work.directory, '.millrace.yml'), text);
    const broken = await work.commit('broken');
    await connected.push('broken');
    const id = await decided(await forge.deliver('push', forge.push('broken', NONE, broken)));
    const shown = (await good(['deliveries', 'show', id])).stdout;
    const execution = /millrace status (\S+)/.exec(shown)?.[1] ?? '';
    await server.finished(execution);
    for (const command of ['status', 'explain']) {
      const { stdout } = await good([command, execution]);
      expect(stdout).toMatch(/^\.millrace\.yml:2:1: error: .*\n {4}Did you mean "steps"\?$/m);
      expect(stdout).toMatch(/^\.millrace\.yml:3:1: error: A pipeline has no key "notifications"/m);
    }
    expect(shown).toMatch(/^ {4}\.millrace\.yml:3:1: error: /m);
  });

  it('deliveries approve: by name and commit, and no other commit', async () => {
    const id = await decided(
      await forge.deliver('pull_request', forge.forkPullRequest('main', head, head)),
    );
    const shown = (await good(['deliveries', 'show', id])).stdout;
    const line = `./millrace deliveries approve ${id} --pipeline shop --commit ${head}`;
    expect(shown).toContain(line);
    const approve = ['deliveries', 'approve', id, '--pipeline', 'shop', '--commit'];
    expect((await cli.run([...approve, 'f'.repeat(40)])).code).toBe(1);
    expect((await cli.run([...approve, head.slice(0, 6)])).code).toBe(2);
    expect((await cli.run(['deliveries', 'approve', id, '-p', 'a', '--commit', head])).code).toBe(
      5,
    );
    const { stdout } = await good([...approve, head.slice(0, 12)]);
    expect(stdout).toMatch(/^Approved\. It runs as [0-9a-f-]{36}\.\n$/);
    expect((await good([...approve, head])).stdout).toBe(stdout);
  });

  it('schedules: the next five times', async () => {
    const { stdout } = await good(['schedules', 'shop']);
    expect(stdout).toMatch(/^a tick starts an execution\n\n0 3 1 1 \* {2}Europe\/Vienna\n/);
    expect(stdout.match(/\d{4}-01-01 02:00:00$/gm)).toHaveLength(5);
  });

  it('completes names of repositories, deliveries and accounts', async () => {
    expect((await good(['complete-names', 'repository'])).stdout).toContain('acme/shop\t');
    const deliveries = (await good(['complete-names', 'delivery'])).stdout;
    expect(deliveries).toMatch(/^last\tthe newest\n/);
    expect(deliveries).toMatch(/\tpush done acme\/shop$/m);
  });

  it('service accounts and their tokens: made, used, listed, revoked', async () => {
    const made = await good(['service-accounts', 'create', 'deploy-bot', '--description', 'x']);
    expect(made.stdout).toMatch(/^[0-9a-f-]{36} {2}deploy-bot\n$/);
    expect((await good(['complete-names', 'account'])).stdout).toBe('deploy-bot\tx\n');
    const of = ['--service-account', 'deploy-bot'];
    const create = ['tokens', 'create', 'laptop', ...of, '--days', '2'];
    const { stdout, stderr } = await good([...create, '--scope', 'pipelines:read']);
    expect(stdout).toMatch(/^mrt_\S+\n$/);
    expect(stderr).toContain('shown this once');
    const token = stdout.trim();
    expect((await cli.run(['pipelines', '--token', token])).code).toBe(0);
    expect((await cli.run(['repositories', '--token', token])).code).toBe(4);
    const list = (await good(['tokens', ...of])).stdout;
    expect(list).toMatch(/laptop .* pipelines:read$/m);
    expect(list).not.toContain(token);
    const id = /^([0-9a-f-]{36}) +laptop/m.exec(list)?.[1] ?? '';
    await good(['tokens', 'revoke', id, ...of]);
    expect((await cli.run(['pipelines', '--token', token])).code).toBe(4);
    expect((await cli.run([...create, '--scope', 'everything'])).code).toBe(2);
    expect((await cli.run(create)).code).toBe(2);
    // Who has no session makes no token of their own.
    const own = await cli.run(['tokens', 'create', 'x', '--scope', 'pipelines:read']);
    expect([own.code, own.stderr]).toEqual([4, expect.stringContaining('a service account')]);
    await good(['service-accounts', 'delete', 'deploy-bot']);
    expect((await good(['service-accounts'])).stderr).toContain('No service accounts');
  });

  it('repositories: a new secret for the webhook, and the end of the connection', async () => {
    const before = forge.webhooks[0]?.secret;
    const { stdout } = await good(['repositories', 'rotate-secret', 'acme/shop']);
    expect(stdout).toBe('The webhook of acme/shop has a new secret.\n');
    expect(forge.webhooks[0]?.secret).not.toBe(before);
    await good(['repositories', 'disconnect', 'acme/shop']);
    expect(forge.webhooks).toHaveLength(0);
    const gone = await cli.run(['repositories', 'check', 'acme/shop']);
    expect([gone.code, gone.stderr]).toEqual([5, expect.stringContaining('is connected')]);
  });
});
