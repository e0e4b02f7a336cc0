import { MillraceServer } from '../support/millrace-server.js';
import { writesFirst } from '../support/writes-first.js';

const MiB = 1024 * 1024;
const token = 'test-token-of-24-characters';
const multipart = Buffer.from(
  '--b\r\nContent-Disposition: form-data; name="pipeline"; filename="p.yaml"\r\nContent-Type: text/yaml\r\n\r\n',
);
const twelve = Array<Buffer>(12).fill(Buffer.alloc(MiB, '#'));

const kinds = [
  ['JSON', '/api/ci/pipelines', 'application/json', Buffer.from('{"yaml_content":"')],
  ['JSON of a trigger', '/api/ci/pipelines/x/trigger', 'application/json', Buffer.from('{"a":"')],
  ['an upload', '/api/ci/pipelines/upload', 'multipart/form-data; boundary=b', multipart],
] as const;

describe('a body of 12 MiB or more', () => {
  let server: MillraceServer;
  beforeAll(async () => (server = await MillraceServer.start({ workers: 0 })));
  afterAll(async () => server.stop());

  const send = async (
    path: string,
    type: string,
    framing: string,
    pieces: readonly Buffer[],
    bearer = token,
  ) => {
    const head = [
      `POST ${path} HTTP/1.1`,
      'Host: 127.0.0.1',
      `Authorization: Bearer ${bearer}`,
      `Content-Type: ${type}`,
      framing,
      '',
      '',
    ].join('\r\n');
    return writesFirst(Number(new URL(server.baseUrl).port), head, pieces);
  };
  const answered = (text: string): [string, unknown] => [
    text.slice(0, 12),
    JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)),
  ];
  const refusal = (error: string): unknown => ({
    error,
    message: expect.any(String),
    details: expect.anything(),
    suggestions: [expect.any(String)],
    timestamp: expect.any(String),
  });

  describe.each(kinds)('as %s', (_name, path, type, begin) => {
    it('is refused by 413 where the client reads only after it wrote all, its length told', async () => {
      const pieces = [begin, ...twelve];
      const length = pieces.reduce((sum, each) => sum + each.length, 0);
      const sent = await send(path, type, `Content-Length: ${length}`, pieces);
      expect(sent.error).toBeUndefined();
      expect(answered(sent.answer)).toEqual(['HTTP/1.1 413', refusal('PayloadTooLargeError')]);
    });

    it('is refused by 413 where the client reads only after it wrote all, in chunks', async () => {
      // Chunks are read up to the limit of 10 MiB: so much must follow it that the system alone
      // cannot hold it, or the answer would arrive even where the connection is cut.
      const pieces = [begin, ...twelve, ...twelve].map((each) =>
        Buffer.concat([Buffer.from(`${each.length.toString(16)}\r\n`), each, Buffer.from('\r\n')]),
      );
      const all = [...pieces, Buffer.from('0\r\n\r\n')];
      const sent = await send(path, type, 'Transfer-Encoding: chunked', all);
      expect(sent.error).toBeUndefined();
      expect(answered(sent.answer)).toEqual(['HTTP/1.1 413', refusal('PayloadTooLargeError')]);
    });

    it('tells an unknown client so as well', async () => {
      const length = begin.length + 12 * MiB;
      const pieces = [begin, ...twelve];
      const sent = await send(path, type, `Content-Length: ${length}`, pieces, 'of-nothing');
      expect(sent.error).toBeUndefined();
      expect(answered(sent.answer)).toEqual(['HTTP/1.1 401', refusal('AuthenticationError')]);
    });
  });
});
