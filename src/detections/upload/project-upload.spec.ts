import express, { type NextFunction, type Request, type Response } from 'express';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import request from 'supertest';
import { madeTar, type MadeEntry } from '../../common/archive/archive.fixture.js';
import { MillraceError } from '../../common/errors/millrace.error.js';
import { receiveProject } from './project-upload.js';

/** Largest body: a project may have 20 times as much. */
const LIMIT = 2_000;
const MAX_ENTRIES = 5;

describe('receiveProject', () => {
  let server: Server;
  let base: string;

  beforeAll((done) => {
    const app = express();
    app.post('/', (req: Request, res: Response, next: NextFunction) => {
      const limits = { maxUpload: LIMIT, maxEntries: MAX_ENTRIES };
      receiveProject(req, join(base, 'tree'), limits).then(() => res.json({}), next);
    });
    app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
      if (!(error instanceof MillraceError)) throw error;
      res.status(error.status).json({ details: error.details });
    });
    server = createServer(app).listen(0, '127.0.0.1', done);
  });
  afterAll((done) => {
    server.closeAllConnections();
    server.close(done);
  });
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'project-upload-'));
  });
  afterEach(() => rmSync(base, { recursive: true }));

  const upload = async (entries: readonly MadeEntry[]) => {
    const archive = gzipSync(await madeTar(entries));
    return request(server).post('/').attach('archive', archive, 'a.tgz');
  };
  const files = (count: number): MadeEntry[] =>
    Array.from({ length: count }, (_, n) => ({ name: `f${n}`, content: '' }));

  it('takes what is as large, and as many, as it may be', async () => {
    const zeros = { name: 'zeros', content: '\0'.repeat(20 * LIMIT) };
    expect((await upload([zeros, ...files(MAX_ENTRIES - 1)])).status).toBe(200);
    expect(readFileSync(join(base, 'tree/zeros'))).toHaveLength(20 * LIMIT);
  });

  it.each<[string, readonly MadeEntry[], number, string]>([
    ['a bomb', [{ name: 'a', content: '\0'.repeat(20 * LIMIT + 1) }], 413, 'too_large'],
    ['too many files', files(MAX_ENTRIES + 1), 413, 'too_many_entries'],
    ['a path outside', [{ name: '../out', content: 'x' }], 422, 'unsafe_name'],
    ['an absolute path', [{ name: '/tmp/out', content: 'x' }], 422, 'unsafe_name'],
    ['a link outside', [{ name: 'l', type: 'symlink', linkname: '../..' }], 422, 'outward_link'],
    ['an absolute link', [{ name: 'l', type: 'symlink', linkname: '/etc' }], 422, 'outward_link'],
    [
      'a file through a link',
      [
        { name: 'l', type: 'symlink', linkname: 'f0' },
        { name: 'l/x', content: 'x' },
      ],
      ...([422, 'through_link'] as const),
    ],
    ['a device', [{ name: 'd', type: 'character-device' }], 422, 'unsupported_entry'],
  ])('refuses %s, and leaves nothing', async (_what, entries, status, code) => {
    const answer = await upload(entries);
    expect([answer.status, answer.body]).toMatchObject([status, { details: { code } }]);
    expect(existsSync(join(base, 'out'))).toBe(false);
    expect(readdirSync(base)).toEqual([]);
  });
});
