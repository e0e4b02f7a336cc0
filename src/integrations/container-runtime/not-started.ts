import { PassThrough } from 'node:stream';
import type { ContainerExit, RunningContainer } from './container-runtime.js';

/** A container whose program never ran; there is none of it any more. */
export function notStarted(message: string): RunningContainer {
  const why = /unable to find (user|group)|no matching entries in passwd/i.test(message)
    ? 'user'
    : /executable file not found|no such file or directory|permission denied/i.test(message)
      ? 'program'
      : 'other';
  const exit: ContainerExit = { kind: 'not_started', why, message };
  return {
    stdout: new PassThrough().end(),
    stderr: new PassThrough().end(),
    exit: Promise.resolve(exit),
    onLost: () => undefined,
    kill: () => Promise.resolve(),
    address: () => Promise.resolve(undefined),
    exec: () => Promise.resolve({ exitCode: undefined, output: message }),
    health: () => Promise.resolve({ status: 'none', output: message }),
  };
}
