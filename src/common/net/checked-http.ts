import http from 'node:http';
import https from 'node:https';
import { type AddressPolicy, AddressRefusedError } from './address-policy.js';
import { checkedAddresses, pinnedLookup, type ResolveHost } from './checked-addresses.js';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** `http:` or `https:`. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpLimits {
  /** From the start to the last byte of the answer, ms. */
  readonly timeoutMs: number;
  /** Of the answer. */
  readonly maxBytes: number;
  /** Certificates of CAs, in PEM form; default: those of Node. */
  readonly ca?: string;
  /** True: only the status and the headers of an answer count, whatever its body is. */
  readonly statusOnly?: boolean;
}

/** No answer, or one that is larger than the limit. Its message holds no secret. */
export class HttpFailure extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'HttpFailure';
  }
}

/**
 * Asks servers that a user has named: the address that was checked is the one that is dialled, and
 * a redirect is an answer like any other, so `Authorization` never reaches another host.
 */
export class CheckedHttp {
  constructor(
    private readonly policy: AddressPolicy,
    private readonly limits: HttpLimits,
    private readonly resolve?: ResolveHost,
  ) {}

  /** @throws AddressRefusedError, HttpFailure */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    const url = new URL(request.url);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      throw new HttpFailure('Only http:// and https:// can be asked.');
    }
    const signal = AbortSignal.timeout(this.limits.timeoutMs);
    try {
      const addresses = await checkedAddresses(this.policy, url.hostname, this.resolve);
      return await this.exchange(url, request, pinnedLookup(addresses), signal);
    } catch (error) {
      if (error instanceof AddressRefusedError) throw error;
      if (signal.aborted) {
        throw new HttpFailure(`no answer within ${this.limits.timeoutMs} ms`, error);
      }
      const { code } = error as NodeJS.ErrnoException;
      if (typeof code === 'string') throw new HttpFailure(`no connection (${code})`, error);
      throw error;
    }
  }

  private exchange(
    url: URL,
    { method, headers, body }: HttpRequest,
    lookup: ReturnType<typeof pinnedLookup>,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { maxBytes, ca, statusOnly = false } = this.limits;
    const { request } = url.protocol === 'https:' ? https : http;
    return new Promise((resolve, reject) => {
      const sent = request(
        url,
        { method, headers, lookup, signal, ca, agent: statusOnly ? false : undefined },
        (response) => {
          if (statusOnly) {
            const { statusCode: status = 0, headers } = response;
            response.destroy();
            return resolve({ status, headers, body: '' });
          }
          const parts: Buffer[] = [];
          let bytes = 0;
          response.on('data', (part: Buffer) => {
            bytes += part.length;
            if (bytes > maxBytes) {
              response.destroy(new HttpFailure(`the answer is larger than ${maxBytes} bytes`));
            } else parts.push(part);
          });
          response.on('error', reject);
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(parts).toString('utf8'),
            }),
          );
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }
}
