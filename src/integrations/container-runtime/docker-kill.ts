import type Docker from 'dockerode';
import { setTimeout as delay } from 'node:timers/promises';
import { asked, orGone, statusOf } from './docker-errors.js';

/** For the engine to take a KILL, and between two tries of it, ms. */
const KILL_MS = 10_000;
const AGAIN_MS = 500;
/** All processes of a container but its first one, in the words of any shell. */
const TERM_ALL = ['/bin/sh', '-c', 'kill -TERM -1'];

/**
 * TERM to the processes of a container, KILL after the grace, whatever became of TERM. Resolves
 * when it has ended; or when the engine does not take the KILL, which is sent again then until the
 * container has ended.
 *
 * @param user whose processes they are, as the engine was told
 * @param ended resolves when the container has ended
 */
export async function endContainer(
  container: Docker.Container,
  user: string | undefined,
  graceMs: number,
  ended: Promise<unknown>,
): Promise<void> {
  const stop = new AbortController();
  const over = ended.then(() => stop.abort());
  // An engine that is away, or does not answer, does not keep KILL from being sent.
  terminate(container, user, graceMs).catch(() => undefined);
  await delay(graceMs, undefined, { signal: stop.signal }).catch(() => undefined);
  if (!stop.signal.aborted && !(await isKilled(container))) {
    void killAgain(container, stop.signal);
    return;
  }
  await over;
}

async function terminate(
  container: Docker.Container,
  user: string | undefined,
  limitMs: number,
): Promise<void> {
  try {
    const exec = await asked(
      container.exec({ Cmd: TERM_ALL, ...(user !== undefined && { User: user }) }),
      limitMs,
    );
    // An answer that is not read keeps its connection, and this process.
    (await asked(exec.start({ Detach: true }), limitMs)).resume();
  } catch (error) {
    if (statusOf(error) === undefined) throw error;
    // An image without a shell: its first process hands the signal on to what it began.
    await orGone(container.kill({ signal: 'SIGTERM' }), limitMs);
  }
}

/** False: the engine is away, or could not. */
async function isKilled(container: Docker.Container): Promise<boolean> {
  return orGone(container.kill({ signal: 'SIGKILL' }), KILL_MS).then(
    () => true,
    () => false,
  );
}

async function killAgain(container: Docker.Container, over: AbortSignal): Promise<void> {
  do await delay(AGAIN_MS);
  while (!over.aborted && !(await isKilled(container)));
}
