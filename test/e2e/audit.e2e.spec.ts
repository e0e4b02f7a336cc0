import mongoose, { type Connection } from 'mongoose';
import { createHash } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson } from '../../src/engine/compiler/hash-plan.js';
import { Browser } from '../support/browser.js';
import { CommandLine } from '../support/command-line.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { MillraceServer, type ServerProcess } from '../support/millrace-server.js';
import { OAuthStandIn, type StandInAccount } from '../support/oauth-stand-in.js';
import { removeTree } from '../support/remove-tree.js';
import { testServices } from '../support/services.js';

const ADA: StandInAccount = { id: 583_231, login: 'Ada', name: 'Ada L.' };
const BOB: StandInAccount = { id: 2, login: 'bob' };
const EVE: StandInAccount = { id: 666, login: 'eve' };
const WAITING =
  'name: audited\nruns_on: [of-no-worker]\nsteps:\n  - run: echo secret-of-the-body\n';

interface Actor {
  readonly kind: string;
  readonly id: string;
  readonly name: string;
  readonly credential: string;
}

interface RecordBody {
  readonly seq: number;
  readonly hash: string;
  readonly prev: string;
  readonly action: string;
  readonly outcome: string;
  readonly reason: string;
  readonly actor: Actor;
  readonly client: string;
  readonly target: { readonly kind: string; readonly id: string; readonly name: string } | null;
  readonly details: Readonly<Record<string, unknown>>;
}

describe('the audit', () => {
  let forge: OAuthStandIn;
  let server: MillraceServer;
  let database: Connection;
  let base: string;
  let second: string;
  let first: ServerProcess | undefined;
  let home: string;
  let cli: CommandLine;
  let ada: Browser;

  beforeAll(async () => {
    forge = await OAuthStandIn.start();
    const port = String(await freePort());
    base = `http://127.0.0.1:${port}`;
    server = await MillraceServer.start({
      workers: 0,
      environment: {
        ...forge.environment,
        PORT: port,
        PUBLIC_URL: base,
        ADMIN_LOGINS: 'ada',
        ALLOWED_LOGINS: 'bob',
        AUTH_FAILURE_LIMIT: '0',
        LOGIN_LIMIT: '0',
      },
    });
    first = server.api;
    await server.startApi({ PORT: '0' });
    second = server.baseUrl;
    database = await mongoose
      .createConnection(testServices().mongodbUri, {
        dbName: server.environment['MONGODB_DATABASE'],
      })
      .asPromise();
    home = await mkdtemp(join(tmpdir(), 'millrace-audit-'));
    cli = new CommandLine(home, { MILLRACE_URL: base, MILLRACE_TOKEN: server.token });
    ada = new Browser(base, forge);
    await ada.logIn(ADA);
  });
  afterAll(async () => {
    await database.close();
    await first?.end();
    await server.stop();
    await forge.stop();
    await removeTree(home);
  });

  const list = async (query: string): Promise<readonly RecordBody[]> => {
    const path = `/api/audit?${query}`;
    return (await server.call<{ items: readonly RecordBody[] }>('GET', path)).items;
  };
  const newest = async (query: string): Promise<RecordBody | undefined> =>
    (await list(`${query}&limit=1`))[0];
  /** What is noted is stored soon. */
  const soon = (query: string): Promise<RecordBody> => eventually(() => newest(query));

  it('keeps log-ins, those that are refused, and log-outs', async () => {
    expect(await newest('action=sessions.login&outcome=success')).toMatchObject({
      actor: { kind: 'user', name: 'Ada' },
      client: '127.0.0.1',
      details: { forge: 'github', kind: 'browser' },
    });
    await expect(new Browser(base, forge).logIn(EVE)).rejects.toThrow(/^403/);
    expect(await soon('action=sessions.login&outcome=refused')).toMatchObject({
      reason: 'not_allowed',
      actor: { kind: 'unknown' },
      details: { login: 'eve' },
    });
    const bob = new Browser(base, forge);
    await bob.logIn(BOB);
    const { credential } = (await newest('actor=bob'))?.actor ?? { credential: '?' };
    expect((await bob.call('POST', '/api/sessions/logout')).status).toBe(204);
    expect(await newest('actor=bob')).toMatchObject({
      action: 'sessions.end',
      actor: { credential },
    });
  });

  it('keeps roles, tokens and what they may not do', async () => {
    const bob = new Browser(base, forge);
    await bob.logIn(BOB);
    const { body: me } = await bob.call('GET', '/api/sessions/me');
    const id = String(me.id);
    expect((await bob.call('GET', '/api/audit')).status).toBe(403);
    expect(await soon('actor=bob&outcome=refused')).toMatchObject({
      action: 'requests.call',
      reason: 'scope_missing',
      target: { kind: 'route', id: 'GET /api/audit' },
      details: { scope: 'audit:read' },
    });
    await ada.call('PATCH', `/api/users/${id}`, { role: 'developer' });
    expect(await newest(`target=${id}`)).toMatchObject({
      action: 'users.change',
      actor: { name: 'Ada' },
      target: { kind: 'user', name: 'bob' },
      details: { role: 'developer' },
    });
    const made = await bob.call('POST', '/api/tokens', {
      name: 'laptop',
      scopes: ['pipelines:read'],
      expires_in_days: 1,
    });
    const token = made.body as { id: string; token: string };
    expect(await newest(`target=${token.id}`)).toMatchObject({
      action: 'tokens.create',
      target: { kind: 'token', name: 'laptop' },
      details: { scopes: 'pipelines:read' },
    });
    await bob.call('DELETE', `/api/tokens/${token.id}`);
    expect(await newest(`target=${token.id}`)).toMatchObject({ action: 'tokens.revoke' });
    const texts = await database.collection('audit_records').find({}).toArray();
    expect(JSON.stringify(texts)).not.toContain(token.token);
  });

  it('keeps pipelines and executions, and nothing of their text', async () => {
    const pipeline = await server.createPipeline(WAITING);
    const execution = await server.trigger(pipeline);
    expect(await soon(`target=${execution}`)).toMatchObject({
      action: 'executions.trigger',
      details: { pipeline_id: pipeline, number: 1 },
    });
    await ada.call('POST', `/api/ci/executions/${execution}/cancel`);
    expect(await newest(`target=${execution}`)).toMatchObject({
      action: 'executions.cancel',
      actor: { name: 'Ada' },
    });
    const again = await ada.call('POST', `/api/ci/executions/${execution}/rerun`, {});
    expect(await soon(`target=${String(again.body.execution_id)}`)).toMatchObject({
      action: 'executions.rerun',
      details: { rerun_of: execution, number: 2 },
    });
    await ada.call('PATCH', `/api/ci/pipelines/${pipeline}`, { enabled: false });
    expect((await newest(`target=${pipeline}`))?.details).toEqual({ enabled: false });
    await ada.call('DELETE', `/api/ci/pipelines/${pipeline}`);
    expect((await list(`target=${pipeline}`)).map(({ action }) => action)).toEqual([
      'pipelines.delete',
      'pipelines.change',
      'pipelines.create',
    ]);
    const texts = await database.collection('audit_records').find({}).toArray();
    expect(JSON.stringify(texts)).not.toContain('secret-of-the-body');
  });

  it('counts tokens and webhooks that are not good, at whatever process', async () => {
    const before = (await list('limit=200')).length;
    for (let number = 0; number < 40; number++) {
      const headers = { authorization: `Bearer guess-${String(number)}` };
      const at = number % 2 === 0 ? base : second;
      expect((await fetch(`${at}/api/workers`, { headers })).status).toBe(401);
      const webhook = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      };
      expect((await fetch(`${at}/api/webhooks/github`, webhook)).status).toBe(401);
    }
    await soon('action=webhooks.receive&outcome=refused');
    await soon('action=requests.call&outcome=refused&target=GET /api/workers');
    // One of each kind and process.
    expect((await list('limit=200')).length - before).toBeLessThanOrEqual(4);
  });

  it('can be verified by anybody who has read it', async () => {
    const records = (await list('limit=200')).toReversed();
    for (const [index, { hash, ...rest }] of records.entries()) {
      expect(createHash('sha256').update(canonicalJson(rest)).digest('hex')).toBe(hash);
      expect(rest.prev).toBe(records[index - 1]?.hash ?? '0'.repeat(64));
    }
  });

  it('is listed and verified by the command line, which names the first break', async () => {
    const listed = await cli.run(['audit', 'list', '--actor', 'Ada', '--action', 'users.change']);
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    expect(listed.stdout).toMatch(/Ada +127\.0\.0\.1 +users\.change +success +user bob/);

    const whole = await cli.run(['audit', 'verify']);
    expect([whole.code, whole.stdout]).toEqual([0, expect.stringContaining('The audit holds')]);
    const seen = /(\d+:[0-9a-f]{64})/.exec(whole.stdout)?.[1] ?? '';
    expect((await cli.run(['audit', 'verify', '--since', seen])).code).toBe(0);

    const records = database.collection<{ _id: number }>('audit_records');
    await records.updateOne({ _id: 5 }, { $set: { actor_name: 'somebody else' } });
    const broken = await cli.run(['audit', 'verify']);
    expect(broken.code).toBe(1);
    expect(broken.stdout).toContain('broken at record 5: it is not what was stored');
    await records.deleteOne({ _id: 3 });
    expect((await cli.run(['audit', 'verify'])).stdout).toContain('record 3: it is missing');
    expect((await cli.run(['audit', 'verify', '--since', seen])).code).toBe(0);
    await records.deleteMany({ _id: { $gte: Number(seen.split(':')[0]) } });
    expect((await cli.run(['audit', 'verify', '--since', seen])).code).toBe(1);
    expect((await cli.run(['audit', 'verify', '--since', '7'])).code).toBe(2);
  });
});
