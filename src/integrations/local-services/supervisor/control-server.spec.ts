import { mkdtemp, rm, stat } from 'node:fs/promises';
import { request, type Server } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SupervisedServices } from '../client/supervised-services.js';
import { LONGEST_REQUEST } from '../control-protocol.js';
import { MemoryLocalServices } from '../memory-local-services.fixture.js';
import { serveControl } from './control-server.js';

describe('the socket of the supervisor', () => {
  let folder: string;
  let socket: string;
  let server: Server;
  let services: MemoryLocalServices;
  let client: SupervisedServices;
  const ensureProxy = jest.fn<Promise<void>, []>();

  beforeEach(async () => {
    // Not the folder of temporary files of the run: the path of a socket is short.
    folder = await mkdtemp(join(tmpdir(), 'mc-'));
    socket = join(folder, 's');
    services = new MemoryLocalServices(['ready']);
    ensureProxy.mockReset().mockResolvedValue();
    server = await serveControl(socket, { services, ensureProxy });
    client = new SupervisedServices(async () => socket);
  });
  afterEach(async () => {
    server.close();
    server.closeAllConnections();
    await rm(folder, { recursive: true });
  });

  function send(path: string, body: string, method = 'POST') {
    return new Promise<{ readonly status: number | undefined; readonly text: string }>(
      (resolve, reject) => {
        const call = request({ socketPath: socket, path, method }, (response) => {
          let text = '';
          response.on('data', (piece: Buffer) => (text += piece.toString()));
          response.once('end', () => resolve({ status: response.statusCode, text }));
        });
        call.once('error', reject);
        call.end(body);
      },
    );
  }

  it('is of its owner alone', async () => {
    expect((await stat(socket)).mode & 0o777).toBe(0o600);
  });

  it('brings up the proxy, or says why that cannot be', async () => {
    await client.ensureProxy();
    expect(ensureProxy).toHaveBeenCalledTimes(1);
    ensureProxy.mockRejectedValueOnce(new Error('no disk'));
    await expect(client.ensureProxy()).rejects.toThrow('no disk');
  });

  it('replaces one that a killed supervisor has left', async () => {
    const again = await serveControl(socket, { services, ensureProxy });
    expect(await client.list()).toEqual([]);
    again.close();
    again.closeAllConnections();
  });

  it.each([
    ['another path', '/anything', '{}', 404],
    ['a body that is no JSON', '/stop', '{', 400],
    ['a body that is too long', '/start', JSON.stringify('x'.repeat(LONGEST_REQUEST)), 400],
    ['no id', '/stop', '{}', 400],
    ['null', '/remove', 'null', 400],
    ['an id that leads elsewhere', '/remove', '{"id":"../x"}', 400],
    ['too many lines', '/log', '{"id":"web","tail":10001}', 400],
    ['no number of lines', '/log', '{"id":"web"}', 400],
    ['a spec that is none', '/start', '[]', 400],
  ])('refuses %s', async (_title, path, body, status) => {
    const answer = await send(path, body);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toEqual({
      error: { code: expect.any(String), message: expect.any(String) },
    });
    expect(await services.list()).toEqual([]);
  });

  it('takes POST alone', async () => {
    expect((await send('/list', '', 'GET')).status).toBe(404);
  });

  it('tells what a method says', async () => {
    services.isAway = true;
    await expect(client.list()).rejects.toMatchObject({ code: 'unavailable' });
    services.isAway = false;
    expect(await client.start({ id: 'web', command: 'true', cwd: '/' })).toMatchObject({
      state: 'running',
    });
    expect(await client.log('web', { tail: 5 })).toEqual(['ready']);
    await client.remove('web');
    expect(await client.status('web')).toBeUndefined();
  });

  it('tells a defect, and continues', async () => {
    jest.spyOn(services, 'list').mockRejectedValueOnce(new Error('broken'));
    await expect(client.list()).rejects.toMatchObject({ code: 'failed', message: 'broken' });
    expect(await client.list()).toEqual([]);
  });

  it('is asked again by a client whose supervisor was dying', async () => {
    const dying = createServer((connection) => connection.destroy());
    const path = join(folder, 'dying');
    dying.listen(path);
    const sockets = [path, path, socket];
    const again = new SupervisedServices(async () => sockets.shift() ?? '');
    expect(await again.list()).toEqual([]);
    expect(sockets).toEqual([]);
    dying.close();
  });

  it('counts as away where nobody listens, or no socket can be had', async () => {
    const away = new SupervisedServices(async () => join(folder, 'nobody'));
    await expect(away.list()).rejects.toMatchObject({ code: 'unavailable' });
    const none = new SupervisedServices(() => Promise.reject(new Error('no room')));
    await expect(none.list()).rejects.toMatchObject({ code: 'unavailable' });
  });
});
