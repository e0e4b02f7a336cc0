import { createHash } from 'node:crypto';
import { MillraceServer } from '../support/millrace-server.js';
import { forgetPeak, MIB, peakOf } from '../support/process-memory.js';

const SIZE = 2048 * MIB;
const GROWTH = 64 * MIB;
const LIMIT_MS = 240_000;

/** How far the memory of a process rises at most while something is done, bytes. */
async function growthDuring(pid: number, work: () => Promise<unknown>): Promise<number> {
  forgetPeak(pid);
  const before = peakOf(pid);
  await work();
  return peakOf(pid) - before;
}

describe('an artifact of 2 GiB', () => {
  let server: MillraceServer;
  let id = '';

  const pipeline = (size: string): string => `name: large
steps:
  - run: 'truncate -s ${size} large; echo end >>large'
    artifacts: large
`;
  const download = async (): Promise<{ readonly size: number; readonly digest: string }> => {
    const response = await server.fetch('GET', `/api/ci/executions/${id}/artifacts/large`);
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of response.body ?? []) {
      hash.update(chunk as Uint8Array);
      size += (chunk as Uint8Array).length;
    }
    return { size, digest: hash.digest('hex') };
  };

  beforeAll(async () => {
    server = await MillraceServer.start({ environment: { MAX_ARTIFACTS_SIZE: '3g' } });
    // What is loaded and compiled for the first one is not counted.
    ({ id } = await server.run(pipeline('100m'), {}, LIMIT_MS));
    await download();
  });
  afterAll(() => server.stop());

  it('goes up and down in pieces: no process holds it', async () => {
    const worker = server.workers[0]?.pid ?? 0;
    const api = server.api?.pid ?? 0;
    const up = await growthDuring(worker, async () => {
      const execution = await server.run(pipeline(String(SIZE)), {}, LIMIT_MS);
      expect(execution.status).toBe('success');
      ({ id } = execution);
    });
    let got: Awaited<ReturnType<typeof download>> | undefined;
    const down = await growthDuring(api, async () => {
      got = await download();
    });
    process.stderr.write(`2 GiB: the worker grew by ${up / MIB} MiB, the API by ${down / MIB}\n`);
    const { items } = await server.call<{ items: { size: number; digest: string }[] }>(
      'GET',
      `/api/ci/executions/${id}/artifacts`,
    );
    expect(got).toEqual({ size: SIZE + 4, digest: items[0]?.digest });
    expect(up).toBeLessThan(GROWTH);
    expect(down).toBeLessThan(GROWTH);
  }, 300_000);
});
