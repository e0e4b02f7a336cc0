import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Answer {
  readonly status: number;
  readonly body?: string | Buffer;
}

/**
 * Objects over HTTP as an older server of S3 has them: it stores what comes, checks no signature,
 * and refuses the checksums that the SDK sends and asks for by itself since 2025.
 */
export class S3StandIn {
  /** Headers for which requests were refused. */
  readonly refused: string[] = [];
  /** `PUT /bucket/key`, with the query. */
  readonly requests: string[] = [];
  /** Done before a request is answered. @returns false: the connection is cut instead */
  before: (request: string) => boolean = () => true;
  /** True: the connection is cut in the middle of the body of each answer to GET. */
  cutsBodies = false;

  private readonly objects = new Map<string, Buffer>();
  private readonly server: Server = createServer((request, response) => {
    void this.answer(request).then((answer) => this.send(request, response, answer));
  });

  /** @returns its URL */
  async start(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async answer(request: IncomingMessage): Promise<Answer | undefined> {
    const bytes = Buffer.concat(await request.toArray());
    const { method = '', url = '' } = request;
    this.requests.push(`${method} ${url}`);
    if (!this.before(`${method} ${url}`)) return undefined;
    const unknown = Object.entries(request.headers).find(([name, value]) =>
      /^x-amz-(trailer|checksum|sdk-checksum)|aws-chunked|STREAMING/.test(
        `${name}: ${String(value)}`,
      ),
    );
    if (unknown === undefined) return this.store(method, new URL(url, 'http://s3'), bytes);
    this.refused.push(unknown[0]);
    return { status: 400, body: '<Error><Code>InvalidArgument</Code></Error>' };
  }

  private store(method: string, { pathname, searchParams }: URL, bytes: Buffer): Answer {
    const part = searchParams.get('partNumber');
    const stored = this.objects.get(pathname);
    if (method === 'PUT') {
      this.objects.set(part === null ? pathname : `${pathname}?${part}`, bytes);
      return { status: 200 };
    }
    if (method === 'POST' && searchParams.has('uploads')) {
      const id = '<UploadId>7</UploadId>';
      const body = `<InitiateMultipartUploadResult>${id}</InitiateMultipartUploadResult>`;
      return { status: 200, body };
    }
    if (method === 'POST') {
      const parts = [1, 2, 3].map((number) => this.objects.get(`${pathname}?${String(number)}`));
      this.objects.set(pathname, Buffer.concat(parts.filter((each) => each !== undefined)));
      return { status: 200, body: '<CompleteMultipartUploadResult/>' };
    }
    if (method === 'DELETE') this.objects.delete(pathname);
    else if (stored) return { status: 200, body: stored };
    if (method !== 'GET') return { status: 204 };
    return { status: 404, body: '<Error><Code>NoSuchKey</Code></Error>' };
  }

  private send(
    request: IncomingMessage,
    response: ServerResponse,
    answer: Answer | undefined,
  ): void {
    if (answer === undefined) return void request.socket.destroy();
    const { status, body = '' } = answer;
    response.writeHead(status, { 'content-length': body.length });
    if (!this.cutsBodies || request.method !== 'GET') return void response.end(body);
    response.write(body.slice(0, body.length / 2), () => request.socket.destroy());
  }
}
