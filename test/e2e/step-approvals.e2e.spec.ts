import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Browser, type BrowserAnswer } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { Ledger } from '../support/ledger.js';
import { type ExecutionBody, MillraceServer } from '../support/millrace-server.js';
import { OAuthStandIn } from '../support/oauth-stand-in.js';

const PEOPLE = ['ada', 'grace', 'bob', 'root'] as const;
type Name = (typeof PEOPLE)[number];

interface WaitingBody extends ExecutionBody {
  readonly duration: number | null;
  readonly waited: number;
  readonly waits_for: { readonly code: string; readonly data?: object } | null;
  readonly approvals: readonly {
    readonly step: string;
    readonly status: string;
    readonly message: string;
    readonly missing: number;
    readonly until: string;
    readonly approvers: object;
    readonly given: readonly { readonly login: string; readonly kind: string }[];
  }[];
}

const TERMINAL = ['success', 'failed', 'cancelled', 'timeout'];

describe('approvals of steps', () => {
  let forge: OAuthStandIn;
  let server: MillraceServer;
  let ledger: Ledger;
  const people = new Map<Name, Browser>();
  let made = 0;

  beforeAll(async () => {
    ledger = await Ledger.open();
    forge = await OAuthStandIn.start();
    const port = String(await freePort());
    const base = `http://127.0.0.1:${port}`;
    server = await MillraceServer.start({
      workers: 2,
      concurrency: 1,
      environment: {
        ...forge.environment,
        ...{ PORT: port, PUBLIC_URL: base },
        ...{ ADMIN_LOGINS: 'root', ALLOWED_LOGINS: 'ada,grace,bob', DEFAULT_ROLE: 'developer' },
        ...{ AUTH_FAILURE_LIMIT: '0', LOGIN_LIMIT: '0', MAX_WORKSPACE_SIZE: '1048576' },
      },
    });
    for (const [n, login] of PEOPLE.entries()) {
      const browser = new Browser(base, forge);
      await browser.logIn({ id: n + 1, login });
      people.set(login, browser);
    }
  });
  afterAll(async () => {
    await server.stop();
    await forge.stop();
    await ledger.remove();
  });

  const call = async <T>(
    who: Name,
    status: number,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<T> => {
    const browser = people.get(who);
    if (browser === undefined) throw new Error(`${who} has not logged in`);
    const answer: BrowserAnswer = await browser.call(method, path, body);
    expect([method, path, answer.status, answer.body]).toEqual([
      ...[method, path, status, answer.body],
    ]);
    return answer.body as T;
  };
  const get = async (id: string): Promise<WaitingBody> =>
    call<WaitingBody>('bob', 200, 'GET', `/api/ci/executions/${id}`);
  const say = async <T = WaitingBody>(
    who: Name,
    status: number,
    id: string,
    word: 'approve' | 'reject',
    body: unknown = {},
  ): Promise<T> => call<T>(who, status, 'POST', `/api/ci/executions/${id}/${word}`, body);
  const until = async (
    id: string,
    is: (body: WaitingBody) => boolean,
    ms = 30_000,
  ): Promise<WaitingBody> =>
    eventually(async () => {
      const body = await get(id);
      return is(body) ? body : undefined;
    }, ms);
  const finished = async (id: string): Promise<WaitingBody> =>
    until(id, ({ status }) => TERMINAL.includes(status), 60_000);

  /** Starts one that waits in its second step. */
  const ask = async (
    who: Name,
    approval: object,
    rest: object = {},
    build = 'true',
  ): Promise<string> => {
    made += 1;
    const yaml_content = JSON.stringify({
      name: `asks-${made}`,
      stages: [
        {
          name: 'build',
          steps: [
            {
              name: 'compile',
              outputs: ['v'],
              run: `${ledger.note}; ${build}; echo v=1.4 >>$CI_OUTPUT`,
            },
          ],
        },
        {
          name: 'release',
          steps: [
            { name: 'before', run: ledger.note },
            {
              name: 'ok',
              approval: { message: 'Deploy ${{ steps.compile.outputs.v }}?', ...approval },
            },
            {
              name: 'ship',
              run: `${ledger.note}; ! test -d made || { cat made/file; ls -l made; }; echo "got $V"`,
              ...('inputs' in approval && {
                environment: { V: '${{ steps.ok.outputs.version }}' },
              }),
            },
          ],
        },
      ],
      always: [{ name: 'tidy', run: ledger.note }],
      ...rest,
    });
    const { id } = await call<{ id: string }>(who, 201, 'POST', '/api/ci/pipelines', {
      yaml_content,
    });
    const path = `/api/ci/pipelines/${id}/trigger`;
    return (await call<{ execution_id: string }>(who, 202, 'POST', path)).execution_id;
  };
  const waiting = async (id: string): Promise<WaitingBody> =>
    until(id, ({ status }) => status === 'waiting' || TERMINAL.includes(status));
  /** By step, the attempts in which the ledger has it. */
  const ran = async (id: string): Promise<Record<string, string[]>> => {
    const runs = new Map<string, string[]>();
    for (const { execution, step, attempt } of await ledger.entries()) {
      if (execution === id) runs.set(step, [...(runs.get(step) ?? []), attempt]);
    }
    return Object.fromEntries(runs);
  };
  const kept = (id: string): boolean => {
    const folder = join(server.home, 'objects');
    return (
      existsSync(folder) &&
      readdirSync(folder, { recursive: true }).some((path) => String(path).includes(id))
    );
  };

  const VERSION = { inputs: { version: { type: 'string', required: true } } };
  const MADE = 'mkdir made; echo content >made/file; ln -s file made/link; chmod 750 made/file';

  it('outlive everything: another worker continues with the files, and nothing runs twice', async () => {
    const id = await ask('ada', { ...VERSION, users: ['grace'], timeout: '1h' }, {}, MADE);
    const body = await waiting(id);
    expect(body).toMatchObject({
      status: 'waiting',
      reason: { code: 'suspended', data: { waits_for: 'approval', step: 'ok', users: ['grace'] } },
      waits_for: { code: 'suspended' },
      approvals: [
        {
          step: 'ok',
          status: 'waiting',
          message: 'Deploy 1.4?',
          missing: 1,
          approvers: { users: ['grace'], roles: [] },
          given: [],
        },
      ],
    });
    expect(kept(id)).toBe(true);
    const workers = await call<{ executions?: unknown[] }[]>('root', 200, 'GET', '/api/workers');
    expect(JSON.stringify(workers)).not.toContain(id);
    const first = body.placements.at(-1)?.worker_id;
    for (const { child } of [...server.workers, server.api].filter((one) => one !== undefined)) {
      child.kill('SIGKILL');
    }
    await server.startApi();
    await server.startWorker();
    expect(await get(id)).toMatchObject({ status: 'waiting', approvals: [{ missing: 1 }] });
    await say('grace', 200, id, 'approve', { inputs: { version: '2.0' }, reason: 'fine' });
    const ended = await finished(id);
    expect(ended).toMatchObject({
      status: 'success',
      approvals: [{ status: 'success', missing: 0, given: [{ login: 'grace', kind: 'approval' }] }],
    });
    expect(ended.placements).toHaveLength(2);
    expect(ended.placements.at(-1)?.worker_id).not.toBe(first);
    expect(await ran(id)).toEqual({
      compile: ['1.1'],
      before: ['1.1'],
      ship: ['2.1'],
      tidy: ['2.1'],
    });
    const answer = await server.fetch('GET', `/api/ci/executions/${id}/logs?limit=1000`);
    const text = await answer.text();
    const seqs = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { readonly seq: number }).seq);
    expect(seqs).toEqual(seqs.map((_seq, index) => index + 1));
    expect(text).toContain('got 2.0');
    expect(text).toContain('-rwxr-x---');
    expect(text).toContain('approved by grace: fine');
    expect(text).not.toContain('lost');
    await eventually(() => !kept(id) || undefined);
  }, 120_000);

  it('are given by those who are asked, and not by whoever caused it', async () => {
    const id = await ask('ada', { ...VERSION, required: 2 });
    await waiting(id);
    expect(await say('ada', 403, id, 'approve', { inputs: { version: '1' } })).toMatchObject({
      details: { code: 'own_execution' },
    });
    await say('grace', 422, id, 'approve', { inputs: {} });
    await say('grace', 422, id, 'approve', { inputs: { version: '1', other: 2 } });
    await say('grace', 409, id, 'approve', { step: 'other', inputs: { version: '1' } });
    const one = await say('grace', 200, id, 'approve', { inputs: { version: '1' } });
    expect(one).toMatchObject({ status: 'waiting', approvals: [{ missing: 1 }] });
    await say('grace', 409, id, 'approve', { inputs: { version: '1' } });
    await say('bob', 409, id, 'approve', { inputs: { version: '2' } });
    await say('bob', 200, id, 'approve', { step: 'release/ok', inputs: { version: '1' } });
    const ended = await finished(id);
    expect(ended.stages[1]?.steps[1]).toMatchObject({
      status: 'success',
      outputs: { version: '1' },
    });
    await say('root', 409, id, 'approve', { inputs: { version: '1' } });
  }, 60_000);

  it('a no fails the step, and the rest goes as after any failure', async () => {
    const id = await ask('ada', { roles: ['admin'] });
    await waiting(id);
    await say('grace', 403, id, 'reject', { reason: 'no' });
    await say('root', 200, id, 'reject', { reason: 'not today' });
    const ended = await finished(id);
    expect(ended).toMatchObject({
      status: 'failed',
      failure: {
        step: 'ok',
        reason: { code: 'approval_rejected', message: 'root rejected it: not today' },
      },
    });
    expect(Object.keys(await ran(id)).sort()).toEqual(['before', 'compile', 'tidy']);
  }, 60_000);

  it('an administrator passes over them, with a reason', async () => {
    const id = await ask('root', { users: ['grace'] });
    await waiting(id);
    await say('root', 403, id, 'approve');
    await say('root', 400, id, 'approve', { override: true });
    await say('grace', 403, id, 'approve', { override: true, reason: 'me' });
    await say('root', 200, id, 'approve', { override: true, reason: 'fire' });
    expect(await finished(id)).toMatchObject({
      status: 'success',
      approvals: [{ given: [{ login: 'root', kind: 'override' }] }],
    });
  }, 60_000);

  it('end by their time, and no worker was held for it', async () => {
    const id = await ask('ada', { timeout: '2s' }, { timeout: '30s' });
    const ended = await finished(id);
    expect(ended).toMatchObject({
      status: 'failed',
      failure: { step: 'ok', reason: { code: 'approval_timeout' } },
    });
    expect(ended.placements).toHaveLength(2);
  }, 60_000);

  it('a cancel ends what waits at once, and nothing of it is kept', async () => {
    const id = await ask('ada', {});
    await waiting(id);
    expect(kept(id)).toBe(true);
    await call('ada', 200, 'POST', `/api/ci/executions/${id}/cancel`, { reason: 'no' });
    expect(await get(id)).toMatchObject({
      status: 'cancelled',
      approvals: [{ status: 'cancelled' }],
    });
    await eventually(() => !kept(id) || undefined);
    await say('grace', 409, id, 'approve');
  }, 60_000);

  it('a workspace that is too large to be kept fails the step, and says so', async () => {
    const id = await ask('ada', {}, {}, 'head -c 2000000 /dev/urandom >large');
    expect(await finished(id)).toMatchObject({
      status: 'failed',
      failure: {
        step: 'ok',
        reason: {
          code: 'snapshot_failed',
          message: expect.stringContaining('MAX_WORKSPACE_SIZE') as string,
        },
      },
    });
    expect(Object.keys(await ran(id))).toContain('tidy');
    await eventually(() => !kept(id) || undefined);
  }, 60_000);

  it('of a stage stand before all its steps; the time of waiting is told apart', async () => {
    const yaml_content = JSON.stringify({
      name: 'asks-before-a-stage',
      stages: [
        { name: 'build', steps: [{ name: 'compile', run: ledger.note }] },
        {
          ...{ name: 'release', needs: 'build', parallel: true },
          approval: { message: 'Now?', users: ['grace'] },
          steps: ['a', 'b'].map((name) => ({ name, needs: [], run: ledger.note })),
        },
      ],
    });
    const { id: pipeline } = await call<{ id: string }>('ada', 201, 'POST', '/api/ci/pipelines', {
      yaml_content,
    });
    const path = `/api/ci/pipelines/${pipeline}/trigger`;
    const { execution_id: id } = await call<{ execution_id: string }>('ada', 202, 'POST', path);
    expect(await waiting(id)).toMatchObject({
      status: 'waiting',
      approvals: [{ stage: 'release', step: 'approval', message: 'Now?' }],
    });
    expect(await ran(id)).toEqual({ compile: ['1.1'] });
    await say('grace', 200, id, 'approve');
    const { status, duration, waited } = await finished(id);
    expect([status, await ran(id)]).toEqual([
      'success',
      { compile: ['1.1'], a: ['2.1'], b: ['2.1'] },
    ]);
    expect(waited).toBeGreaterThan(0);
    expect(duration).toBeGreaterThanOrEqual(waited);
  });
});
