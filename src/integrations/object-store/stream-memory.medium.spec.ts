import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { removeTree } from '../../../test/support/remove-tree.js';
import { transpileEntry, type TranspiledEntry } from '../../../test/support/transpile-entry.js';
import { describeVersitygw, Versitygw } from '../../../test/support/versitygw.js';
import type { StreamMemory, StreamMemoryRequest } from './stream-memory.fixture.js';

jest.setTimeout(600_000);

const MiB = 1024 * 1024;
const LIMIT = 64 * MiB;
/** `OBJECT_MIB=2048` measures with 2 GiB and prints what it finds. */
const given = process.env['OBJECT_MIB'];
const size = Number(given ?? 256) * MiB;

describe('memory does not grow with the size of an object', () => {
  let program: TranspiledEntry;
  beforeAll(() => {
    program = transpileEntry('src/integrations/object-store/stream-memory.fixture.ts');
  });
  afterAll(() => program.remove());

  async function growth(request: Omit<StreamMemoryRequest, 'size'>): Promise<StreamMemory> {
    const args = ['--expose-gc', program.path, JSON.stringify({ size, ...request })];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    if (given !== undefined) process.stderr.write(`${String(size / MiB)} MiB: ${stdout}\n`);
    return JSON.parse(stdout) as StreamMemory;
  }

  it('on the disk', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-memory-'));
    try {
      const { put, putAndGet } = await growth({ folder });
      expect(put).toBeLessThan(LIMIT);
      expect(putAndGet).toBeLessThan(LIMIT);
    } finally {
      await removeTree(folder);
    }
  });

  describeVersitygw('in S3', (root) => {
    it('neither', async () => {
      const server = await Versitygw.start(root);
      try {
        const { endpoint, region, bucket, accessKeyId, secretAccessKey } = server;
        const { put, putAndGet } = await growth({
          s3: {
            ...{ endpoint, region, bucket, accessKeyId, secretAccessKey },
            ...{ prefix: '', pathStyle: true, checksums: 'WHEN_REQUIRED' },
          },
        });
        expect(put).toBeLessThan(LIMIT);
        expect(putAndGet).toBeLessThan(LIMIT);
      } finally {
        await server.stop();
      }
    });
  });
});
