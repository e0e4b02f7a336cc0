import { createServer, type Server } from 'node:http';
import { createServer as createTcp, type AddressInfo, type Server as TcpServer } from 'node:net';
import type { Gate } from '../../engine/steps/deploy/deploy-action.js';
import { type GateEnd, passGate, probe } from './instance-gate.js';

const GATE: Gate = { path: '/', status: { from: 200, to: 299 }, timeoutMs: 1_000, stableMs: 0 };
const NEVER = new AbortController().signal;
const runs = (): Promise<undefined> => Promise.resolve(undefined);

describe('passGate', () => {
  let server: Server;
  let port: number;
  let asked: { readonly url: string; readonly host: string }[];
  let askedAt: number[];
  let answers: { status: number; body?: string; location?: string }[];

  beforeEach(async () => {
    [asked, askedAt, answers] = [[], [], []];
    server = createServer(({ url = '', headers: { host = '' } }, response) => {
      asked.push({ url, host });
      askedAt.push(performance.now());
      const { status, body = '', location } = answers.shift() ?? { status: 200 };
      response.writeHead(status, { ...(location !== undefined && { location }) }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const pass = (
    gate: Partial<Gate> = {},
    isOver: () => Promise<string | undefined> = runs,
  ): Promise<GateEnd> => passGate({ ...GATE, ...gate }, { port, isOver }, NEVER);

  it('passes what answers well, asked by its own address', async () => {
    expect(await pass({ path: '/health' })).toEqual({ kind: 'passed', probes: 1 });
    expect(asked).toEqual([{ url: '/health', host: `127.0.0.1:${port}` }]);
    await pass({ host: 'shop.example' });
    expect(asked[1]?.host).toBe('shop.example');
  });

  it('asks until it has answered well for long enough, without a break', async () => {
    answers = [{ status: 200 }, { status: 500 }, { status: 200 }];
    const end = await pass({ stableMs: 300 });
    expect(end.kind).toBe('passed');
    // The good answer before the bad one does not count; with it, 100 ms more were enough.
    expect(performance.now() - (askedAt[2] ?? Infinity)).toBeGreaterThan(200);
  });

  it.each([
    ['an error', { status: 503, body: 'no database' }, {}, 'GET / answers 503: no database'],
    ['a redirect', { status: 302, location: '/login' }, {}, 'GET / answers 302'],
    ['another text', { status: 200, body: 'nginx' }, { body: 'shop' }, 'answers without "shop"'],
  ])('takes %s for no good answer', async (_what, answer, gate, why) => {
    answers = Array.from({ length: 50 }, () => answer);
    const end = await pass({ ...gate, timeoutMs: 1 });
    expect(end).toEqual({ kind: 'failed', why: expect.stringContaining(why) as string });
  });

  it('takes a redirect, and a text, that are asked for', async () => {
    answers = [{ status: 302, body: 'the shop' }];
    const gate = { status: { from: 200, to: 399 }, body: 'shop' };
    expect((await pass(gate)).kind).toBe('passed');
  });

  it('has a limit for what answers well, too', async () => {
    const end = await pass({ stableMs: 60_000, timeoutMs: 1 });
    expect(end).toMatchObject({ why: expect.stringContaining('not yet for 60 s') as string });
  });

  it('waits for nothing that has ended', async () => {
    const end = await pass({}, () => Promise.resolve('it ended with exit code 3'));
    expect(end).toEqual({ kind: 'failed', why: 'it ended with exit code 3' });
    expect(asked).toEqual([]);
  });

  it('ends when it is told to', async () => {
    answers = Array.from({ length: 50 }, () => ({ status: 500 }));
    const stop = new AbortController();
    const end = passGate({ ...GATE, timeoutMs: 60_000 }, { port, isOver: runs }, stop.signal);
    stop.abort(new Error('stop'));
    await expect(end).rejects.toThrow('stop');
  });
});

describe('probe of a port', () => {
  const gate: Gate = { status: GATE.status, timeoutMs: 1_000, stableMs: 0 };
  let server: TcpServer;
  let hangUp: boolean;
  let port: number;

  beforeEach(async () => {
    hangUp = false;
    server = createTcp((socket) => {
      if (hangUp) socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  it('is good where a connection stays', async () => {
    expect(await probe(gate, port)).toBeUndefined();
  });

  it('is not where it is hung up: another program listens in front', async () => {
    hangUp = true;
    expect(await probe(gate, port)).toBe('it closes each connection at once');
  });

  it('is not where nobody listens', async () => {
    await new Promise((resolve) => server.close(resolve));
    expect(await probe(gate, port)).toContain('accepts no connection');
    server = createTcp().listen(0, '127.0.0.1');
  });
});
