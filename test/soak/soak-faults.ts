import { setTimeout as sleep } from 'node:timers/promises';
import type { OwnStores } from '../faults/support/own-stores.js';
import type { MillraceServer, ServerProcess } from '../support/millrace-server.js';
import type { SeededRandom } from '../support/seeded-random.js';

interface Under {
  readonly server: MillraceServer;
  readonly stores: OwnStores;
  readonly random: SeededRandom;
}

type Fault = (under: Under) => Promise<void>;

const faults: Readonly<Record<string, Fault>> = {
  'worker kill -9': async (under) => replaceWorker(under, 'SIGKILL'),
  'worker SIGTERM': async (under) => replaceWorker(under, 'SIGTERM'),
  'worker SIGSTOP': async ({ server, random }) => {
    const worker = random.pick(server.workers);
    worker.child.kill('SIGSTOP');
    await sleep(random.integer(500, 20_000));
    worker.child.kill('SIGCONT');
  },
  'API kill -9': async ({ server }) => {
    await server.api?.end('SIGKILL');
    await server.startApi();
  },
  'Redis kill -9': async ({ stores }) => stores.kill('redis'),
  'Redis FLUSHALL': async ({ stores }) => {
    await stores.redis((redis) => redis.flushall());
  },
  'database kill -9': async ({ stores, random }) =>
    stores.kill(random.pick(stores.databaseServices)),
};

/** Deals one fault after the other until the signal, and leaves everything running. */
export async function dealFaults(
  under: Under,
  everyMs: number,
  signal: AbortSignal,
  told: (fault: string) => void,
): Promise<void> {
  const { random, server } = under;
  for (;;) {
    await sleep(random.integer(everyMs / 2, everyMs * 1.5), undefined, { signal }).catch(
      () => undefined,
    );
    if (signal.aborted) return;
    const [name, fault] = random.pick(Object.entries(faults));
    told(name);
    await fault(under);
    await reviveWorkers(server);
  }
}

async function replaceWorker({ server, random }: Under, signal: NodeJS.Signals): Promise<void> {
  const worker = random.pick(server.workers);
  const ended = worker.end(signal);
  await server.startWorker();
  await ended;
}

/** A worker that was declared lost ends by itself; whoever supervises it starts another. */
export async function reviveWorkers(server: MillraceServer): Promise<void> {
  const isOver = ({ child }: ServerProcess): boolean =>
    child.exitCode !== null || child.signalCode !== null;
  const over = server.workers.filter(isOver);
  for (const worker of over) server.workers.splice(server.workers.indexOf(worker), 1);
  while (server.workers.length < 2) await server.startWorker();
}
