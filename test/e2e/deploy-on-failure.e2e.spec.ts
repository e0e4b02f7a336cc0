import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { MillraceServer } from '../support/millrace-server.js';
import { stopAll } from '../support/stop-all.js';

interface Told {
  readonly id: string;
  readonly status: string;
  readonly from: string;
  readonly reason: { readonly code: string; readonly message: string };
}

interface History {
  readonly status: string;
  readonly actions: readonly {
    readonly action: string;
    readonly state: string;
    readonly reason: { readonly code: string; readonly message: string };
    readonly deployment_id: string | null;
  }[];
}

interface DeploymentBody {
  readonly deployment_id: string;
  readonly kind: string;
  readonly status: string;
  readonly triggered_by: string;
  readonly release: { readonly number: number } | null;
}

/** Is sick at `/health` for as long as a file says so, whichever instance of a release it is. */
const PROGRAM = `const { existsSync, readFileSync } = require('node:fs');
const version = readFileSync('version', 'utf8');
require('node:http').createServer(({ url }, answer) => {
  answer.statusCode = url === '/health' && existsSync(process.env.SICK + version) ? 500 : 200;
  answer.end(url === '/pid' ? String(process.pid) : version);
}).listen(process.env.PORT, '127.0.0.1');
`;
const LONG_MS = 120_000;
// It waits for checks, restarts and alerts, one after another.
jest.setTimeout(600_000);

/** A real service whose health turns bad; alerts go to a real receiver. */
describe('on_failure of a service', () => {
  let server: MillraceServer;
  let port: number;
  let hook: Server;
  const told: Told[] = [];
  const path = '/api/services/default%2Fshop';

  beforeAll(async () => {
    port = await freePort();
    hook = createServer((request, response) => {
      void text(request).then((body) => {
        told.push(JSON.parse(body) as Told);
        response.end('thanks');
      });
    });
    await new Promise<void>((done) => hook.listen(0, '127.0.0.1', done));
    server = await MillraceServer.start();
  });
  afterAll(async () => {
    await stopAll(
      () => server.stop(),
      async () => {
        hook.closeAllConnections();
        await new Promise((done) => hook.close(done));
      },
    );
  });

  const yaml = (): string => `name: shop
triggers: [{ manual: { inputs: { version: { type: string, default: "1" } } } }]
steps:
  - name: build
    environment: { VERSION: "\${{ inputs.version }}", PROGRAM: ${JSON.stringify(PROGRAM)} }
    run: |
      mkdir -p out
      printf %s "$PROGRAM" >out/server.js
      printf %s "$VERSION" >out/version
  - name: ship
    deploy:
      type: local_service
      service: shop
      source: out
      run: [${JSON.stringify(process.execPath)}, server.js]
      publish: ${port}
      variables: { SICK: "${server.home}/sick-" }
      gate: { path: /, stable: 500ms }
      drain: 1s
      on_failure: { actions: [restart, rollback], max: 1, window: 1h, backoff: 1s }
`;
  const served = async (what = '/'): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${port}${what}`);
    return answer.text();
  };
  const history = (): Promise<History> => server.call('GET', `${path}/health`);
  const until = (isSo: (seen: History) => boolean): Promise<History> =>
    eventually(async () => {
      const seen = await history();
      return isSo(seen) ? seen : undefined;
    }, LONG_MS);
  const sick = (version: string): void => writeFileSync(`${server.home}/sick-${version}`, '');
  const deployments = async (): Promise<readonly DeploymentBody[]> =>
    (
      await server.call<{ items: readonly DeploymentBody[] }>(
        ...(['GET', '/api/deployments?service=shop'] as const),
      )
    ).items;

  it('restarts it once beside the one that fails, goes back, and then leaves it', async () => {
    const pipeline = await server.createPipeline(yaml());
    for (const version of ['1', '2']) {
      const ended = await server.finished(
        await server.trigger(pipeline, { inputs: { version } }),
        60_000,
      );
      expect(ended.status).toBe('success');
    }
    const { port: hookPort } = hook.address() as AddressInfo;
    await server.call('PUT', `${path}/channels/hook`, {
      ...{ type: 'webhook', url: `http://127.0.0.1:${hookPort}/T0K3N` },
    });
    await server.call('PATCH', path, {
      check: { path: '/health', interval_seconds: 2, timeout_seconds: 1.9 },
    });
    await until(({ status }) => status === 'running');
    const pid = await served('/pid');

    sick('2');
    await until(({ actions }) => actions.some(({ action }) => action === 'restart'));
    await eventually(async () => ((await served('/pid')) === pid ? undefined : true), LONG_MS);
    expect(await served()).toBe('2');
    // Its budget is one restart: it goes back next, to what is well.
    await until(({ actions }) => actions.some(({ action }) => action === 'rollback'));
    await until(({ status }) => status === 'running');
    expect(await served()).toBe('1');
    await eventually(() => (told.length === 2 ? true : undefined), LONG_MS);
    const done = await deployments();
    expect(done.slice(0, 2)).toMatchObject([
      { kind: 'rollback', status: 'success', triggered_by: 'system', release: { number: 1 } },
      { kind: 'restart', status: 'success', triggered_by: 'system', release: { number: 2 } },
    ]);
    const why = await server.call(
      ...(['GET', `/api/deployments/${done[1]?.deployment_id ?? ''}/explain`] as const),
    );
    expect(JSON.stringify(why)).toContain('restart 1 of 1 within 60 min');

    // What it went back to fails, too.
    sick('1');
    const { actions, status } = await until((seen) => seen.actions[0]?.state === 'left');
    expect(status).toBe('failed');
    expect(actions.map(({ action }) => action)).toEqual(['none', 'rollback', 'restart']);
    expect(actions[0]?.reason).toMatchObject({
      code: 'left_failed',
      message: expect.stringContaining('it has gone back already') as string,
    });
    await eventually(() => (told.length >= 4 ? true : undefined), LONG_MS);
    expect(told.map(({ status: to, reason }) => [to, reason.code])).toEqual([
      ['failed', 'endpoints_failed'],
      ['running', 'checks_pass'],
      ['failed', 'endpoints_failed'],
      ['failed', 'left_failed'],
    ]);
    expect(new Set(told.map(({ id }) => id)).size).toBe(4);
    expect(JSON.stringify(told)).not.toContain('T0K3N');
    expect(await deployments()).toHaveLength(4);
  });
});
