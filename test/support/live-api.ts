import { request, type IncomingMessage } from 'node:http';
import type { DocumentedApi, LiveAnswer, Operation } from './documented-api.js';

export interface Ask {
  /** Sent as JSON, but for a Buffer, which is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: that of the server's tests. */
  readonly token?: string | null;
  /** Further bytes that the head tells of, and that never come. */
  readonly missing?: number;
}

const TOKEN = 'test-token-of-24-characters';

/** Asks a server, and holds every answer against its document. */
export class LiveApi {
  /** What was not as documented. */
  readonly problems: string[] = [];

  constructor(
    readonly documented: DocumentedApi,
    readonly baseUrl: string,
  ) {}

  async ask(method: string, path: string, how: Ask = {}): Promise<LiveAnswer> {
    const operation = this.documented.operationOf(method, path);
    if (operation === undefined) throw new Error(`${method} ${path} is not in the document`);
    return this.askOperation(operation, path, how);
  }

  async askOperation(operation: Operation, path: string, how: Ask = {}): Promise<LiveAnswer> {
    const answer = await this.send(operation.method, path, how);
    this.problems.push(...this.documented.problemsOf(operation, answer));
    return answer;
  }

  /** The JSON of an answer that must have this status. */
  async json<T>(status: number, method: string, path: string, how: Ask = {}): Promise<T> {
    const answer = await this.ask(method, path, how);
    if (answer.status !== status) {
      throw new Error(`${method} ${path}: ${answer.status}, not ${status}: ${answer.text}`);
    }
    return JSON.parse(answer.text) as T;
  }

  /** Holds it against nothing. `fetch` would not send a foreign `Host`. */
  send(method: string, path: string, how: Ask = {}): Promise<LiveAnswer> {
    const { body, token = TOKEN, missing = 0, headers = {} } = how;
    const isRaw = Buffer.isBuffer(body);
    const bytes = isRaw ? body : body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const options = {
      method,
      agent: false,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(bytes === undefined ? {} : { 'content-length': bytes.length + missing }),
        ...(bytes === undefined || isRaw ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
    };
    return new Promise((resolve, reject) => {
      const sent = request(`${this.baseUrl}${path}`, options, (response) => {
        read(response).then(resolve, reject);
      });
      sent.on('error', reject);
      if (missing > 0) sent.write(bytes);
      else sent.end(bytes);
    });
  }
}

async function read(response: IncomingMessage): Promise<LiveAnswer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const headers = Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [name, [value].flat().join(', ')]),
  );
  const text = Buffer.concat(chunks).toString('utf8');
  return { status: response.statusCode ?? 0, headers, text };
}
