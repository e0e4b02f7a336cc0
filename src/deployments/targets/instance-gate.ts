import { request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { quoted } from '../../common/values/redact-urls.js';
import type { Gate } from '../../engine/steps/deploy/deploy-action.js';

/** Of the last probe before a gate was open or closed. */
export type GateEnd =
  { readonly kind: 'passed'; readonly probes: number } | { readonly kind: 'failed'; why: string };

export interface GateTarget {
  /** Of this machine, at 127.0.0.1: that of the instance itself, never of its route. */
  readonly port: number;
  /** Why it will never answer; undefined: it runs. */
  readonly isOver: () => Promise<string | undefined>;
}

const PROBE_MS = 5_000;
const BETWEEN_MS = 250;
/** How much of a body is looked at, bytes. */
const BODY_BYTES = 64 * 1024;
const SHOWN_BODY = 200;

/**
 * Asks an instance from outside, several times a second, until it has answered well for `stableMs`
 * without a break; at most for `timeoutMs`. A redirect is an answer of its own status.
 *
 * @throws the reason of the signal
 */
export async function passGate(
  gate: Gate,
  { port, isOver }: GateTarget,
  signal: AbortSignal,
): Promise<GateEnd> {
  const begun = performance.now();
  let goodSince: number | undefined;
  for (let probes = 1; ; probes += 1) {
    signal.throwIfAborted();
    const over = await isOver();
    if (over !== undefined) return { kind: 'failed', why: over };
    const at = performance.now();
    const problem = await probe(gate, port);
    const now = performance.now();
    if (problem === undefined) {
      goodSince ??= at;
      if (now - goodSince >= gate.stableMs) return { kind: 'passed', probes };
    } else {
      goodSince = undefined;
    }
    if (now - begun >= gate.timeoutMs) {
      const seconds = Math.round(gate.timeoutMs / 1000);
      const why = problem ?? `it has answered well, but not yet for ${gate.stableMs / 1000} s`;
      return { kind: 'failed', why: `${why}, after ${seconds} s` };
    }
    await pause(BETWEEN_MS, signal);
  }
}

/** Undefined: it answered well. */
export function probe(gate: Gate, port: number): Promise<string | undefined> {
  return gate.path === undefined ? probeTcp(port) : probeHttp(gate, gate.path, port);
}

/**
 * Whether it accepts, and does not hang up at once: what listens in front of a container accepts
 * also for a program that does not listen yet.
 */
function probeTcp(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: PROBE_MS });
    let stays: NodeJS.Timeout | undefined;
    const end = (problem: string | undefined): void => {
      clearTimeout(stays);
      socket.destroy();
      resolve(problem);
    };
    socket.once('connect', () => (stays = setTimeout(() => end(undefined), STAYS_MS)));
    socket.once('data', () => end(undefined));
    socket.once('timeout', () => end('it accepts no connection'));
    socket.once('error', ({ message }) => end(`it accepts no connection: ${message}`));
    socket.once('close', () => end('it closes each connection at once'));
  });
}

/** A connection that was hung up by then was never one, ms. */
const STAYS_MS = 100;

function probeHttp(gate: Gate, path: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const asked = request({
      ...{ host: '127.0.0.1', port, path, method: 'GET', agent: false, timeout: PROBE_MS },
      headers: { host: gate.host ?? `127.0.0.1:${port}`, 'user-agent': 'millrace-gate' },
    });
    const giveUp = setTimeout(
      () => asked.destroy(new Error(`no answer in ${PROBE_MS / 1000} s`)),
      PROBE_MS,
    );
    const end = (problem: string | undefined): void => {
      clearTimeout(giveUp);
      asked.destroy();
      resolve(problem);
    };
    asked.once('error', ({ message }) => end(`GET ${path}: ${message}`));
    asked.once('response', (answer) => {
      const { statusCode: status = 0 } = answer;
      const isGood = status >= gate.status.from && status <= gate.status.to;
      let body = Buffer.alloc(0);
      const judge = (): void => {
        const text = body.toString('utf8');
        if (!isGood) return end(`GET ${path} answers ${status}${shown(text)}`);
        const lacks = gate.body !== undefined && !text.includes(gate.body);
        end(lacks ? `GET ${path} answers without "${quoted(gate.body ?? '', 80)}"` : undefined);
      };
      answer.on('data', (chunk: Buffer) => {
        body = Buffer.concat([body, chunk]);
        if (body.length < BODY_BYTES) return;
        body = body.subarray(0, BODY_BYTES);
        judge();
      });
      answer.once('end', judge);
      answer.once('error', ({ message }) => end(`GET ${path}: ${message}`));
    });
    asked.end();
  });
}

function shown(body: string): string {
  const text = body.trim().replace(/\s+/g, ' ');
  return text === '' ? '' : `: ${quoted(text, SHOWN_BODY)}`;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch {
    signal.throwIfAborted();
  }
}
