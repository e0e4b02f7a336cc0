import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Browser, type BrowserAnswer } from '../support/browser.js';
import { CommandLine } from '../support/command-line.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { type ExecutionBody, MillraceServer } from '../support/millrace-server.js';
import { OAuthStandIn } from '../support/oauth-stand-in.js';

interface DeploymentBody {
  readonly deployment_id: string;
  readonly status: string;
  readonly release: { readonly digest: string; readonly number: number } | null;
  readonly reason: { readonly code: string; readonly message: string } | null;
  readonly approval: {
    readonly gate: string;
    readonly missing: number;
    readonly given: readonly { readonly login: string; readonly kind: string }[];
  } | null;
}

const PEOPLE = ['ada', 'grace', 'bob', 'root'] as const;
type Name = (typeof PEOPLE)[number];

describe('approvals of deployments', () => {
  let folder: string;
  let forge: OAuthStandIn;
  let server: MillraceServer;
  const people = new Map<Name, Browser>();
  let made = 0;

  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-approvals-')));
    chmodSync(folder, 0o755);
    forge = await OAuthStandIn.start();
    const port = String(await freePort());
    const base = `http://127.0.0.1:${port}`;
    server = await MillraceServer.start({
      environment: {
        ...forge.environment,
        ...{ PORT: port, PUBLIC_URL: base, DEPLOY_FOLDERS: folder },
        ...{ ADMIN_LOGINS: 'root', ALLOWED_LOGINS: 'ada,grace,bob', DEFAULT_ROLE: 'developer' },
        ...{ AUTH_FAILURE_LIMIT: '0', LOGIN_LIMIT: '0' },
      },
    });
    for (const [n, login] of PEOPLE.entries()) {
      const browser = new Browser(base, forge);
      await browser.logIn({ id: n + 1, login });
      people.set(login, browser);
    }
    await call('root', 200, 'PUT', '/api/environments/production', {
      ...{ required: 1, approvers: { users: ['ada', 'grace'], roles: [] } },
      deployers: { users: ['ada', 'bob'], roles: ['admin'] },
    });
  });
  afterAll(async () => {
    await server.stop();
    await forge.stop();
    rmSync(folder, { recursive: true });
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
  /** By a pipeline of its own. @returns the execution */
  const ship = async (
    who: Name,
    service: string,
    keys = 'environment: production',
    body: unknown = { inputs: { text: 'one' } },
  ): Promise<string> => {
    made += 1;
    const yaml_content = `name: ${service}-${made}
retry_count: 1
triggers: [{ manual: { inputs: { text: { type: string, default: one } } } }]
steps:
  - { name: build, environment: { TEXT: "\${{ inputs.text }}" }, run: 'mkdir out; printf "$TEXT" >out/f' }
  - { name: ship, retry: 0, deploy: { type: local_directory, service: ${service}, source: out, ${keys} } }
`;
    const { id } = await call<{ id: string }>(who, 201, 'POST', '/api/ci/pipelines', {
      yaml_content,
    });
    const path = `/api/ci/pipelines/${id}/trigger`;
    const accepted = await call<{ execution_id: string }>(who, 202, 'POST', path, body);
    return accepted.execution_id;
  };
  const deploymentsOf = async (service: string): Promise<readonly DeploymentBody[]> => {
    const path = `/api/deployments?service=${service}`;
    return (await call<{ items: DeploymentBody[] }>('bob', 200, 'GET', path)).items;
  };
  const waiting = async (service: string, more = 0): Promise<string> =>
    eventually(async () => {
      const all = await deploymentsOf(service);
      const found = all.find(({ status, reason }) => status === 'waiting' && reason !== null);
      return all.length > more ? found?.deployment_id : undefined;
    });
  const finished = async (execution: string): Promise<ExecutionBody> =>
    eventually(async () => {
      const path = `/api/ci/executions/${execution}`;
      const body = await call<ExecutionBody>('bob', 200, 'GET', path);
      return ['success', 'failed', 'cancelled', 'timeout'].includes(body.status) ? body : undefined;
    }, 60_000);
  const reasonOf = ({ stages }: ExecutionBody): string | undefined =>
    stages[0]?.steps[1]?.reason?.code;
  const current = (service: string): string =>
    readFileSync(join(folder, service, 'current/f'), 'utf8');

  it('waits, refuses the wrong person, and continues when the right one approves', async () => {
    const execution = await ship('ada', 'shop');
    const id = await waiting('shop');
    const path = `/api/deployments/${id}`;
    const asked = await call<DeploymentBody>('bob', 200, 'GET', path);
    expect(asked.reason).toMatchObject({
      code: 'approval_needed',
      message: 'production needs 1 approval, and 1 is missing: ada or grace may approve',
    });
    expect(existsSync(join(folder, 'shop'))).toBe(false);
    const refused = { details: { code: 'own_deployment' } };
    expect(await call('ada', 403, 'POST', `${path}/approve`)).toMatchObject(refused);
    await call('bob', 403, 'POST', `${path}/approve`);
    await call('root', 403, 'POST', `${path}/approve`);
    const page = await call<{ services: unknown }>(
      'bob',
      200,
      'GET',
      '/api/environments/production',
    );
    expect(page.services).toMatchObject([
      { name: 'shop', release: null, since: null, waiting: [{ deployment_id: id }] },
    ]);
    const approved = await call<DeploymentBody>('grace', 200, 'POST', `${path}/approve`, {
      reason: 'looks good',
    });
    expect(approved.approval?.given).toMatchObject([{ login: 'grace', kind: 'approval' }]);
    expect((await finished(execution)).status).toBe('success');
    expect(current('shop')).toBe('one');
    await call('grace', 409, 'POST', `${path}/approve`);
    const after = await call<{ services: unknown }>(
      'bob',
      200,
      'GET',
      '/api/environments/production',
    );
    expect(after.services).toMatchObject([
      {
        name: 'shop',
        release: 1,
        deployment_id: id,
        since: expect.any(String) as string,
        waiting: [],
      },
    ]);
  });

  it('fails with the reason when it is rejected', async () => {
    const execution = await ship('ada', 'no');
    const path = `/api/deployments/${await waiting('no')}`;
    await call('bob', 403, 'POST', `${path}/reject`, { reason: 'I may not' });
    await call('grace', 200, 'POST', `${path}/reject`, { reason: 'not today' });
    expect(reasonOf(await finished(execution))).toBe('approval_rejected');
    expect(existsSync(join(folder, 'no'))).toBe(false);
  });

  it('is put through by an administrator with a reason, which is kept', async () => {
    const execution = await ship('ada', 'fire');
    const path = `/api/deployments/${await waiting('fire')}`;
    await call('root', 400, 'POST', `${path}/approve`, { override: true });
    await call('grace', 403, 'POST', `${path}/approve`, { override: true, reason: 'me too' });
    await call('root', 200, 'POST', `${path}/approve`, { override: true, reason: 'it burns' });
    expect((await finished(execution)).status).toBe('success');
    const audit = await call<{ items: unknown[] }>(
      ...(['root', 200, 'GET', '/api/audit?action=deployments.approve&limit=5'] as const),
    );
    expect(audit.items).toContainEqual(
      expect.objectContaining({
        outcome: 'success',
        details: expect.objectContaining({ override: true, reason: 'it burns' }) as object,
      }),
    );
  });

  it('holds nobody up: what is let through later takes its turn, or is too old', async () => {
    const path = 'path: line, environment: production';
    const old = await ship('ada', 'line', path);
    const id = await waiting('line');
    const next = await ship('bob', 'line', path, { inputs: { text: 'two' } });
    const second = await eventually(async () => {
      const all = await deploymentsOf('line');
      return all.find((one) => one.deployment_id !== id && one.status === 'waiting');
    });
    const approve = `/api/deployments/${second.deployment_id}/approve`;
    await call('grace', 200, 'POST', approve);
    expect((await finished(next)).status).toBe('success');
    await call('grace', 200, 'POST', `/api/deployments/${id}/approve`);
    expect(reasonOf(await finished(old))).toBe('older_execution');
    expect(current('line')).toBe('two');
  });

  it('refuses who may not deploy, by a step and by a rollback, and other branches', async () => {
    expect(reasonOf(await finished(await ship('grace', 'wrong')))).toBe('deployer_not_allowed');
    expect(await deploymentsOf('wrong')).toEqual([]);
    const [{ deployment_id: id } = { deployment_id: '' }] = await deploymentsOf('shop');
    const path = `/api/deployments/${id}/rollback`;
    expect(await call('grace', 403, 'POST', path, {})).toMatchObject({
      details: { code: 'deployer_not_allowed' },
    });
    await call('ada', 409, 'POST', path, {});
    await call('root', 200, 'PUT', '/api/environments/stable', { branches: ['main'] });
    const keys = 'environment: stable';
    const other = await ship('ada', 'other', keys, { branch: 'feature' });
    const { stages } = await finished(other);
    expect(stages[0]?.steps[1]?.reason).toMatchObject({
      ...{ code: 'branch_not_allowed', message: expect.stringContaining('only main') as string },
    });
    const main = await ship('ada', 'main', keys, { branch: 'main' });
    expect((await finished(main)).status).toBe('success');
  });

  it('promotes the same release, when that is approved, by the command line', async () => {
    const made = await finished(await ship('bob', 'site', 'path: site'));
    expect(made.status).toBe('success');
    const [{ deployment_id: from, release } = { deployment_id: '', release: null }] =
      await deploymentsOf('site');
    const scopes = ['read', 'deploy', 'approve'].map((what) => `deployments:${what}`);
    const { token } = await call<{ token: string }>('ada', 201, 'POST', '/api/tokens', {
      ...{ name: 'cli', scopes: [...scopes, 'environments:read'] },
    });
    const line = new CommandLine(server.home, {
      ...{ MILLRACE_URL: server.baseUrl, MILLRACE_TOKEN: token },
    });
    const ask = ['promote', from, 'production', '--path', join(folder, 'live'), '--json'];
    const { stdout } = await line.run(ask);
    const { deployment_id: id } = JSON.parse(stdout) as DeploymentBody;
    expect((await line.run(['approve', id])).stderr).toContain('somebody else');
    const shown = await line.run(['environments', 'show', 'production']);
    expect(shown.stdout).toMatch(/approvals {2}1, by ada, grace[^]*site: nothing serves/);
    expect(existsSync(join(folder, 'live'))).toBe(false);
    // It waits in no process: another worker continues with it.
    await server.workers.at(-1)?.end();
    await server.startWorker();
    await call('grace', 200, 'POST', `/api/deployments/${id}/approve`);
    const ended = await eventually(async () => {
      const now = await call<DeploymentBody>('bob', 200, 'GET', `/api/deployments/${id}`);
      return now.status === 'success' ? now : undefined;
    }, 60_000);
    expect([ended.release?.digest, ended.release?.number]).toEqual([release?.digest, 1]);
    expect(current('live')).toBe('one');
  });

  const suspended = (execution: string): Promise<ExecutionBody> =>
    eventually(async () => {
      const path = `/api/ci/executions/${execution}`;
      const body = await call<ExecutionBody>('bob', 200, 'GET', path);
      return body.status === 'waiting' ? body : undefined;
    }, 60_000);

  it('holds no worker: another one continues, with the files of the one that is gone', async () => {
    const execution = await ship('ada', 'lost');
    const id = await waiting('lost');
    expect(await suspended(execution)).toMatchObject({
      waits_for: {
        code: 'suspended',
        data: { waits_for: 'deployment', deployment_id: id, environment: 'production' },
      },
      stages: [{ steps: [{ status: 'success' }, { status: 'waiting' }] }],
    });
    await server.workers.at(-1)?.end('SIGKILL');
    await server.startWorker();
    await call('grace', 200, 'POST', `/api/deployments/${id}/approve`);
    expect(await finished(execution)).toMatchObject({ status: 'success', attempt: 2 });
    const [only, ...others] = await deploymentsOf('lost');
    expect([only?.deployment_id, only?.status, others]).toEqual([id, 'success', []]);
    expect(current('lost')).toBe('one');
  });

  it('ends with its execution, and by itself', async () => {
    const execution = await ship('ada', 'over');
    const id = await waiting('over');
    await suspended(execution);
    await call('ada', 200, 'POST', `/api/ci/executions/${execution}/cancel`);
    expect((await finished(execution)).status).toBe('cancelled');
    const ended = await eventually(async () => {
      const now = await call<DeploymentBody>('bob', 200, 'GET', `/api/deployments/${id}`);
      return now.status === 'waiting' ? undefined : now;
    }, 30_000);
    expect(ended).toMatchObject({ status: 'cancelled', reason: { code: 'execution_over' } });
    const other = await ship('ada', 'stop');
    const stopped = await waiting('stop');
    await suspended(other);
    await call('bob', 200, 'POST', `/api/deployments/${stopped}/cancel`);
    const step = (await finished(other)).stages[0]?.steps[1];
    expect(step).toMatchObject({ status: 'failed', reason: { code: 'cancelled' } });
  });

  it('continues when the rules of its environment let it, and by its time alone', async () => {
    await call('root', 200, 'PUT', '/api/environments/slow', { wait: 3 });
    await call('root', 200, 'PUT', '/api/environments/strict', {
      ...{ required: 1, approvers: { users: ['grace'], roles: [] } },
    });
    const [slow, strict] = await Promise.all([
      ship('ada', 'slow', 'environment: slow'),
      ship('ada', 'strict', 'environment: strict'),
    ]);
    await waiting('strict');
    await suspended(strict);
    await call('root', 409, 'DELETE', '/api/environments/strict');
    await call('root', 204, 'DELETE', '/api/environments/strict?keep_services=true');
    expect((await finished(strict)).status).toBe('success');
    expect(await finished(slow)).toMatchObject({ status: 'success', attempt: 2 });
  });

  it('is refused when its files are not those any more that people were asked about', async () => {
    const yaml_content = `name: changed
steps:
  - { name: build, run: 'mkdir out; echo one >out/f' }
  - { name: ship, needs: build, deploy: { type: local_directory, service: changed, source: out, environment: production } }
  - { name: beside, needs: build, run: 'until [ -e go ]; do sleep 0.1; done; echo two >out/f' }
`;
    const go = join(folder, 'go');
    const yaml = yaml_content.replace('-e go', `-e ${go}`);
    const body = { yaml_content: yaml };
    const { id } = await call<{ id: string }>('ada', 201, 'POST', '/api/ci/pipelines', body);
    const path = `/api/ci/pipelines/${id}/trigger`;
    const { execution_id } = await call<{ execution_id: string }>('ada', 202, 'POST', path, {});
    const deployment = await waiting('changed');
    writeFileSync(go, '');
    await suspended(execution_id);
    await call('grace', 200, 'POST', `/api/deployments/${deployment}/approve`);
    expect(reasonOf(await finished(execution_id))).toBe('approved_differs');
    expect(existsSync(join(folder, 'changed/current'))).toBe(false);
  });
});
