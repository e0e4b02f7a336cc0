import type Docker from 'dockerode';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { within } from '../../common/async/within.js';
import { failPoint } from '../../common/fail-point.js';
import type {
  ContainerExit,
  ExecResult,
  HealthFacts,
  LostOutput,
  RunningContainer,
} from './container-runtime.js';
import { asked, orGone, saidBy, statusOf } from './docker-errors.js';
import { endContainer } from './docker-kill.js';
import { OutputTail } from '../../common/values/output-tail.js';
import { OutputFrames } from './output-frames.js';

export interface FollowTimes {
  /** Between two questions to an engine that went away, ms. */
  readonly askAgainMs: number;
  /** For more of the output to come once the container has ended, ms. */
  readonly drainMs: number;
}

const TIMES: FollowTimes = { askAgainMs: 500, drainMs: 2_000 };
/** How often is looked whether more has come, in this time. */
const DRAIN_LOOKS = 20;
/** `pingEngine` of a container's engine. */
export type Ping = () => Promise<string>;

/** Exit codes of a container that its engine ended when that itself was ended or began again. */
const ENDED_BY_ENGINE: ReadonlySet<number> = new Set([137, 143, 255]);
/** A connection that the output comes by, and its end. */
interface OpenOutput {
  readonly output: Readable;
  readonly over: Promise<true>;
}

/** A container on a Docker Engine, from its start until it is removed. */
export class DockerContainer implements RunningContainer {
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exit: Promise<ContainerExit>;
  private readonly frames = new OutputFrames();
  private readonly listeners: ((why: LostOutput) => void)[] = [];
  private killing: Promise<void> | undefined;
  private wasLost = false;
  /** Of the engine at the start of the container; undefined: it did not answer. */
  private readonly stamp: Promise<string | undefined>;
  /** By which the output comes, or came. */
  private open: OpenOutput;

  /** @param output connection that was attached before the start */
  constructor(
    private readonly container: Docker.Container,
    private readonly user: string | undefined,
    output: Readable,
    ended: Promise<unknown>,
    private readonly onEnd: () => void,
    private readonly ping: Ping,
    private readonly times = TIMES,
  ) {
    this.stdout = this.frames.stdout;
    this.stderr = this.frames.stderr;
    this.open = this.read(output);
    this.stamp = this.ask();
    this.exit = this.follow(ended);
  }

  onLost(listener: (why: LostOutput) => void): void {
    this.listeners.push(listener);
  }

  kill(graceMs: number): Promise<void> {
    this.killing ??= endContainer(this.container, this.user, graceMs, this.exit);
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

  /** How it ended is told at once; what is left of its output comes as fast as it is read. */
  private async follow(ended: Promise<unknown>): Promise<ContainerExit> {
    try {
      await this.untilEnded(ended);
      return await this.result();
    } catch (error) {
      return { kind: 'lost', message: saidBy(error) };
    } finally {
      void this.drain().then(() => {
        this.frames.end();
        this.onEnd();
      });
    }
  }

  private read(output: Readable): OpenOutput {
    this.open = { output, over: this.frames.follow(output).then(() => true as const) };
    return this.open;
  }

  /** An engine that goes away meanwhile is asked until it is back. */
  private async untilEnded(ended: Promise<unknown>): Promise<void> {
    try {
      await Promise.race([ended, this.open.over.then(() => this.afterOutput(ended))]);
      return;
    } catch (error) {
      if (statusOf(error) !== undefined) throw error;
    }
    this.open.output.destroy();
    this.becomeLost();
    await this.whenBack();
  }

  /**
   * Reads on for as long as more comes. While what came is not read, nothing can come: that is no
   * reason to give up.
   */
  private async drain(): Promise<void> {
    const { output, over } = this.open;
    let taken: number | undefined;
    for (let looks = 0; looks < DRAIN_LOOKS; looks += 1) {
      if (await this.orSoon(over, this.times.drainMs / DRAIN_LOOKS)) return void output.destroy();
      if (this.frames.isHeldUp || this.frames.taken !== taken) looks = 0;
      ({ taken } = this.frames);
    }
    output.destroy();
    this.tellLost('cut');
  }

  /**
   * The output has ended. The container has too, or its programs have closed it, or the connection
   * was cut: of that the client tells nobody who waits in the middle of an answer. Another
   * connection to an output that is closed ends at once; one that stays is followed.
   */
  private async afterOutput(ended: Promise<unknown>): Promise<void> {
    const answer = ended.then(() => true as const);
    answer.catch(() => undefined);
    for (let isFirst = true; ; isFirst = false) {
      if (await this.orSoon(answer)) return;
      const { State: state } = await this.container.inspect();
      if (state.Running) {
        if (!isFirst || !(await this.hasMore())) continue;
        this.becomeLost();
        return this.untilEnded(this.container.wait({ condition: 'not-running' }));
      }
      // It may have ended after the last question: then the answer is on its way.
      if (!(await this.orSoon(answer))) this.becomeLost();
      return;
    }
  }

  /** Whether another connection stays open, which is followed then. */
  private async hasMore(): Promise<boolean> {
    const output = await orGone(attach(this.container));
    if (output === undefined) return false;
    if (!(await this.orSoon(this.read(output).over))) return true;
    output.destroy();
    return false;
  }

  /** False: it has not come by then. */
  private orSoon(what: Promise<true>, ms = this.times.askAgainMs): Promise<boolean> {
    return Promise.race([what, delay(ms, false, { ref: false })]);
  }

  private becomeLost(): void {
    this.wasLost = true;
    this.tellLost('away');
  }

  private tellLost(why: LostOutput): void {
    for (const listener of this.listeners) listener(why);
  }

  /** The engine is there again: the container has ended, or its output is followed again. */
  private async whenBack(): Promise<void> {
    for (;;) {
      try {
        const { State: state } = await this.container.inspect();
        if (!state.Running) return;
        this.read(await attach(this.container));
        return await this.untilEnded(this.container.wait({ condition: 'not-running' }));
      } catch (error) {
        if (statusOf(error) !== undefined) throw error;
        await delay(this.times.askAgainMs);
      }
    }
  }

  private async result(): Promise<ContainerExit> {
    const { State: state } = await this.container.inspect();
    const { ExitCode: exitCode, OOMKilled: outOfMemory } = state;
    if (exitCode !== 0 && this.killing === undefined && (await this.wasEndedByEngine(exitCode))) {
      return { kind: 'lost', message: 'the container engine was ended, and the container with it' };
    }
    return { kind: 'exited', exitCode, outOfMemory };
  }

  /**
   * An engine that is ended in order listens no more, and then ends its containers, whose programs
   * may exit with any code at its TERM: what it still answers comes by connections that were open.
   * One that listens again may have been ended so meanwhile; or its containers have outlived it,
   * and only the codes of signals tell of that.
   */
  private async wasEndedByEngine(exitCode: number): Promise<boolean> {
    const stamp = await this.ask();
    if (stamp === undefined) return true;
    if (!ENDED_BY_ENGINE.has(exitCode)) return false;
    return this.wasLost || stamp !== ((await this.stamp) ?? stamp);
  }

  private ask(): Promise<string | undefined> {
    return this.ping().catch(() => undefined);
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
 * @param ping asks the same engine
 */
export async function startContainer(
  docker: Docker,
  options: Docker.ContainerCreateOptions,
  remove: (container: Docker.Container) => void,
  ping: Ping,
): Promise<DockerContainer> {
  const container = await asked(docker.createContainer(options));
  try {
    failPoint('container_made');
    const output = await asked(attach(container));
    // Begun before the start, so that no end is missed, however short the container's life.
    const ended = container.wait({ condition: 'next-exit' });
    ended.catch(() => undefined);
    await asked(container.start());
    const onEnd = (): void => remove(container);
    return new DockerContainer(container, options.User, output, ended, onEnd, ping);
  } catch (error) {
    remove(container);
    throw error;
  }
}
