import { Socket } from 'node:net';
import { readEnvironment } from '../config/environment.js';

/** Names the descriptor of the pipe to the supervisor; only `./millrace start` sets it. */
export const SUPERVISOR_DESCRIPTOR = 'MILLRACE_SUPERVISOR_FD';

/** What a server process tells its supervisor, once, when it serves. */
export const READY_LINE = 'ready\n';
/** What it tells from its start on, each second: its event loop turns. */
const BEAT_LINE = 'beat\n';
const BEAT_MS = 1_000;

/** The way to the `./millrace start` that started this process. */
export interface SupervisorLink {
  ready(): void;
}

/**
 * Opens the pipe to the supervisor, if there is one, and calls `onLost` when the pipe ends: the
 * supervisor is gone, by `kill -9` too, and nobody would ever stop this process.
 */
export function linkToSupervisor(onLost: () => void): SupervisorLink {
  const descriptor = readEnvironment()[SUPERVISOR_DESCRIPTOR];
  if (descriptor === undefined) return { ready: () => undefined };
  const pipe = new Socket({ fd: Number(descriptor), readable: true, writable: true });
  pipe.on('error', () => undefined); // Its end follows, and says all.
  pipe.once('close', onLost);
  pipe.resume();
  pipe.unref();
  const beat = (): void => {
    // A supervisor that does not read needs no second one.
    if (pipe.writableLength === 0) pipe.write(BEAT_LINE);
  };
  beat();
  setInterval(beat, BEAT_MS).unref();
  return { ready: () => void pipe.write(READY_LINE) };
}
