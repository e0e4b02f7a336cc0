import { connect, type Socket } from 'node:net';
import { eventually } from '../support/eventually.js';
import { MillraceServer } from '../support/millrace-server.js';
import { residentOf } from '../support/process-memory.js';
import { expectInvariants } from './support/expect-invariants.js';
import { Jitter } from './support/jitter.js';

const MiB = 1024 * 1024;
const READERS = 10;
/** Of 1.5 GB that the readers together do not read. */
const GROWTH = 160 * MiB;

describe('clients that stop reading a live feed', () => {
  let server: MillraceServer;

  beforeAll(async () => {
    server = await MillraceServer.start({ workers: 1 });
    await server.run(pipeline('seq 1 200000'));
  });

  afterAll(async () => {
    await server.stop();
  });

  it(`${READERS} of them, under a step that floods: the API's memory is bounded and others are served`, async () => {
    const id = await server.trigger(
      await server.createPipeline(pipeline('yes "$(seq -s " " 1 200)" | head -c 150000000')),
    );
    const sockets = await Promise.all(Array.from({ length: READERS }, () => readHead(id)));
    try {
      await new Jitter('slow-reader').before(500);
      const api = server.api?.pid ?? 0;
      const before = residentOf(api);
      let peak = 0;
      let slowest = 0;
      const ended = await eventually(async () => {
        const asked = performance.now();
        const execution = await server.execution(id);
        slowest = Math.max(slowest, performance.now() - asked);
        peak = Math.max(peak, residentOf(api) - before);
        return execution.status === 'success' ? execution : undefined;
      }, 90_000);
      process.stdout.write(
        `slow readers: API +${(peak / MiB).toFixed(0)} MiB, slowest answer ${slowest.toFixed(0)} ms\n`,
      );
      expect(ended.status).toBe('success');
      expect(peak).toBeLessThan(GROWTH);
      const live = await server.fetch('GET', `/api/ci/executions/${id}/events`);
      expect(await live.text()).toContain('success');
      await expectInvariants({ server });
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });

  /** Opens a feed, reads what its head is in, and never reads again. */
  async function readHead(id: string): Promise<Socket> {
    const { hostname, port } = new URL(server.baseUrl);
    const socket = connect(Number(port), hostname);
    const token = server.environment['MILLRACE_TOKEN'];
    socket.write(
      `GET /api/ci/executions/${id}/events HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    const first = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    socket.pause();
    expect(first.toString()).toMatch(/^HTTP\/1.1 200 /);
    return socket;
  }
});

function pipeline(run: string): string {
  return `name: feed\nsteps:\n  - { name: only, run: ${JSON.stringify(run)} }\n`;
}
