import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Response } from 'express';
import { writesFirst } from '../../../test/support/writes-first.js';
import { answerClientErrors } from './client-error.js';
import { closeAfterAnswer } from './close-after-answer.js';
import { defaultLingerLimits, type LingerLimits } from './linger.js';
import type { MillraceRequest } from './request-context.js';

const MiB = 1024 * 1024;
const piece = Buffer.alloc(MiB, 'x');
const servers: Server[] = [];
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A server that refuses everything by 413 without reading it. */
async function refusing(
  limits: Partial<LingerLimits> = {},
): Promise<{ port: number; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    seen.push(request.url ?? '');
    closeAfterAnswer(request as MillraceRequest, response as Response, {
      ...defaultLingerLimits,
      ...limits,
    });
    response.statusCode = 413;
    response.end('too large');
  });
  answerClientErrors(server);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, seen };
}

const head = (framing: string): string => `POST /first HTTP/1.1\r\nHost: x\r\n${framing}\r\n\r\n`;
const chunked = (count: number): Buffer[] =>
  Array.from({ length: count }, () =>
    Buffer.concat([Buffer.from(`${MiB.toString(16)}\r\n`), piece, Buffer.from('\r\n')]),
  );

describe('closeAfterAnswer', () => {
  it('is heard by a client that writes 12 MiB first, with its length told', async () => {
    const { port } = await refusing();
    const pieces = Array<Buffer>(12).fill(piece);
    const sent = await writesFirst(port, head(`Content-Length: ${12 * MiB}`), pieces);
    expect(sent.error).toBeUndefined();
    expect(sent.answer).toMatch(/^HTTP\/1\.1 413 [^]*connection: close[^]*too large$/i);
  });

  it('is heard by a client that writes 12 MiB first, in chunks', async () => {
    const { port } = await refusing();
    const pieces = [...chunked(12), Buffer.from('0\r\n\r\n')];
    const sent = await writesFirst(port, head('Transfer-Encoding: chunked'), pieces);
    expect(sent.error).toBeUndefined();
    expect(sent.answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('answers at once whoever reads while it writes', async () => {
    const { port } = await refusing({ idleMs: 20_000, totalMs: 20_000 });
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.write(head(`Content-Length: ${100 * MiB}`) + 'x');
    const answer = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('reads no more than the bound', async () => {
    const { port } = await refusing({ bytes: 2 * MiB });
    const sent = await writesFirst(port, head('Transfer-Encoding: chunked'), chunked(200));
    expect(sent.error).toMatch(/ECONNRESET|EPIPE/);
  });

  it('cuts a client that says nothing more, and one that never comes to an end', async () => {
    const silent = await refusing({ idleMs: 150 });
    const text = head(`Content-Length: ${12 * MiB}`);
    const quiet = connect({ port: silent.port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(quiet);
    quiet
      .on('error', () => undefined)
      .resume()
      .write(text);
    await new Promise<void>((resolve) => quiet.once('end', resolve));
    // Its own side is open still; a write to it tells whether ours is.
    const lost = new Promise<void>((resolve) => quiet.once('close', () => resolve()));
    const writing = setInterval(() => quiet.write('x'), 400);
    await lost;
    clearInterval(writing);

    const trickled = await refusing({ totalMs: 300, idleMs: 20_000 });
    const slow = connect({ port: trickled.port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(slow);
    slow
      .on('error', () => undefined)
      .resume()
      .write(text);
    const cut = new Promise<void>((resolve) => slow.once('close', () => resolve()));
    const trickle = setInterval(() => slow.write('x'), 20);
    await cut;
    clearInterval(trickle);
  });

  it('takes nothing behind the refused request for another one', async () => {
    const { port, seen } = await refusing({ idleMs: 300 });
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(socket);
    socket.write(head('Content-Length: 3'));
    await new Promise<void>((resolve) => socket.once('data', () => resolve()));
    socket.resume().write('abcGET /second HTTP/1.1\r\nHost: x\r\n\r\n');
    // The bytes are behind each other: where ours is ended, the second request was not taken.
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.end();
    await closed;
    expect(seen).toEqual(['/first']);
  });

  it('holds no more connections than the bound', async () => {
    const { port } = await refusing({ connections: 0 });
    const sent = await writesFirst(port, head('Transfer-Encoding: chunked'), chunked(64));
    expect(sent.error).toMatch(/ECONNRESET|EPIPE/);
  });
});

describe('answerClientErrors', () => {
  it('is heard by a client that writes 4 MiB of headers first', async () => {
    const { port } = await refusing();
    const pieces = Array<Buffer>(4).fill(piece);
    const sent = await writesFirst(port, 'GET / HTTP/1.1\r\nHost: x\r\nX-A: ', pieces);
    expect(sent.error).toBeUndefined();
    expect(sent.answer).toMatch(/^HTTP\/1\.1 431 [^]*"error":"PayloadTooLargeError"/);
  });
});
