import type Docker from 'dockerode';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { within } from '../../common/async/within.js';
import type { CommandEnd, CommandRequest } from '../../common/values/command-end.js';
import { OutputTail } from '../../common/values/output-tail.js';
import { asked, orGone, saidBy, statusOf } from './docker-errors.js';
import { OutputFrames } from './output-frames.js';

/** By it all processes of one command are known, whatever session they are in. */
const MARK = 'MILLRACE_SERVICE_COMMAND';
/** Kills what has the mark `$0`, until nothing has it: what is killed may have begun more. */
const KILL_MARKED = `for turn in 1 2 3 4 5 6 7 8 9 10; do
found=
for one in /proc/[0-9]*; do
if grep -q "${MARK}=$0" "$one/environ" 2>/dev/null; then
found=1; kill -KILL "\${one#/proc/}" 2>/dev/null
fi
done
[ -n "$found" ] || exit 0
done`;
/** For the engine to see that a command has ended, ms. */
const SEEN_MS = 2_000;
const LOOK_MS = 50;
const KILL_MS = 10_000;

/**
 * Commands in containers. The engine itself ends none: a command that is late is killed inside, by
 * the shell of the image, or from this machine where it has none. Where neither can, no other one
 * is begun in its place before it has ended.
 */
export class DockerCommands {
  /** By container and command: what is late and could not be ended. */
  private readonly left = new Map<string, Docker.Exec>();

  /** As the user of the container. Undefined: it does not run. */
  async run(
    container: Docker.Container,
    { command, limit_ms: limitMs }: CommandRequest,
  ): Promise<CommandEnd | undefined> {
    const words = typeof command === 'string' ? ['/bin/sh', '-c', command] : [...command];
    const key = JSON.stringify([container.id, words]);
    const before = this.left.get(key);
    if (before && (await isRunning(before))) return { kind: 'late', isEnded: false, said: '' };
    this.left.delete(key);
    const found = await orGone(container.inspect());
    if (found?.State.Running !== true) return undefined;
    const mark = randomBytes(16).toString('hex');
    try {
      const exec = await asked(
        container.exec({
          ...{ Cmd: words, Env: [`${MARK}=${mark}`], AttachStdout: true, AttachStderr: true },
        }),
      );
      const said = new OutputTail();
      const end = await followed(exec, said, limitMs);
      if (end === 'late') {
        const isEnded = await this.end(container, exec, mark);
        if (!isEnded) this.left.set(key, exec);
        return { kind: 'late', isEnded, said: said.text };
      }
      const { ExitCode: code } = await asked(exec.inspect());
      return { kind: 'exited', code: code ?? -1, said: said.text };
    } catch (error) {
      // The engine has answered: the program is not there, or the container has just ended.
      if (statusOf(error) === undefined) throw error;
      return { kind: 'not_started', message: saidBy(error) };
    }
  }

  private async end(
    container: Docker.Container,
    exec: Docker.Exec,
    mark: string,
  ): Promise<boolean> {
    await killInside(container, mark);
    if (await hasEnded(exec)) return true;
    killHere(mark);
    return hasEnded(exec);
  }
}

async function followed(
  exec: Docker.Exec,
  said: OutputTail,
  limitMs: number,
): Promise<'ended' | 'late'> {
  const stream = await asked(exec.start({ hijack: true, stdin: false }));
  const frames = new OutputFrames();
  for (const one of [frames.stdout, frames.stderr]) {
    one.on('data', (chunk: Buffer) => said.add(chunk));
  }
  const over = frames.follow(stream).then(() => 'ended' as const);
  const end = await within(limitMs, over, () => 'late' as const);
  stream.destroy();
  return end === 'ended' && (await hasEnded(exec)) ? 'ended' : 'late';
}

/** An image without a shell, or without `grep`, cannot: `hasEnded` sees that. */
async function killInside(container: Docker.Container, mark: string): Promise<void> {
  const command = ['/bin/sh', '-c', KILL_MARKED, mark];
  const exec = await orGone(
    container.exec({ Cmd: command, AttachStdout: true, AttachStderr: true }),
    KILL_MS,
  );
  if (exec === undefined) return;
  try {
    await followed(exec, new OutputTail(), KILL_MS);
  } catch (error) {
    if (statusOf(error) === undefined) throw error;
  }
}

/** Where this process is root, and the engine runs on this machine, its processes are seen here. */
function killHere(mark: string): void {
  const wanted = `${MARK}=${mark}`;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      if (environment.includes(wanted)) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It is somebody else's, or has ended meanwhile.
    }
  }
}

async function hasEnded(exec: Docker.Exec): Promise<boolean> {
  const deadline = performance.now() + SEEN_MS;
  while (await isRunning(exec)) {
    if (performance.now() >= deadline) return false;
    await delay(LOOK_MS);
  }
  return true;
}

async function isRunning(exec: Docker.Exec): Promise<boolean> {
  return (await orGone(exec.inspect()))?.Running === true;
}
