import { closeSync, readdirSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { FrameReader } from '../../../common/child-process/frames.js';
import { LauncherFolder } from '../protocol/launcher-folder.js';
import {
  decodeFrames,
  encodeFrame,
  LAUNCHER_LINK_FD,
  type LauncherEvent,
  type LauncherOptions,
  type LauncherRequest,
  MAX_FRAME_BYTES,
} from '../protocol/launcher-protocol.js';
import { readBootId, readStartTicks } from '../../../common/child-process/process-stat.js';
import { watchSilence } from '../../../common/child-process/silence-watch.js';
import { ChildReaper } from './child-reaper.js';
import { FifoMaker } from './fifo-maker.js';
import { LauncherSupervisor } from './launcher-supervisor.js';
import { MarkPool } from './mark-pool.js';

/** As /proc/PID/fdinfo shows it on every Linux; Node has no name for it. */
const O_CLOEXEC = 0o2000000;

/**
 * The launcher's life: hears the worker on descriptor 3 until that pipe ends, then ends every tree
 * and returns. The worker's silence ends the trees too, but not the launcher: a worker that was
 * only stopped gets them told as `lost`.
 *
 * @param endContainers ends the containers of a process, which is told to it while that lives
 */
export async function runLauncher(
  options: LauncherOptions,
  endContainers: (worker: number) => () => Promise<unknown>,
): Promise<void> {
  // The end of the pipe is the only order to leave: a Ctrl-C or a stop of the whole service must
  // let the worker drain.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => undefined);

  closeInheritedDescriptors();
  const folder = LauncherFolder.open(options.folder);
  const startTicks = readStartTicks(process.pid) ?? 0;
  const identity = { pid: process.pid, startTicks, bootId: readBootId() };
  const worker = { pid: process.ppid, startTicks: readStartTicks(process.ppid) ?? 0 };
  const ownFolder = folder.register(identity, worker);
  const fifos = new FifoMaker(ownFolder);
  const link = new Socket({ fd: LAUNCHER_LINK_FD });
  // A worker that was killed breaks the pipe; its 'close' says the same.
  link.on('error', () => undefined);
  const send = (event: LauncherEvent): void => {
    if (link.writable) link.write(encodeFrame(event));
  };
  const { reaper, problem } = await ChildReaper.make();
  const supervisor = new LauncherSupervisor(
    options,
    ownFolder,
    new MarkPool(folder, identity),
    fifos,
    reaper,
    send,
  );
  const endOfContainers = endContainers(worker.pid);
  const endAll = (reason: string) =>
    // What fails of it is found again by the next worker.
    Promise.allSettled([supervisor.endAll(reason), endOfContainers()]);
  const watch = watchSilence(options.silenceLimitMs, () => {
    void endAll(`the worker was silent for ${options.silenceLimitMs} ms`);
  });
  const frames = new FrameReader(MAX_FRAME_BYTES);
  const closed = new Promise((resolve) => link.once('close', resolve));
  link.on('data', (chunk: Buffer) => {
    watch.heard();
    for (const request of decodeFrames<LauncherRequest>(frames, chunk)) supervisor.handle(request);
  });
  send({ event: 'ready', startTicks, fifos: await fifos.make(), problem });
  await closed;
  watch.stop();
  await endAll('the worker is gone');
  folder.forget(identity);
}

/**
 * Node's own descriptors close on exec; what a shell or a supervisor let the worker inherit does
 * not, and would reach every step.
 */
function closeInheritedDescriptors(): void {
  for (const name of readdirSync('/proc/self/fdinfo')) {
    const descriptor = Number(name);
    if (descriptor <= LAUNCHER_LINK_FD) continue;
    const flags = readFlags(`/proc/self/fdinfo/${name}`);
    if (flags !== undefined && (flags & O_CLOEXEC) === 0) closeSync(descriptor);
  }
}

/** Undefined for the descriptor of the listing itself, which is closed by now. */
function readFlags(path: string): number | undefined {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(path, 'latin1'))?.[1];
    return flags === undefined ? undefined : Number.parseInt(flags, 8);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
