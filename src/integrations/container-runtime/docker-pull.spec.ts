import Docker from 'dockerode';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { standIn } from '../../../test/support/stand-in.js';
import { EngineAwayError } from './container-runtime.js';
import { pullImage, refusalOf } from './docker-pull.js';

const request = { group: 'g', reference: 'registry.example/app:1', pull: 'missing' } as const;

describe('refusalOf', () => {
  it.each([
    ['manifest for app:1 not found: manifest unknown: manifest unknown', 'image_missing'],
    [
      'pull access denied for app, repository does not exist or may require docker login',
      'image_unauthorized',
    ],
    ['unauthorized: authentication required', 'image_unauthorized'],
    ['no matching manifest for linux/arm64 in the manifest list entries', 'image_platform'],
    ['dial tcp 127.0.0.1:5000: connect: connection refused', 'pull_failed'],
  ])('%s: %s', (said, code) => {
    const refusal = refusalOf(said, request);
    expect(refusal).toMatchObject({ code, message: expect.stringContaining(said) as unknown });
  });
});

describe('pullImage', () => {
  const LIMITS = { pullMs: 60_000, stallMs: 60_000, tellMs: 0 };
  let stream: PassThrough;
  let lines: string[];
  let abort: AbortController;

  beforeEach(() => {
    stream = new PassThrough();
    lines = [];
    abort = new AbortController();
  });

  const pull = (limits = LIMITS) =>
    pullImage(
      standIn<Docker>({ pull: (async () => stream) as unknown as Docker['pull'] }),
      request,
      (line) => void lines.push(line),
      abort.signal,
      limits,
    );
  const say = (event: object): void => void stream.write(`${JSON.stringify(event)}\n`);
  const downloading = (id: string, current: number) =>
    say({ status: 'Downloading', id, progressDetail: { current, total: 4e6 } });

  it('tells how far it is, over all layers', async () => {
    const pulled = pull();
    downloading('a', 1e6);
    downloading('b', 2e6);
    stream.end();
    expect(await pulled).toBeUndefined();
    expect(lines.at(-1)).toBe('pulling registry.example/app:1: 2.9 MiB of 7.6 MiB');
  });

  it.each([500, 502])('tells the words of an engine that answers %i alone', async (status) => {
    const server = createServer((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ message: 'Get "https://registry.example/v2/": no such host' }));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const docker = new Docker({ host: '127.0.0.1', port, protocol: 'http' });
    const refusal = await pullImage(docker, request, () => undefined, abort.signal, LIMITS);
    await new Promise((done) => server.close(done));
    expect(refusal).toEqual({
      code: 'pull_failed',
      message:
        'registry.example/app:1 cannot be pulled: Get "https://registry.example/v2/": no such host',
    });
  });

  it('is refused by what the engine says in the middle', async () => {
    const pulled = pull();
    downloading('a', 1e6);
    say({ error: 'unauthorized: authentication required' });
    stream.end();
    expect(await pulled).toMatchObject({ code: 'image_unauthorized' });
  });

  it.each([
    ['breaks off', () => stream.destroy()],
    ['breaks off with an error', () => stream.destroy(new Error('reset'))],
    ['says what is no JSON', () => stream.end('<html>\n')],
  ])('is not done when the engine %s', async (_what, end) => {
    const pulled = pull();
    downloading('a', 1e6);
    end();
    await expect(pulled).rejects.toThrow(EngineAwayError);
  });

  it('gives up one that makes no progress, and one that takes too long', async () => {
    const stalled = await pull({ ...LIMITS, stallMs: 20 });
    expect(stalled).toMatchObject({ code: 'pull_stalled' });
    expect(stalled?.message).toContain('made no progress within 0.02 s');
    stream = new PassThrough();
    const endless = await pull({ ...LIMITS, pullMs: 20 });
    expect(endless?.message).toContain('did not end within 0.02 s');
    expect(stream.destroyed).toBe(true);
  });

  it('stops at once when it is told to', async () => {
    const pulled = pull();
    abort.abort(new Error('cancelled'));
    await expect(pulled).rejects.toThrow('cancelled');
    expect(stream.destroyed).toBe(true);
  });
});
