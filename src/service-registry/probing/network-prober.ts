import http from 'node:http';
import https from 'node:https';
import { connect, isIP, type LookupFunction } from 'node:net';
import { AddressPolicy, AddressRefusedError, bareHost } from '../../common/net/address-policy.js';
import {
  checkedAddresses,
  pinnedLookup,
  type ResolveHost,
} from '../../common/net/checked-addresses.js';
import { isLoopbackHost } from '../../config/loopback.js';
import {
  BODY_BYTES,
  type ProbeFailureCode,
  type ProbeResult,
  type ServiceCheck,
} from '../checks/service-check.js';
import { Prober, type ProbeTarget } from './prober.js';

const MOST_REDIRECTS = 3;
const USER_AGENT = 'millrace-check';
/** Of what Millrace deployed; `mustBeHere` keeps it from the rest of the world. */
const LOOPBACK = new AddressPolicy(['127.0.0.0/8', '::1']);

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

/** A bad answer, for {@link ProbeResult}. */
class BadAnswer extends Error {
  constructor(
    readonly code: ProbeFailureCode,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Asks over the network. Every probe has a connection of its own, as a new request would have. The
 * address that was checked is the one that is dialled.
 */
export class NetworkProber extends Prober {
  /** @param policy which addresses may be dialled that somebody else wrote */
  constructor(
    private readonly policy: AddressPolicy,
    private readonly resolve?: ResolveHost,
  ) {
    super();
  }

  async probe(target: ProbeTarget, check: ServiceCheck): Promise<ProbeResult> {
    const signal = AbortSignal.timeout(check.timeout_seconds * 1000);
    try {
      await within(this.ask(target, check, signal), signal);
      return { ok: true };
    } catch (error) {
      if (signal.aborted) {
        return failed('timeout', `no answer within ${check.timeout_seconds} s`);
      }
      return failureOf(error);
    }
  }

  private async ask(
    { url, isOwn }: ProbeTarget,
    check: ServiceCheck,
    signal: AbortSignal,
  ): Promise<void> {
    const policy = isOwn ? LOOPBACK : this.policy;
    const endpoint = new URL(url);
    if (isOwn) mustBeHere(endpoint);
    if (endpoint.protocol === 'tcp:') return this.dial(endpoint, policy, signal);
    if (check.path !== null) {
      const { pathname, search } = new URL(check.path, 'http://relative');
      endpoint.pathname = pathname;
      endpoint.search = search;
    }
    let at = endpoint;
    for (let redirects = 0; ; redirects += 1) {
      const answer = await this.request(at, check, policy, signal, redirects === 0);
      const { status, location } = answer;
      const isRedirect = status >= 300 && status < 400 && location !== undefined;
      if (!isRedirect || isExpected(status, check)) return judge(answer, check);
      if (!check.follow_redirects) {
        throw new BadAnswer('redirected', `it answers ${status}, a redirect`);
      }
      if (redirects === MOST_REDIRECTS) {
        throw new BadAnswer('redirected', `more than ${MOST_REDIRECTS} redirects`);
      }
      const next = URL.parse(location, at.href);
      if (next === null || !/^https?:$/.test(next.protocol)) {
        throw new BadAnswer('redirected', 'it redirects to what is no http:// or https://');
      }
      if (isOwn) mustBeSame(next, endpoint);
      at = next;
    }
  }

  private async dial(
    { hostname, port }: URL,
    policy: AddressPolicy,
    signal: AbortSignal,
  ): Promise<void> {
    const addresses = await checkedAddresses(policy, hostname, this.resolve);
    const lookup = pinnedLookup(addresses);
    await new Promise<void>((resolve, reject) => {
      const host = bareHost(hostname);
      const socket = connect({ host, port: Number(port), lookup, signal });
      socket.once('connect', () => {
        socket.destroy();
        resolve();
      });
      socket.once('error', reject);
    });
  }

  private async request(
    url: URL,
    check: ServiceCheck,
    policy: AddressPolicy,
    signal: AbortSignal,
    isFirst: boolean,
  ): Promise<Answer> {
    const lookup = pinnedLookup(await checkedAddresses(policy, url.hostname, this.resolve));
    const host = isFirst ? check.host : null;
    return exchange(url, check, { lookup, signal, host });
  }
}

/** @throws BadAnswer */
function mustBeHere({ hostname }: URL): void {
  if (isLoopbackHost(hostname)) return;
  throw new BadAnswer('address_refused', 'what is deployed on this host is asked on this host');
}

/**
 * Whoever is asked chooses where it redirects to. What else listens at a loopback address of this
 * host is not for a program in a container, nor for whoever reads what the check says of it.
 * @throws BadAnswer
 */
function mustBeSame(next: URL, endpoint: URL): void {
  if (next.origin === endpoint.origin) return;
  const message = 'what is deployed on this host is followed to its own address alone';
  throw new BadAnswer('address_refused', message);
}

function exchange(
  url: URL,
  { method, body_contains: text }: ServiceCheck,
  { lookup, signal, host }: { lookup: LookupFunction; signal: AbortSignal; host: string | null },
): Promise<Answer> {
  const isTls = url.protocol === 'https:';
  const headers = { 'user-agent': USER_AGENT, accept: '*/*', ...(host !== null && { host }) };
  const name = bareHost(host === null ? url.hostname : host.replace(/:\d+$/, ''));
  const servername = isIP(name) === 0 ? name : '';
  return new Promise((resolve, reject) => {
    const { request } = isTls ? https : http;
    const sent = request(
      url,
      { method, headers, lookup, signal, agent: false, ...(isTls && { servername }) },
      (response) => {
        const { statusCode: status = 0, headers: got } = response;
        const answered = (body: string): void => {
          response.destroy();
          resolve({ status, location: got.location, body });
        };
        if (text === null || method === 'HEAD') return answered('');
        const parts: Buffer[] = [];
        let bytes = 0;
        response.on('data', (part: Buffer) => {
          parts.push(part);
          bytes += part.length;
          if (bytes >= BODY_BYTES) answered(read(parts));
        });
        response.on('end', () => answered(read(parts)));
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end();
  });
}

function read(parts: readonly Buffer[]): string {
  return Buffer.concat(parts).subarray(0, BODY_BYTES).toString('utf8');
}

function isExpected(status: number, { expected_status: expected }: ServiceCheck): boolean {
  return expected.length === 0 ? status >= 200 && status < 300 : expected.includes(status);
}

/** @throws BadAnswer; it never holds anything of the answer but its status */
function judge({ status, body }: Answer, check: ServiceCheck): void {
  if (!isExpected(status, check)) {
    throw new BadAnswer('unexpected_status', `it answers with the status ${status}`);
  }
  if (check.body_contains !== null && !body.includes(check.body_contains)) {
    throw new BadAnswer('unexpected_body', 'the answer does not hold the text that it should');
  }
}

/** Rejects as soon as the signal is aborted: a lookup of a name cannot be ended. */
async function within<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    work.then(resolve, reject);
  });
}

function failed(code: ProbeFailureCode, message: string): ProbeResult {
  return { ok: false, code, message };
}

function failureOf(error: unknown): ProbeResult {
  if (error instanceof BadAnswer) return failed(error.code, error.message);
  if (error instanceof AddressRefusedError) {
    return failed('address_refused', `the server does not connect there: ${error.refusal.kind}`);
  }
  const { code } = error as NodeJS.ErrnoException;
  const shown = typeof code === 'string' ? code : 'unknown';
  if (shown === 'ENOTFOUND' || shown === 'EAI_AGAIN' || shown === 'ENODATA') {
    return failed('no_address', `the name has no address (${shown})`);
  }
  if (/CERT|TLS|SSL|EPROTO|VERIFY|SIGNATURE|SELF_SIGNED/.test(shown)) {
    return failed('tls', `the certificate or the encryption is not accepted (${shown})`);
  }
  if (shown.startsWith('HPE_')) return failed('bad_answer', `no answer of HTTP (${shown})`);
  return failed('no_connection', `no connection (${shown})`);
}
