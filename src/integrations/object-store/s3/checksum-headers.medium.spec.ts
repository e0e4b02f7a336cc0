import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { objectKey } from '../object-key.js';
import { s3ObjectStore } from './s3-object-store.js';
import type { S3Settings } from '../s3-settings.js';

const MiB = 1024 * 1024;

/**
 * As older servers of S3 are: it stores what comes, and refuses the checksums that the SDK sends
 * and asks for by itself since 2025.
 */
class OlderServer {
  readonly refused: string[] = [];
  private readonly objects = new Map<string, Buffer>();
  private readonly server: Server = createServer((request, response) => {
    void this.answer(request).then(([status, body]) =>
      response.writeHead(status, { 'content-length': body.length }).end(body),
    );
  });

  async start(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async answer(request: IncomingMessage): Promise<[number, string | Buffer]> {
    const bytes = Buffer.concat(await request.toArray());
    const unknown = Object.entries(request.headers).find(([name, value]) =>
      /^x-amz-(trailer|checksum|sdk-checksum)|aws-chunked|STREAMING/.test(
        `${name}: ${String(value)}`,
      ),
    );
    if (unknown) {
      this.refused.push(unknown[0]);
      return [400, '<Error><Code>InvalidArgument</Code></Error>'];
    }
    const url = new URL(request.url ?? '', 'http://s3');
    return this.store(request.method ?? '', url, bytes);
  }

  private store(
    method: string,
    { pathname, searchParams }: URL,
    bytes: Buffer,
  ): [number, string | Buffer] {
    const part = searchParams.get('partNumber');
    const stored = this.objects.get(pathname);
    if (method === 'PUT') {
      this.objects.set(part === null ? pathname : `${pathname}?${part}`, bytes);
      return [200, ''];
    }
    if (method === 'POST' && searchParams.has('uploads')) {
      return [
        200,
        '<InitiateMultipartUploadResult><UploadId>7</UploadId></InitiateMultipartUploadResult>',
      ];
    }
    if (method === 'POST') {
      const parts = [1, 2, 3].map((number) => this.objects.get(`${pathname}?${String(number)}`));
      this.objects.set(pathname, Buffer.concat(parts.filter((each) => each !== undefined)));
      return [200, '<CompleteMultipartUploadResult></CompleteMultipartUploadResult>'];
    }
    if (method === 'DELETE') this.objects.delete(pathname);
    else if (stored) return [200, stored];
    return method === 'GET' ? [404, '<Error><Code>NoSuchKey</Code></Error>'] : [204, ''];
  }
}

describe('a server that refuses the checksums of the SDK', () => {
  let server: OlderServer;
  let settings: S3Settings;

  beforeEach(async () => {
    server = new OlderServer();
    settings = {
      ...{ endpoint: await server.start(), region: 'eu-x', bucket: 'b', prefix: 'p' },
      ...{ accessKeyId: 'id', secretAccessKey: 'secret', pathStyle: true },
      checksums: 'WHEN_REQUIRED',
    };
  });
  afterEach(() => server.stop());

  it.each([1, 17 * MiB])(
    'takes and gives an object of %i bytes as Millrace sends it',
    async (size) => {
      const store = s3ObjectStore(settings);
      const known = await store.put(objectKey('a'), Readable.from([Buffer.alloc(size)]));
      const { body, ...about } = await store.get(objectKey('a'));
      expect(about).toEqual(known);
      expect(Buffer.concat(await body.toArray())).toHaveLength(size);
      await store.delete(objectKey('a'));
      await expect(store.stat(objectKey('a'))).rejects.toMatchObject({ code: 'not_found' });
      expect(server.refused).toEqual([]);
    },
  );

  it('refuses them as the SDK sends them by itself', async () => {
    const store = s3ObjectStore({ ...settings, checksums: 'WHEN_SUPPORTED' });
    const putting = store.put(objectKey('a'), Readable.from([Buffer.alloc(1)]));
    await expect(putting).rejects.toMatchObject({ code: 'failed' });
    expect(server.refused).not.toEqual([]);
  });
});
