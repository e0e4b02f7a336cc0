import type { NestExpressApplication } from '@nestjs/platform-express';
import { Controller, Get, Module, Post, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NextFunction, Request, Response } from 'express';
import { EventEmitter } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MillraceError } from '../errors/millrace.error.js';
import { LoadShedding } from './load-shedding.js';

/** Requests that were let in and have no answer yet; each is answered when it is called. */
const working: (() => void)[] = [];

@Controller()
class WorkController {
  @Get('api/work')
  work(@Res() response: Response): void {
    working.push(() => response.json({}));
  }

  @Get('api/stream')
  stream(@Res() response: Response): void {
    response.writeHead(200);
    response.flushHeaders();
  }

  @Post('api/body')
  body(): object {
    return {};
  }

  @Get(['api/health/live', 'metrics'])
  health(): object {
    return {};
  }
}

@Module({ controllers: [WorkController] })
class WorkModule {}

const LIMITS = { atWork: 2, waiting: 2, waitMs: 300 };

let app: NestExpressApplication;
let shed: LoadShedding;

beforeEach(async () => {
  working.length = 0;
  app = await NestFactory.create<NestExpressApplication>(WorkModule, {
    bodyParser: false,
    logger: false,
  });
  shed = new LoadShedding(LIMITS);
  app.use(shed.shed);
  app.use((request: Request, _response: Response, next: NextFunction) => {
    request.resume().on('end', () => next());
    if (request.complete && request.readableEnded) next();
  });
  app.use(shed.admit);
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const { status, details, retryAfterSeconds } = error as MillraceError;
    response.status(status).json({ details, retryAfterSeconds });
  });
  await app.listen(0, '127.0.0.1');
});
afterEach(async () => {
  app.getHttpServer().closeAllConnections();
  await app.close();
});

function get(path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const { port } = app.getHttpServer().address() as AddressInfo;
    const sent = httpRequest({ port, host: '127.0.0.1', path, agent: false }, (answer) => {
      textOf(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body }), reject);
    });
    sent.on('error', reject).end();
  });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer) text += String(chunk);
  return text;
}

async function untilWorking(count: number): Promise<void> {
  while (working.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('LoadShedding', () => {
  it('lets some work, some wait, and tells all others that it is busy', async () => {
    const first = [get('/api/work'), get('/api/work')];
    await untilWorking(2);
    const waiting = [get('/api/work'), get('/api/work')];
    const refused = await Promise.all(Array.from({ length: 20 }, () => get('/api/work')));
    // Two of all that came later wait and end by their time; none is let in.
    for (const { status, body } of [...refused, ...(await Promise.all(waiting))]) {
      expect(status).toBe(503);
      expect(JSON.parse(body)).toEqual({ details: { code: 'busy' }, retryAfterSeconds: 2 });
    }
    expect(working).toHaveLength(2);
    for (const answer of working) answer();
    expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it('gives the place of an answered request to the one that waits longest', async () => {
    const first = [get('/api/work'), get('/api/work')];
    await untilWorking(2);
    const third = get('/api/work');
    working[0]?.();
    await untilWorking(3);
    for (const answer of working.slice(1)) answer();
    const all = await Promise.all([...first, third]);
    expect(all.map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it('answers health and metrics whatever the load', async () => {
    const held = Array.from({ length: 6 }, () => get('/api/work').catch(() => undefined));
    await untilWorking(2);
    for (const path of ['/api/health/live', '/metrics']) {
      expect((await get(path)).status).toBe(200);
    }
    let isOver = false;
    const all = Promise.all(held).finally(() => (isOver = true));
    for (let answered = 0; !isOver;) {
      if (answered < working.length) working[answered++]?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await all;
  });

  it('gives no place to a stream that has begun, nor to a client that went away', async () => {
    const streams = Array.from({ length: 5 }, () => get('/api/stream').catch(() => undefined));
    await get('/api/health/live');
    const { port } = app.getHttpServer().address() as AddressInfo;
    for (let round = 1; round <= LIMITS.atWork; round++) {
      const gone = httpRequest({ port, host: '127.0.0.1', path: '/api/work', agent: false });
      gone.on('error', () => undefined).end();
      await untilWorking(round);
      gone.destroy();
    }
    while (shed.working > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const alive = [get('/api/work'), get('/api/work')];
    await untilWorking(2 * LIMITS.atWork);
    for (const answer of working.slice(LIMITS.atWork)) answer();
    expect((await Promise.all(alive)).map(({ status }) => status)).toEqual([200, 200]);
    app.getHttpServer().closeAllConnections();
    await Promise.all(streams);
  });
});

it('hands a place on through hundreds that are answered at once, one turn each', async () => {
  const many = new LoadShedding({ atWork: 1, waiting: 600, waitMs: 60_000 });
  let depth = 0;
  let deepest = 0;
  let served = 0;
  const admit = (): EventEmitter => {
    const response = Object.assign(new EventEmitter(), { writeHead: () => response });
    many.admit({ path: '/api/x' } as Request, response as unknown as Response, () => {
      depth += 1;
      deepest = Math.max(deepest, depth);
      served += 1;
      if (served > 1) response.writeHead();
      depth -= 1;
    });
    return response;
  };
  const first = admit();
  for (let count = 0; count < 500; count += 1) admit();
  expect(served).toBe(1);
  (first as unknown as Response).writeHead(200);
  while (served < 501) await new Promise((resolve) => setImmediate(resolve));
  expect([deepest, many.working]).toEqual([1, 0]);
});
