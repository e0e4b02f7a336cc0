import { messageOf } from '../../common/values/error-message.js';
import { object, optional, type Reader, readJson, shallow, text } from './answer-shape.js';
import { exchange, TimeLimit } from './exchange.js';

const TIMEOUT_MS = 5_000;

const check = object({ status: text, message: text });
type Check = ReturnType<typeof check> & { readonly name: string };

const checks: Reader<readonly Check[]> = (value, place) => {
  const all = (shallow(value, place) ?? {}) as Readonly<Record<string, unknown>>;
  return Object.entries(all).map(([name, each]) => ({ ...check(each, place), name }));
};
const health = object({ version: optional(text), checks: optional(checks) });

/** Why a server cannot serve; `undefined` when it can. Never throws. */
export async function whyNotReady(baseUrl: string): Promise<string | undefined> {
  try {
    const { isGood, body } = await ask(`${baseUrl}/api/health/ready`, TIMEOUT_MS);
    if (isGood) return undefined;
    const down = (readJson(body, health).checks ?? []).filter(({ status }) => status === 'down');
    return down.map(({ name, message }) => `${name}: ${message}`).join('; ');
  } catch (error) {
    return `it does not answer (${messageOf(error)})`;
  }
}

/**
 * The version that a server says it is; `undefined` when it does not say. @throws whatever keeps it
 * from answering
 */
export async function askVersion(baseUrl: string, timeoutMs: number): Promise<string | undefined> {
  const { body } = await ask(`${baseUrl}/api/healthchecker`, timeoutMs);
  return readJson(body, health).version;
}

/** True for a server of ours, whatever its state. Never throws. */
export async function isMillrace(baseUrl: string, timeoutMs: number): Promise<boolean> {
  try {
    const { body } = await ask(`${baseUrl}/api/healthchecker`, timeoutMs);
    return body.includes('"message":"Millrace ');
  } catch {
    return false; // Whoever it is, it does not answer as we do.
  }
}

async function ask(url: string, timeoutMs: number): Promise<{ isGood: boolean; body: string }> {
  const limit = new TimeLimit(timeoutMs);
  try {
    const answer = await exchange(url, { method: 'GET', signal: limit.signal });
    return { isGood: answer.isGood, body: await answer.text() };
  } finally {
    limit.end();
  }
}
