import type Docker from 'dockerode';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { within } from '../../common/async/within.js';
import { failPoint } from '../../common/fail-point.js';
import type {
  ContainerExit,
  ExecResult,
  HealthFacts,
  RunningContainer,
} from './container-runtime.js';
import { asked, orGone, saidBy, statusOf } from './docker-errors.js';
import { OutputTail } from './output-tail.js';
import { OutputFrames } from './output-frames.js';

/** Between two questions to an engine that went away, ms. */
const ASK_AGAIN_MS = 500;
/** For the output to end once the container has, ms. */
const DRAIN_MS = 2_000;
/** Exit codes of a container that its engine ended when that itself was ended or began again. */
const ENDED_BY_ENGINE: ReadonlySet<number> = new Set([137, 143, 255]);
/** All processes of a container but its first one, in the words of any shell. */
const TERM_ALL = ['/bin/sh', '-c', 'kill -TERM -1'];

/** A container on a Docker Engine, from its start until it is removed. */
export class DockerContainer implements RunningContainer {
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exit: Promise<ContainerExit>;
  private readonly frames = new OutputFrames();
  private readonly listeners: (() => void)[] = [];
  private killing: Promise<void> | undefined;
  private wasLost = false;

  /** @param output connection that was attached before the start */
  constructor(
    private readonly container: Docker.Container,
    private readonly user: string | undefined,
    output: Readable,
    ended: Promise<unknown>,
    private readonly onEnd: () => void,
  ) {
    this.stdout = this.frames.stdout;
    this.stderr = this.frames.stderr;
    this.exit = this.follow(output, ended);
  }

  onLost(listener: () => void): void {
    this.listeners.push(listener);
  }

  kill(graceMs: number): Promise<void> {
    this.killing ??= this.end(graceMs);
    return this.killing;
  }

  async address(): Promise<string | undefined> {
    const found = await orGone(this.container.inspect());
    if (found?.State.Running !== true) return undefined;
    const addresses = Object.values(found.NetworkSettings.Networks).map((one) => one.IPAddress);
    return addresses.find((address) => address !== '');
  }

  async exec(command: readonly string[], limitMs: number): Promise<ExecResult> {
    try {
      const options = { Cmd: [...command], AttachStdout: true, AttachStderr: true };
      const exec = await asked(this.container.exec(options));
      const stream = await asked(exec.start({ hijack: true, stdin: false }));
      const said = new OutputTail();
      const frames = new OutputFrames();
      for (const one of [frames.stdout, frames.stderr]) {
        one.on('data', (chunk: Buffer) => said.add(chunk));
      }
      const end = await within(limitMs, frames.follow(stream), () => 'late' as const);
      stream.destroy();
      if (end === 'late') {
        const why = `it did not end within ${limitMs} ms`;
        return { exitCode: undefined, output: [said.text, why].join('\n').trim() };
      }
      const { ExitCode: exitCode } = await asked(exec.inspect());
      return { exitCode: exitCode ?? undefined, output: said.text };
    } catch (error) {
      if (statusOf(error) === undefined) throw error;
      return { exitCode: undefined, output: saidBy(error) };
    }
  }

  async health(): Promise<HealthFacts> {
    const found = await orGone(this.container.inspect());
    const { Status: status, Log: log } = found?.State.Health ?? {};
    const output = log?.at(-1)?.Output ?? '';
    const isKnown = status === 'starting' || status === 'healthy' || status === 'unhealthy';
    return { status: isKnown ? status : 'none', output };
  }

  private async follow(output: Readable, ended: Promise<unknown>): Promise<ContainerExit> {
    try {
      await this.untilEnded(output, ended);
      return await this.result();
    } catch (error) {
      return { kind: 'lost', message: saidBy(error) };
    } finally {
      this.frames.end();
      this.onEnd();
    }
  }

  /** An engine that goes away meanwhile is asked until it is back. */
  private async untilEnded(
    output: Readable,
    ended: Promise<unknown>,
    streams: Promise<unknown> = this.frames.follow(output),
  ): Promise<void> {
    try {
      await Promise.race([ended, streams.then(() => this.afterOutput(ended))]);
      await Promise.race([streams, delay(DRAIN_MS, undefined, { ref: false })]);
      output.destroy();
      return;
    } catch (error) {
      if (statusOf(error) !== undefined) throw error;
    }
    output.destroy();
    this.becomeLost();
    await this.whenBack();
  }

  /**
   * The output has ended. The container has too, or its programs have closed it, or the connection
   * was cut: of that the client tells nobody who waits in the middle of an answer. Another
   * connection to an output that is closed ends at once; one that stays is followed.
   */
  private async afterOutput(ended: Promise<unknown>): Promise<void> {
    const answer = ended.then(() => true);
    answer.catch(() => undefined);
    for (let isFirst = true; ; isFirst = false) {
      if (await Promise.race([answer, delay(ASK_AGAIN_MS, false, { ref: false })])) return;
      const { State: state } = await this.container.inspect();
      if (state.Running) {
        if (isFirst && (await this.followAgain())) return;
        continue;
      }
      this.becomeLost();
      return;
    }
  }

  /** Whether there was more to follow; then the container has ended. */
  private async followAgain(): Promise<boolean> {
    const output = await orGone(attach(this.container));
    if (output === undefined) return false;
    const streams = this.frames.follow(output);
    const open = delay(ASK_AGAIN_MS, true, { ref: false });
    if (await Promise.race([streams.then(() => false), open])) {
      this.becomeLost();
      await this.untilEnded(output, this.container.wait({ condition: 'not-running' }), streams);
      return true;
    }
    output.destroy();
    return false;
  }

  private becomeLost(): void {
    this.wasLost = true;
    for (const listener of this.listeners) listener();
  }

  /** The engine is there again: the container has ended, or its output is followed again. */
  private async whenBack(): Promise<void> {
    for (;;) {
      try {
        const { State: state } = await this.container.inspect();
        if (!state.Running) return;
        const output = await attach(this.container);
        return await this.untilEnded(output, this.container.wait({ condition: 'not-running' }));
      } catch (error) {
        if (statusOf(error) !== undefined) throw error;
        await delay(ASK_AGAIN_MS);
      }
    }
  }

  private async result(): Promise<ContainerExit> {
    const { State: state } = await this.container.inspect();
    const { ExitCode: exitCode, OOMKilled: outOfMemory } = state;
    if (this.wasLost && this.killing === undefined && ENDED_BY_ENGINE.has(exitCode)) {
      return { kind: 'lost', message: 'the container engine was ended, and the container with it' };
    }
    return { kind: 'exited', exitCode, outOfMemory };
  }

  private async end(graceMs: number): Promise<void> {
    const stop = new AbortController();
    const over = this.exit.then(() => stop.abort());
    try {
      await this.terminate();
      await delay(graceMs, undefined, { signal: stop.signal }).catch(() => undefined);
      if (!stop.signal.aborted) await orGone(this.container.kill({ signal: 'SIGKILL' }));
    } catch {
      // The engine is away: nothing can be ended until it is back, and then `sweep` does.
      return;
    }
    await over;
  }

  private async terminate(): Promise<void> {
    try {
      const exec = await this.container.exec({
        Cmd: TERM_ALL,
        ...(this.user !== undefined && { User: this.user }),
      });
      // An answer that is not read keeps its connection, and this process.
      (await exec.start({ Detach: true })).resume();
    } catch (error) {
      if (statusOf(error) === undefined) throw error;
      // An image without a shell: its first process hands the signal on to what it began.
      await orGone(this.container.kill({ signal: 'SIGTERM' }));
    }
  }
}

/** Its output from now on. */
async function attach(container: Docker.Container): Promise<Readable> {
  return (await container.attach({
    stream: true,
    stdout: true,
    stderr: true,
    hijack: true,
  })) as unknown as Readable;
}

/**
 * Makes and starts a container.
 *
 * @param remove called once it has ended, or could not be started
 */
export async function startContainer(
  docker: Docker,
  options: Docker.ContainerCreateOptions,
  remove: (container: Docker.Container) => void,
): Promise<DockerContainer> {
  const container = await asked(docker.createContainer(options));
  try {
    failPoint('container_made');
    const output = await asked(attach(container));
    // Begun before the start, so that no end is missed, however short the container's life.
    const ended = container.wait({ condition: 'next-exit' });
    ended.catch(() => undefined);
    await asked(container.start());
    return new DockerContainer(container, options.User, output, ended, () => remove(container));
  } catch (error) {
    remove(container);
    throw error;
  }
}
