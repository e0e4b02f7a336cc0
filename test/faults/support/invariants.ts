import { parseAttemptFolder } from '../../../src/workspaces/attempt-folder.js';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ledger } from '../../support/ledger.js';
import type { ExecutionBody, MillraceServer } from '../../support/millrace-server.js';

/** I1: no execution stays without an end for longer, once nothing blocks it any more. */
const END_MS = 60_000;
/** I4: nothing of an execution is left on the machine so long after its end. */
const LEFT_MS = 15_000;
const CLIENTS = 16;
const TERMINAL = ['success', 'failed', 'cancelled', 'timeout'];

/** What is held against the promise. */
export interface Subject {
  readonly server: MillraceServer;
  /** Where the steps noted that they ran. Without it I3 cannot be looked at. */
  readonly ledger?: Ledger;
  /** Executions that somebody was told of by a 2xx. Default: all that `server` remembers. */
  readonly accepted?: readonly string[];
  /** How executions were when they were first seen to be over (I2). */
  readonly ended?: ReadonlyMap<string, ExecutionBody>;
  /** What went wrong with the API while it had to answer (I8). */
  readonly apiProblems?: readonly string[];
}

/** A promise that was broken. */
export interface Breach {
  readonly invariant: 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I7' | 'I8';
  readonly execution?: string;
  readonly what: string;
}

export interface Findings {
  /** Accepted, and not to be found, without an end, or told to have succeeded and never run. */
  readonly lost: readonly string[];
  /** `execution step attempt` that ran more than once. */
  readonly doubled: readonly string[];
  readonly breaches: readonly Breach[];
  readonly executions: ReadonlyMap<string, ExecutionBody>;
  /** From the question to the end of the last execution. */
  readonly settledMs: number;
}

/**
 * Holds a server against the invariants I1 to I8 of the promise (docs/testing.md), once no fault
 * blocks it any more. It asks the API, and does not believe it: what ran is in the ledger, what is
 * left is on the machine. I6 (one delivery, one execution) is for whoever sends the same request
 * twice.
 */
export async function checkInvariants(subject: Subject): Promise<Findings> {
  const { server, ledger } = subject;
  const accepted = [...new Set(subject.accepted ?? server.accepted)];
  const begun = performance.now();
  const breaches: Breach[] = [];
  const lost = new Set<string>();

  const report = (id: string, breach: Breach): void => {
    lost.add(id);
    breaches.push(breach);
  };
  const executions = await endsOf(server, accepted, begun, report);
  const settledMs = performance.now() - begun;

  if (ledger) {
    const ran = new Set((await ledger.entries()).map(({ execution }) => execution));
    for (const [id, { status }] of executions) {
      if (status !== 'success' || ran.has(id)) continue;
      lost.add(id);
      breaches.push({ invariant: 'I5', execution: id, what: 'told to have succeeded, never ran' });
    }
    // The outcome of a broken call is unknown: each trigger without an answer may be an execution,
    // which must end too.
    const beyond = [...ran].filter((id) => !executions.has(id) && !server.accepted.has(id));
    if (beyond.length > server.unanswered) {
      breaches.push({ invariant: 'I5', what: `${beyond.length} ran that nobody asked for` });
    }
    for (const [id, body] of await endsOf(server, beyond, performance.now(), report)) {
      executions.set(id, body);
    }
  }
  const doubled = (await ledger?.doubles()) ?? [];
  breaches.push(...doubled.map((what): Breach => ({ invariant: 'I3', what })));
  await each(executions.values(), async ({ id }) => {
    for (const what of await logProblems(server, id)) {
      breaches.push({ invariant: 'I7', execution: id, what });
    }
  });
  for (const what of await leftOvers(server, new Set(executions.keys()))) {
    breaches.push({ invariant: 'I4', what });
  }
  breaches.push(...(await changedEnds(server, new Map([...executions, ...(subject.ended ?? [])]))));
  breaches.push(...processProblems(server));
  for (const what of subject.apiProblems ?? []) breaches.push({ invariant: 'I8', what });
  return { lost: [...lost], doubled, breaches, executions, settledMs };
}

/** I1 and I5. A store that comes back late only delays an answer. */
async function endsOf(
  server: MillraceServer,
  ids: readonly string[],
  begun: number,
  report: (id: string, breach: Breach) => void,
): Promise<Map<string, ExecutionBody>> {
  const ends = new Map<string, ExecutionBody>();
  await each(ids, async (id) => {
    for (;;) {
      const late = performance.now() - begun > END_MS;
      const answer = await ask(server, id);
      if (answer.kind === 'found' && TERMINAL.includes(answer.body.status)) {
        ends.set(id, answer.body);
        return;
      }
      if (answer.kind === 'refused') {
        report(id, { invariant: 'I5', execution: id, what: answer.what });
        return;
      }
      if (late) {
        const what = answer.kind === 'found' ? JSON.stringify(answer.body) : answer.what;
        report(id, { invariant: 'I1', execution: id, what: `no end: ${what}` });
        return;
      }
      await sleep(50);
    }
  });
  return ends;
}

type Answer =
  | { readonly kind: 'found'; readonly body: ExecutionBody }
  | { readonly kind: 'unavailable' | 'refused'; readonly what: string };

async function ask(server: MillraceServer, id: string): Promise<Answer> {
  try {
    const response = await server.fetch('GET', `/api/ci/executions/${id}`);
    const text = await response.text();
    if (response.ok) return { kind: 'found', body: JSON.parse(text) as ExecutionBody };
    const kind = response.status === 503 || response.status === 429 ? 'unavailable' : 'refused';
    return { kind, what: `${response.status} ${text}` };
  } catch (error) {
    return { kind: 'unavailable', what: String(error) };
  }
}

/** I7: numbers without gap or double, or a word about what is missing right where it is. */
async function logProblems(server: MillraceServer, id: string): Promise<string[]> {
  const response = await server.fetch('GET', `/api/ci/executions/${id}/logs`);
  if (response.status !== 200 || !response.body) {
    return [`log: ${response.status} ${await response.text()}`];
  }
  const problems: string[] = [];
  let last = 0;
  for await (const line of linesOf(response.body)) {
    const { seq, text: printed } = JSON.parse(line) as { seq: number; text: string };
    if (seq <= last) problems.push(`line ${seq} follows line ${last}`);
    else if (seq > last + 1 && !printed.startsWith('{lost}')) {
      problems.push(`lines ${last + 1} to ${seq - 1} are missing, and nothing says so`);
    }
    last = Math.max(last, seq);
  }
  return problems;
}

/**
 * I4: processes by their environment and their folder, workspaces by their name; all of them have
 * 15 s.
 */
async function leftOvers(server: MillraceServer, ids: ReadonlySet<string>): Promise<string[]> {
  const workspaces = join(server.home, 'w');
  const until = performance.now() + LEFT_MS;
  for (;;) {
    const left = [...(await leftFolders(workspaces, ids)), ...(await leftProcesses(server, ids))];
    if (left.length === 0 || performance.now() > until) return left;
    await sleep(100);
  }
}

async function leftFolders(workspaces: string, ids: ReadonlySet<string>): Promise<string[]> {
  const names = await readdir(workspaces).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .filter((name) => ids.has(parseAttemptFolder(name)?.executionId ?? ''))
    .map((name) => `workspace ${name}`);
}

async function leftProcesses(server: MillraceServer, ids: ReadonlySet<string>): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      const marked = /(?:^|\0)CI_EXECUTION_ID=([^\0]*)/.exec(environment)?.[1];
      const folder = await readlink(`/proc/${pid}/cwd`).catch(() => '');
      const workspaces = join(server.home, 'w', '/');
      const owner = folder.startsWith(workspaces)
        ? parseAttemptFolder(folder.slice(workspaces.length).split('/')[0] ?? '')?.executionId
        : undefined;
      if (![marked, owner].some((id) => id !== undefined && ids.has(id))) return [];
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return [`process ${pid} ${command.replaceAll('\0', ' ').slice(0, 200)} in ${folder}`];
    }),
  );
  return found.flat();
}

/** I2: what was over stays as it was. */
async function changedEnds(
  server: MillraceServer,
  ended: ReadonlyMap<string, ExecutionBody>,
): Promise<Breach[]> {
  const breaches: Breach[] = [];
  await each(ended.entries(), async ([id, before]) => {
    const now = JSON.stringify(await server.execution(id));
    if (now === JSON.stringify(before)) return;
    const what = `was ${JSON.stringify(before)} and is ${now}`;
    breaches.push({ invariant: 'I2', execution: id, what });
  });
  return breaches;
}

/** I8, of every process that ever was. */
function processProblems(server: MillraceServer): Breach[] {
  return server.processes.flatMap(({ pid, output }) =>
    output()
      .split('\n')
      .filter((line) => /unhandled|uncaught/i.test(line))
      .map((line): Breach => ({ invariant: 'I8', what: `process ${pid}: ${line}` })),
  );
}

/** A log may be longer than the longest string. */
async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

async function each<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const client = async (): Promise<void> => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}
