import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { readStartTicks } from '../../../common/child-process/process-stat.js';
import type { CommandEnd } from '../../../common/values/command-end.js';
import { OutputTail } from '../../../common/values/output-tail.js';
import type { ServiceUser } from '../../../embedded/system/service-user.js';
import { type CheckedSpec, COMMAND_VARIABLE, SERVICE_VARIABLE } from '../service-spec.js';
import { endOf, environmentOf, spawnAs } from './service-process.js';
import { endService } from './service-tree.js';

/** For what was said to be read, once nobody is left who could say more, ms. */
const READ_MS = 1_000;
const AT_ONCE = { signal: 'SIGTERM', grace_ms: 0 } as const;

export interface ServiceCommand {
  readonly spec: CheckedSpec;
  readonly command: CheckedSpec['command'];
  /** Of the service: who ends that ends this, too. */
  readonly mark: string;
  readonly home: string;
  readonly user: ServiceUser | undefined;
  readonly limitMs: number;
  /** Ends it before its time. */
  readonly giveUp: AbortSignal;
}

/**
 * Runs a command as a service runs, to its end or its limit; none of its processes is left then.
 *
 * @throws ProcessRunnerError `processes_survived`
 */
export async function runCommand(given: ServiceCommand): Promise<CommandEnd> {
  const { spec, command, mark, home, user, limitMs, giveUp } = given;
  const own = randomBytes(16).toString('hex');
  const environment = environmentOf(spec, home, [
    [SERVICE_VARIABLE, mark],
    [COMMAND_VARIABLE, own],
  ]);
  const child = spawnAs({ spec, command, user, environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = new OutputTail();
  for (const output of [child.stdout, child.stderr]) {
    output?.on('data', (chunk: Buffer) => said.add(chunk));
  }
  const closed = once(child, 'close').catch(() => undefined);
  const startTicks = child.pid === undefined ? undefined : readStartTicks(child.pid);
  const ended = endOf(child);
  const end = await before(ended, limitMs, giveUp);
  await endService(
    {
      ...{ mark: own, variable: COMMAND_VARIABLE, uid: user?.uid ?? process.getuid?.() ?? 0 },
      ...(child.pid !== undefined &&
        startTicks !== undefined && { leader: { pid: child.pid, startTicks } }),
    },
    AT_ONCE,
  );
  await Promise.race([closed, delay(READ_MS, undefined, { ref: false })]);
  for (const output of [child.stdout, child.stderr]) output?.destroy();
  const { text } = said;
  if (end === undefined) return { kind: 'late', isEnded: true, said: text };
  switch (end.kind) {
    case 'exited':
      return { kind: 'exited', code: end.code, said: text };
    case 'signalled':
      return { kind: 'signalled', signal: end.signal, said: text };
    case 'not_started':
      return { kind: 'not_started', message: end.message };
    case 'unknown':
      return { kind: 'signalled', signal: 'unknown', said: text };
  }
}

/** Undefined: it has not come by then. */
async function before<T>(
  what: Promise<T>,
  ms: number,
  giveUp: AbortSignal,
): Promise<T | undefined> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, giveUp]);
  const late = delay(ms, undefined, { signal }).catch(() => undefined);
  try {
    return await Promise.race([what, late]);
  } finally {
    over.abort();
  }
}
