import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { CADDY_BUILD_MS, CaddyUnderTest } from '../../../test/support/caddy-under-test.js';
import { eventually } from '../../../test/support/eventually.js';
import { freePort } from '../../../test/support/free-port.js';
import { itWith } from '../../../test/support/needed-programs.js';
import { processesWith } from '../../../test/support/processes.js';
import { CaddyProxy } from '../../integrations/reverse-proxy/caddy-proxy.js';
import { isAlive, readBootId, readStartTicks } from '../../common/child-process/process-stat.js';

const asRoot = itWith(process.getuid?.() === 0 || undefined, 'root');

describe('the process of Caddy', () => {
  let test: CaddyUnderTest;

  beforeAll(async () => {
    const first = await CaddyUnderTest.make();
    await first.caddy.ensure();
    await first.close();
  }, CADDY_BUILD_MS);
  beforeEach(async () => {
    test = await CaddyUnderTest.make();
  });
  afterEach(() => test.close());

  const record = async () =>
    JSON.parse(await readFile(join(test.home, 'caddy/process.json'), 'utf8')) as {
      readonly pid: number;
      readonly startTicks: number;
      readonly bootId: string;
    };
  const status = async (pid: number, field: string): Promise<string> => {
    const text = await readFile(`/proc/${pid}/status`, 'utf8');
    return new RegExp(`^${field}:[ \\t]*(.*?)\\s*$`, 'm').exec(text)?.[1] ?? '';
  };

  it('is one, for all who ask, at once and later', async () => {
    const [one, other] = [test.another(), test.another()];
    const places = await Promise.all([test.caddy.ensure(), one.ensure(), other.ensure()]);
    expect(new Set(places.map(({ socket }) => socket)).size).toBe(1);
    const first = await record();
    expect(await processesWith(join(test.home, 'caddy/start.json'))).toEqual([first.pid]);
    expect(first).toEqual({
      pid: first.pid,
      startTicks: readStartTicks(first.pid),
      bootId: readBootId(),
    });
    await one.ensure();
    expect(await record()).toEqual(first);
  });

  it('lets nobody but its user and root to its endpoint, and leaves no configuration', async () => {
    const { socket } = await test.caddy.ensure();
    expect((await stat(socket)).mode & 0o777).toBe(0o600);
    expect((await stat(join(test.home, 'caddy/data'))).mode & 0o777).toBe(0o700);
    const proxy = new CaddyProxy(test.caddy);
    const listen = { address: '127.0.0.1', port: await freePort() };
    const upstream = { host: '127.0.0.1', port: 9 };
    await proxy.apply([{ id: 'web', listen, upstream }], (await proxy.current()).version);
    await expect(stat(join(test.home, 'caddy/data/caddy/autosave.json'))).rejects.toThrow('ENOENT');
  });

  it('is in a session of its own, so that no end of its starter is its own', async () => {
    await test.caddy.ensure();
    const { pid } = await record();
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
    expect([Number(fields[2]), Number(fields[3])]).toEqual([pid, pid]);
  });

  it('has nothing by which a sweep of steps knows its processes', async () => {
    await test.caddy.ensure();
    const { pid } = await record();
    const environment = (await readFile(`/proc/${pid}/environ`, 'utf8'))
      .split('\0')
      .filter(Boolean);
    const names = environment.map((variable) => variable.split('=')[0]).sort();
    expect(names).toEqual(['HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME']);
    const outputs = await Promise.all([1, 2].map((fd) => readlink(`/proc/${pid}/fd/${fd}`)));
    expect(new Set(outputs)).toEqual(new Set([join(test.home, 'caddy/start.log')]));
  });

  it('is started again when it was killed, and serves what is written again', async () => {
    const upstream = createServer((_request, response) => response.end('here'));
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    try {
      const proxy = new CaddyProxy(test.caddy);
      const port = await freePort();
      const route = {
        id: 'web',
        listen: { address: '127.0.0.1', port },
        upstream: { host: '127.0.0.1', port: portOf(upstream) },
      };
      await proxy.apply([route], (await proxy.current()).version);
      const ask = async () => (await fetch(`http://127.0.0.1:${port}/`)).text();
      expect(await ask()).toBe('here');
      const first = await record();
      process.kill(first.pid, 'SIGKILL');
      await eventually(() => !isAlive(first) || undefined);
      const { routes, version } = await proxy.current();
      expect(routes).toEqual([]);
      expect((await record()).pid).not.toBe(first.pid);
      await proxy.apply([route], version);
      expect(await ask()).toBe('here');
    } finally {
      upstream.close();
    }
  });

  it('takes no other process for it that has its pid', async () => {
    await test.caddy.ensure();
    await test.caddy.stop();
    const other = spawn('sleep', ['600'], { stdio: 'ignore' });
    try {
      const pid = other.pid ?? 0;
      const file = join(test.home, 'caddy/process.json');
      for (const wrong of [{ startTicks: 1 }, { bootId: 'of yesterday' }]) {
        const right = { pid, startTicks: readStartTicks(pid), bootId: readBootId() };
        await writeFile(file, JSON.stringify({ ...right, ...wrong }));
        await test.caddy.ensure();
        expect((await record()).pid).not.toBe(pid);
        await test.caddy.stop();
      }
      expect(other.exitCode ?? other.signalCode).toBeNull();
    } finally {
      other.kill('SIGKILL');
    }
  });

  it('is ended by its command line where its starter died before it wrote it down', async () => {
    await test.caddy.ensure();
    const stray = await record();
    await rm(join(test.home, 'caddy/process.json'));
    await test.caddy.ensure();
    expect(isAlive(stray)).toBe(false);
    expect((await record()).pid).not.toBe(stray.pid);
  });

  it('is started again when its socket is gone, since nobody could tell it anything', async () => {
    const { socket } = await test.caddy.ensure();
    const first = await record();
    await rm(socket);
    await test.caddy.ensure();
    expect(isAlive(first)).toBe(false);
    expect((await stat(socket)).isSocket()).toBe(true);
  });

  it('leaves nothing running when it is stopped, and may be stopped twice', async () => {
    await test.caddy.ensure();
    const first = await record();
    await test.caddy.stop();
    expect(isAlive(first)).toBe(false);
    await test.caddy.stop();
  });

  it('is looked for without being started', async () => {
    expect(await test.caddy.running()).toBeUndefined();
    expect(await readdir(test.home)).toEqual([]);
    const place = await test.caddy.ensure();
    expect(await test.another().running()).toEqual(place);
    await test.caddy.stop();
    expect(await test.caddy.running()).toBeUndefined();
  });

  it('makes nothing where it is stopped and never ran', async () => {
    await test.caddy.stop();
    expect(await readdir(test.home)).toEqual([]);
  });

  it('tells why it does not start, and leaves nothing', async () => {
    await mkdir(join(test.home, 'caddy/start.json'), { recursive: true });
    await expect(test.caddy.ensure()).rejects.toThrow('EISDIR');
    await rm(join(test.home, 'caddy/start.json'), { recursive: true });
    await mkdir(join(test.home, 'caddy/data/caddy.log'), { recursive: true });
    await expect(test.caddy.ensure()).rejects.toMatchObject({ code: 'service_failed' });
    expect(isAlive(await record())).toBe(false);
    await rm(join(test.home, 'caddy/data/caddy.log'), { recursive: true });
    await test.caddy.ensure();
  });

  asRoot('is not root, and may do nothing but listen on low ports', async () => {
    // As a worker's home may be: closed to others.
    await chmod(test.home, 0o700);
    await test.caddy.ensure();
    const { pid } = await record();
    expect(await status(pid, 'Uid')).not.toMatch(/\b0\b/);
    expect(await status(pid, 'Groups')).toBe('');
    expect(await status(pid, 'NoNewPrivs')).toBe('1');
    // CAP_NET_BIND_SERVICE is bit 10; see capabilities(7).
    for (const set of ['CapEff', 'CapBnd']) expect(await status(pid, set)).toBe('0000000000000400');
  });

  asRoot('runs without any right where the host gives it none', async () => {
    const programs = join(test.home, 'programs');
    await mkdir(programs);
    const refusal =
      '#!/bin/sh\necho setpriv: apply bounding set: Operation not permitted >&2\nexit 1\n';
    await writeFile(join(programs, 'setpriv'), refusal, { mode: 0o755 });
    await test.another(`${programs}:${process.env['PATH'] ?? ''}`).ensure();
    const { pid } = await record();
    expect(await status(pid, 'Uid')).not.toMatch(/\b0\b/);
    expect(await status(pid, 'CapEff')).toBe('0000000000000000');
  });
});

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
