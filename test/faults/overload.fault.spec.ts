import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceServer } from '../support/millrace-server.js';
import { residentOf } from '../support/process-memory.js';
import { noteRecovery } from './support/expect-invariants.js';
import { OwnStores } from './support/own-stores.js';

jest.setTimeout(170_000);

const MiB = 1024 * 1024;
const PIPELINED = 1_000;
/**
 * Of the API, while many read the end of a line that has none; what was decoded and is not
 * collected yet counts.
 */
const API_GROWTH = 320 * MiB;
const READERS = 20;

describe('more is asked of the API than it can do', () => {
  let stores: OwnStores;
  let server: MillraceServer;

  beforeAll(async () => {
    stores = await OwnStores.start();
    server = await MillraceServer.start({ workers: 1, environment: stores.environment });
  });

  afterAll(async () => {
    await server.stop();
    await stores.stop();
  });

  it('1,000 pipelined requests: each is answered or told that the server is busy', async () => {
    const path = '/api/ci/executions?limit=20';
    const health: number[] = [];
    let over = false;
    const watching = (async () => {
      while (!over) {
        const begun = performance.now();
        expect((await server.fetch('GET', '/api/health/live')).status).toBe(200);
        health.push(performance.now() - begun);
        await sleep(20);
      }
    })();
    const text = await pipelined(path, PIPELINED);
    const answeredMeanwhile = health.length;
    over = true;
    await watching;
    const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
    const refused = statuses.filter((status) => status === 503).length;
    process.stdout.write(
      `overload: ${statuses.length - refused} served, ${refused} refused, health ${Math.round(Math.max(...health))} ms\n`,
    );
    expect(statuses).toHaveLength(PIPELINED);
    expect([...new Set(statuses)].filter((status) => status !== 200 && status !== 503)).toEqual([]);
    expect(statuses.length - refused).toBeGreaterThan(20);
    expect(text).not.toContain('The database is not reachable');
    expect(text.match(/"code":"busy"/g) ?? []).toHaveLength(refused);
    expect(text.match(/^retry-after: [1-9]/gim) ?? []).toHaveLength(refused);
    // Health stands in no line with them: several questions after each other were answered before
    // the last of those that came first.
    expect(answeredMeanwhile).toBeGreaterThan(2);
    expect((await server.fetch('GET', path)).status).toBe(200);
  });

  it('200 triggers at once, as the bench does, are all accepted', async () => {
    const id = await server.createPipeline('name: burst\nsteps:\n  - { name: only, run: true }\n');
    const accepted = await Promise.all(Array.from({ length: 200 }, () => server.trigger(id)));
    expect(new Set(accepted).size).toBe(200);
  });

  it(`${READERS} readers at once of an execution that prints 100 MB without a newline`, async () => {
    const run = 'head -c 100000000 /dev/zero | tr "\\0" x';
    const id = await server.createPipeline(
      `name: flood\nsteps:\n  - { name: only, run: ${JSON.stringify(run)} }\n`,
    );
    const api = server.api?.pid ?? 0;
    const before = residentOf(api);
    const execution = await server.trigger(id);
    let peak = 0;
    let slowest = 0;
    let running = 0;
    for (let isOver = false; !isOver;) {
      const states = await Promise.all(
        Array.from({ length: READERS }, async () => {
          const begun = performance.now();
          const seen = await server.execution(execution);
          slowest = Math.max(slowest, performance.now() - begun);
          return seen.status;
        }),
      );
      peak = Math.max(peak, residentOf(api) - before);
      if (states.includes('running')) running += 1;
      isOver = states.every((status) => status === 'success');
    }
    process.stdout.write(
      `readers: API +${Math.round(peak / MiB)} MiB of ${Math.round(before / MiB)}\n`,
    );
    noteRecovery('slowest read of a flooded execution', slowest);
    expect(running).toBeGreaterThan(3);
    expect(peak).toBeLessThan(API_GROWTH);
    expect(slowest).toBeLessThan(10_000);
  });

  /** Sends all of them before it reads the first answer; the last one closes the connection. */
  function pipelined(path: string, count: number): Promise<string> {
    const { port, hostname, host } = new URL(server.baseUrl);
    const lines = [
      `GET ${path} HTTP/1.1`,
      `Host: ${host}`,
      `Authorization: Bearer ${server.token}`,
    ];
    const one = `${lines.join('\r\n')}\r\n\r\n`;
    const last = `${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`;
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      const socket = connect(Number(port), hostname, () => {
        socket.write(one.repeat(count - 1) + last);
      });
      socket.on('data', (chunk) => chunks.push(chunk));
      socket.on('error', reject);
      socket.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    });
  }
});
