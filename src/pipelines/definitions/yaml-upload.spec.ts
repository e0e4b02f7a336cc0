import express, { type NextFunction, type Request, type Response } from 'express';
import { readdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import request from 'supertest';
import { MillraceError } from '../../common/errors/millrace.error.js';
import { readYamlUpload } from './yaml-upload.js';

const MiB = 1024 * 1024;
const limit = 10 * MiB;
let server: Server;
/** Settles with the outcome of each upload, in order. */
let outcomes: (string | MillraceError)[] = [];

beforeAll((done) => {
  const app = express();
  app.post('/', (req: Request, res: Response, next: NextFunction) => {
    readYamlUpload(req, limit).then((yaml) => {
      outcomes.push(yaml);
      res.json({ length: yaml.length });
    }, next);
  });
  app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    if (!(error instanceof MillraceError)) throw error;
    outcomes.push(error);
    res.status(error.status).json({ error: error.kind, details: error.details });
  });
  server = createServer(app).listen(0, '127.0.0.1', done);
});
afterAll((done) => {
  server.closeAllConnections();
  server.close(done);
});
beforeEach(() => {
  outcomes = [];
});

interface Part {
  readonly field?: string;
  readonly filename?: string;
  readonly contentType?: string;
}

function upload(content: string | Buffer, part: Part = {}): request.Test {
  const { field = 'pipeline', filename = 'p.yaml', contentType = 'application/yaml' } = part;
  return request(server).post('/').attach(field, Buffer.from(content), { filename, contentType });
}

describe('readYamlUpload', () => {
  it.each(['pipeline', 'file', 'yaml'])('takes field %s', async (field) => {
    await upload('name: a\n', { field }).expect(200);
    expect(outcomes).toEqual(['name: a\n']);
  });

  it.each([
    ['p.yml', 'text/yaml'],
    ['P.YAML', 'application/x-yaml'],
    ['a b.yaml', 'text/plain'],
    ['x.yaml', 'application/octet-stream'],
  ])('takes %s sent as %s', async (filename, contentType) => {
    await upload('a', { filename, contentType }).expect(200);
  });

  it('keeps every byte, also a byte order mark and CRLF', async () => {
    const text = '\ufeffname: ü\r\n# ☃\r\n';
    await upload(text).expect(200);
    expect(outcomes).toEqual([text]);
  });

  it.each([
    ['another extension', { filename: 'p.json' }, 415],
    ['no extension', { filename: 'yaml' }, 415],
    ['another type', { contentType: 'image/png' }, 415],
    ['another field', { field: 'upload' }, 400],
  ])('refuses %s', async (_name, part, status) => {
    await upload('a', part).expect(status);
  });

  it('refuses what is not UTF-8', async () => {
    await upload(Buffer.from('\xff\xfea\0', 'latin1')).expect(415);
  });

  it('refuses two files, no file, and a body that is no multipart', async () => {
    await upload('a').attach('file', Buffer.from('b'), 'q.yaml').expect(400);
    await request(server).post('/').field('pipeline', 'text, no file').expect(400);
    await request(server)
      .post('/')
      .type('multipart/form-data; boundary=x')
      .send('junk')
      .expect(400);
    await request(server).post('/').type('multipart/form-data').send('junk').expect(400);
  });

  it('counts real bytes: 1 MiB is taken, more is 422, over 10 MiB 413', async () => {
    await upload(Buffer.alloc(MiB, 'a')).expect(200, { length: MiB });
    await upload(Buffer.alloc(MiB + 1, 'a')).expect(422);
    await upload(Buffer.alloc(limit, 'a')).expect(422);
    await upload(Buffer.alloc(limit + 1, 'a')).expect(413);
  });

  it('answers 413 at once to a body that is announced too large or does not end', async () => {
    const head = (framing: string): string =>
      `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n${framing}\r\n\r\n`;
    const part =
      '--b\r\nContent-Disposition: form-data; name="file"; filename="a.yaml"\r\nContent-Type: text/yaml\r\n\r\n';
    expect(await untilAnswer(head(`Content-Length: ${limit * 10}`), part)).toContain(' 413 ');
    const endless = head('Transfer-Encoding: chunked');
    const chunk = `100000\r\n${'a'.repeat(MiB)}\r\n`;
    const first = `${part.length.toString(16)}\r\n${part}\r\n`;
    expect(await untilAnswer(endless, first + chunk.repeat(11))).toContain(' 413 ');
  });

  it('leaves no file when the client goes away', async () => {
    const before = readdirSync(tmpdir());
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write(
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n' +
        '--b\r\nContent-Disposition: form-data; name="file"; filename="a.yaml"\r\nContent-Type: text/yaml\r\n\r\nname: a',
      () => socket.destroy(),
    );
    await until(() => outcomes.length > 0);
    expect(outcomes[0]).toMatchObject({ kind: 'ValidationError' });
    const added = readdirSync(tmpdir()).filter((name) => !before.includes(name));
    expect(added.filter((name) => /upload|multer|^[0-9a-f]{32}$/.test(name))).toEqual([]);
  });
});

function untilAnswer(...pieces: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('data', (bytes: Buffer) => {
      resolve(bytes.toString());
      socket.destroy();
    });
    socket.on('error', reject);
    for (const piece of pieces) socket.write(piece);
  });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
