import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpClient } from './http-client.js';

const LIMIT_MS = 60_000;

/** Asks again until the body is as wanted. @throws Error with the last body after a minute */
export async function until<T>(
  http: HttpClient,
  path: string,
  condition: (body: T) => boolean,
): Promise<T> {
  const giveUpAt = performance.now() + LIMIT_MS;
  for (;;) {
    const body = await http.json<T>('GET', path);
    if (condition(body)) return body;
    if (performance.now() > giveUpAt) throw new Error(`${path}: ${JSON.stringify(body)}`);
    await sleep(50);
  }
}
