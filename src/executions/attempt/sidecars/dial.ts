import { get } from 'node:http';
import { connect } from 'node:net';
import type { ProbeResult } from './readiness.js';

/** For an answer, ms. */
const LIMIT_MS = 5_000;
const PASSED: ProbeResult = { passed: true, said: '' };

/** How the worker reaches a sidecar: from its own machine, over the bridge of the network. */
export interface Dial {
  /** Whether a connection is taken. Never rejects; here and below. */
  tcp(host: string, port: number): Promise<ProbeResult>;
  /** Whether a GET is answered with 200 to 399. `name` is said to be asked for. */
  http(host: string, port: number, path: string, name: string): Promise<ProbeResult>;
}

export const dial: Dial = {
  tcp: (host, port) =>
    new Promise((resolve) => {
      const socket = connect({ host, port });
      const end = (result: ProbeResult): void => {
        socket.destroy();
        resolve(result);
      };
      const failed = (why: string): void => end({ passed: false, said: `port ${port}: ${why}` });
      socket.setTimeout(LIMIT_MS, () => failed(`no answer within ${LIMIT_MS} ms`));
      socket.once('connect', () => end(PASSED));
      socket.once('error', (error) => failed(error.message));
    }),
  http: (host, port, path, name) =>
    new Promise((resolve) => {
      const request = get({
        ...{ host, port, path, agent: false },
        headers: { host: `${name}:${port}` },
        signal: AbortSignal.timeout(LIMIT_MS),
      });
      const failed = (why: string): void =>
        resolve({ passed: false, said: `GET ${path} at port ${port}: ${why}` });
      request.once('response', (response) => {
        const { statusCode = 0 } = response;
        response.destroy();
        if (statusCode >= 200 && statusCode < 400) resolve(PASSED);
        else failed(`status ${statusCode}`);
      });
      request.on('error', (error) =>
        failed(error.name === 'AbortError' ? `no answer within ${LIMIT_MS} ms` : error.message),
      );
    }),
};
