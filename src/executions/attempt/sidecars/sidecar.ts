import { within } from '../../../common/async/within.js';
import { lostOutputLine } from '../lost-output.js';
import type { SidecarStart } from '../../../engine/runtime/sidecar-host.js';
import type { StepAddress } from '../../../engine/runtime/step-handler.js';
import type {
  ContainerExit,
  RunningContainer,
} from '../../../integrations/container-runtime/container-runtime.js';
import { pipeToSink } from '../../../logs/write/log-sink.js';
import { exitMeaning } from '../steps/exit-meaning.js';
import type { StepOutput } from '../steps/step-output.js';
import type { EndedSidecar } from '../steps/step-sidecars.js';

/** For its last output, once its container has ended, ms. */
const DRAIN_MS = 2_000;
/** Of its log, where its end is told. */
const LAST_LINES = 10;

/** Where sidecars print. */
export interface SidecarOutput extends StepOutput {
  lastLines(address: StepAddress, count: number): readonly string[];
}

/** A sidecar whose container was started. */
export class Sidecar {
  readonly exit: Promise<ContainerExit>;
  /** In the network of the run; known once it is probed. */
  address: string | undefined;
  isReady = false;
  /** It ended by itself after it was ready. */
  ended: EndedSidecar | undefined;
  private isStopping = false;
  private readonly streams: Promise<unknown>;

  constructor(
    readonly start: SidecarStart,
    readonly container: RunningContainer,
    private readonly output: SidecarOutput,
  ) {
    const { address } = start;
    this.exit = container.exit;
    container.onLost((why) => output.systemLine(address, lostOutputLine(why, 'sidecar')));
    this.streams = Promise.all([
      pipeToSink(container.stdout, output.open(address, 'stdout')),
      pipeToSink(container.stderr, output.open(address, 'stderr')),
    ]).catch((error: unknown) =>
      output.systemLine(address, `its output broke off: ${String(error)}`),
    );
    void this.exit.then((exit) => this.tellEnd(exit));
  }

  /** TERM, and KILL after a time. Resolves when it has ended, or the engine is away. */
  async stop(graceMs: number): Promise<void> {
    this.isStopping = true;
    await this.container.kill(graceMs);
    await this.drained();
  }

  /** Its last lines were handed on, as far as the log takes them in time. */
  private async drained(): Promise<void> {
    await within(DRAIN_MS, this.streams, () => undefined);
  }

  /** To whoever reads the log, at once; steps that fail after it say it as well. */
  private async tellEnd(exit: ContainerExit): Promise<void> {
    if (!this.isReady || this.isStopping) return;
    const { address, plan } = this.start;
    const { name } = plan;
    const how = howEnded(exit);
    const exitCode = exit.kind === 'exited' ? exit.exitCode : undefined;
    const known = { name, how, ...(exitCode !== undefined && { exitCode }) };
    this.ended = { ...known, lastLines: this.output.lastLines(address, LAST_LINES) };
    await this.drained();
    this.ended = { ...known, lastLines: this.output.lastLines(address, LAST_LINES) };
    // Its last lines stand above.
    this.output.systemLine(address, `The sidecar ended by itself after it was ready: ${how}.`);
  }
}

/** In words. */
export function howEnded(exit: ContainerExit): string {
  if (exit.kind !== 'exited') return exit.message;
  const { exitCode, outOfMemory } = exit;
  return `exit code ${exitCode}${outOfMemory ? ', for want of memory' : exitMeaning(exitCode)}`;
}
