import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive, readProcess } from '../../src/common/child-process/process-stat.js';
import { entryFile } from '../../src/config/paths.js';
import type { ProcessIdentity } from '../../src/embedded/system/end-process.js';
import { livingProcess } from '../../src/embedded/system/process-identity.js';
import { buildCaddy, CADDY_BUILD_MS } from '../support/caddy-under-test.js';
import { endChild } from '../support/end-child.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { MillraceServer } from '../support/millrace-server.js';

jest.setTimeout(240_000);

/** Streams its pid; at TERM it says so, and ends. */
const PROGRAM = `require('node:http').createServer(({ url }, answer) => {
  if (url !== '/stream') return answer.end(String(process.pid));
  setInterval(() => answer.write(process.pid + '\\n'), 100);
}).listen(process.env.PORT, '127.0.0.1');
process.on('SIGTERM', () => { console.log('told to end'); process.exit(0); });
`;

/** As docker-compose.yml has it: the programs and the proxy are of a process that is no worker. */
describe('services apart from the workers', () => {
  let home: string;
  let port: number;
  let keeper: ChildProcess;
  let server: MillraceServer;

  beforeAll(buildCaddy, CADDY_BUILD_MS);
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'mr-'));
    port = await freePort();
    server = await MillraceServer.start({ home, environment: { SERVICES_APART: 'true' } });
  });
  afterAll(async () => {
    await endChild(keeper);
    await server?.stop();
  });

  function keep(): ChildProcess {
    const args = [entryFile('cli'), 'services', 'keep', '--home', home];
    return spawn(process.execPath, args, { env: { PATH: process.env['PATH'] }, stdio: 'ignore' });
  }

  const deploy = async (): Promise<string> => {
    const script = `mkdir out && printf %s "$PROGRAM" >out/server.js`;
    const yaml = `name: shop
steps:
  - { name: build, environment: { PROGRAM: ${JSON.stringify(PROGRAM)} }, run: ${JSON.stringify(script)} }
  - name: ship
    deploy:
      type: local_service
      service: shop
      source: out
      run: [${JSON.stringify(process.execPath)}, server.js]
      publish: ${port}
      gate: { path: /, stable: 500ms }
      drain: 1s
`;
    return (await server.run(yaml, {}, 90_000)).status;
  };
  const served = async (): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    if (answer.status !== 200) throw new Error(`the route answers ${answer.status}`);
    return answer.text();
  };
  const servedSoon = (): Promise<string> =>
    eventually(() => served().catch(() => undefined), 60_000);
  const supervisor = (): ProcessIdentity | undefined =>
    livingProcess(join(home, 'services/supervisor.json'));
  const caddy = (): ProcessIdentity | undefined => livingProcess(join(home, 'caddy/process.json'));
  const parentOf = (process: ProcessIdentity | undefined): number | undefined =>
    readProcess(process?.pid ?? NaN)?.parentPid;

  it('serve while workers and the supervisor come and go, and end in order with their own', async () => {
    // The worker waits for the supervisor, and starts neither that nor the proxy.
    const deployed = deploy();
    await eventually(async () => {
      const { items } = await server.call<{ items: { status: string }[] }>(
        'GET',
        '/api/deployments',
      );
      return items.some(({ status }) => status === 'running') || undefined;
    });
    keeper = keep();
    expect(await deployed).toBe('success');
    const pid = await served();
    const first = supervisor();
    const proxy = caddy();
    expect(parentOf(first)).toBe(keeper.pid);
    expect(parentOf(proxy)).toBe(first?.pid);

    const stream = await fetch(`http://127.0.0.1:${port}/stream`);
    const reader = stream.body?.getReader();
    await server.workers[0]?.end();
    process.kill(first?.pid ?? NaN, 'SIGKILL');
    const second = await eventually(() => {
      const now = supervisor();
      return now?.pid === first?.pid ? undefined : now;
    });
    expect(parentOf(second)).toBe(keeper.pid);
    await server.startWorker();
    expect(await served()).toBe(pid);
    expect(caddy()).toEqual(proxy);
    expect((await reader?.read())?.done).toBe(false);
    await reader?.cancel();

    // The worker after it is of the same host.
    expect(await deploy()).toBe('success');
    const later = await servedSoon();
    expect(later).not.toBe(pid);

    const { items } = await server.call<{ items: { name: string }[] }>('GET', '/api/services');
    expect(items).toMatchObject([{ name: 'shop' }]);
    await endChild(keeper);
    expect(keeper.exitCode).toBe(0);
    expect(readProcess(Number(later))).toBeUndefined();
    expect(proxy && isAlive(proxy)).toBe(false);
    expect(supervisor()).toBeUndefined();
    const said = await readFile(join(home, 'services/supervisor.log'), 'utf8');
    expect(said).toMatch(/service \S+ was ended for now/);

    // As after a restart of its container.
    keeper = keep();
    const again = await servedSoon();
    expect(again).not.toBe(later);
    expect(parentOf(caddy())).toBe(supervisor()?.pid);
  });
});
