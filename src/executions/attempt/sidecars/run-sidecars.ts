import { failPoint } from '../../../common/fail-point.js';
import { cutText } from '../../../common/values/cut-text.js';
import { nameRecord, type NameRecord } from '../../../common/values/name-record.js';
import type { StepAction } from '../../../engine/plan/plan.js';
import type { Reason } from '../../../engine/plan/run-state.js';
import {
  DEFAULT_READY,
  type SidecarPlan,
  sidecarVariable,
} from '../../../engine/plan/sidecar-plan.js';
import { duration } from '../../../engine/runtime/reasons.js';
import type { Clock } from '../../../engine/runtime/run-ports.js';
import {
  SidecarHost,
  type SidecarsStarted,
  type SidecarStart,
} from '../../../engine/runtime/sidecar-host.js';
import type { StepAddress } from '../../../engine/runtime/step-handler.js';
import {
  DEFAULT_PIDS,
  DEFAULT_SHM_BYTES,
} from '../../../engine/steps/container/container-action.js';
import { kindOf } from '../../../engine/steps/step-kind-registry.js';
import {
  type ContainerExit,
  type ContainerRuntime,
  EngineAwayError,
  type LocalImage,
} from '../../../integrations/container-runtime/container-runtime.js';
import { type AwaitedNetwork, awaitNetwork } from '../await-network.js';
import { exitMeaning } from '../steps/exit-meaning.js';
import type { RunImages } from '../steps/run-images.js';
import type { EndedSidecar, StepSidecars } from '../steps/step-sidecars.js';
import type { Dial } from './dial.js';
import { type ProbeResult, timer, untilReady } from './readiness.js';
import { howEnded, Sidecar, type SidecarOutput } from './sidecar.js';

/** From TERM to KILL, for all that stop together, ms. */
const KILL_GRACE_MS = 8_000;
/** For a probe that is a program, ms: some begin slowly. */
const EXEC_LIMIT_MS = 30_000;
/** Characters of what a probe said. */
const MAX_SAID = 500;
/** Probes in a row. postgres answers once before it starts itself again. */
const PROBES_NEEDED = 3;
/** Where nothing is probed: it ran at both ends of a second. */
const LOOKS_NEEDED = 2;

export interface SidecarTools {
  readonly runtime: ContainerRuntime;
  readonly images: Pick<RunImages, 'find'>;
  /** Name of the group of the execution attempt, by which what it leaves is found. */
  readonly group: string;
  readonly output: SidecarOutput;
  readonly clock: Clock;
  readonly mask: (text: string) => string;
  readonly dial: Dial;
}

type Failed = Extract<SidecarsStarted, { kind: 'failed' }>;
type OneStarted = { readonly kind: 'ready' } | { readonly kind: 'aborted' } | Failed;

/** The sidecars of one run, in a network of its own. */
export class RunSidecars extends SidecarHost implements StepSidecars {
  /** In the order of their starts. */
  private readonly running: Sidecar[] = [];
  private network: string | undefined;

  constructor(private readonly tools: SidecarTools) {
    super();
  }

  async start(sidecars: readonly SidecarStart[], signal: AbortSignal): Promise<SidecarsStarted> {
    const failing = new AbortController();
    const either = AbortSignal.any([signal, failing.signal]);
    const starts = new Map<string, Promise<void>>();
    let failure: Failed | undefined;
    const begin = async (one: SidecarStart): Promise<void> => {
      await Promise.all(one.plan.needs.flatMap((name) => starts.get(name) ?? []));
      // Where one that it needs is not ready, that one's failure was the abort.
      if (either.aborted) return;
      const end = await this.startOne(one, either);
      if (end.kind === 'failed') {
        failure ??= end;
        failing.abort();
      }
    };
    for (const one of sidecars) starts.set(one.plan.name, begin(one));
    await Promise.all(starts.values());
    return failure ?? { kind: signal.aborted ? 'aborted' : 'ready' };
  }

  stop(stage: string): Promise<void> {
    return this.stopThese(this.running.filter(({ start }) => start.address.stage === stage));
  }

  stopAll(): Promise<void> {
    return this.stopThese([...this.running]);
  }

  networkOf(stage: string): string | undefined {
    return this.beside(stage).length > 0 ? this.network : undefined;
  }

  endedBeside(stage: string): readonly EndedSidecar[] {
    return this.beside(stage).flatMap(({ ended }) => ended ?? []);
  }

  /**
   * `CI_SIDECAR_<NAME>_HOST` and `_PORT` of a try: the name where it runs in a container, which has
   * the name from the network, else the address.
   */
  variables(address: StepAddress | undefined, action?: StepAction): NameRecord<string> {
    if (address === undefined) return nameRecord([]);
    const isInNetwork = action !== undefined && kindOf(action).runsIn === 'image';
    return nameRecord(
      this.beside(address.stage).flatMap((sidecar): (readonly [string, string])[] => {
        const { name, ports } = sidecar.start.plan;
        const [port] = ports;
        const host = isInNetwork ? name : sidecar.address;
        return [
          ...(host === undefined ? [] : [[sidecarVariable(name, 'HOST'), host] as const]),
          ...(port === undefined ? [] : [[sidecarVariable(name, 'PORT'), String(port)] as const]),
        ];
      }),
    );
  }

  /** Those that steps of a stage can reach. */
  private beside(stage: string): readonly Sidecar[] {
    return this.running.filter(({ isReady, start }) => {
      const { stage: own } = start.address;
      return isReady && (own === '' || own === stage);
    });
  }

  private async stopThese(sidecars: readonly Sidecar[]): Promise<void> {
    const { clock } = this.tools;
    const until = clock.now() + KILL_GRACE_MS;
    for (const sidecar of [...sidecars].reverse()) {
      await sidecar.stop(Math.max(0, until - clock.now()));
      const index = this.running.indexOf(sidecar);
      if (index >= 0) this.running.splice(index, 1);
    }
  }

  private async startOne(start: SidecarStart, signal: AbortSignal): Promise<OneStarted> {
    try {
      return await this.launch(start, signal);
    } catch (error) {
      if (signal.aborted && error === signal.reason) return { kind: 'aborted' };
      if (!(error instanceof EngineAwayError)) throw error;
      return this.failed(start, { code: error.code, message: error.message });
    }
  }

  private async launch(start: SidecarStart, signal: AbortSignal): Promise<OneStarted> {
    const { images, runtime, output } = this.tools;
    const { plan, address } = start;
    const tell = (line: string): void => output.systemLine(address, line);
    const found = await images.find(plan, tell, signal);
    if (found.kind === 'refused') {
      return this.failed(start, { ...found.refusal, data: { image: plan.image } });
    }
    const unfit = await this.whyUnfit(plan, found.image);
    if (unfit) return this.failed(start, unfit);
    const network = await this.openNetwork(tell, signal);
    if (network.kind === 'refused') {
      return this.failed(start, { code: 'container_not_started', message: network.message });
    }
    failPoint('network_made');
    signal.throwIfAborted();
    const { cpus, memory, pids = DEFAULT_PIDS, shmSize = DEFAULT_SHM_BYTES } = plan;
    const container = await runtime.start({
      group: this.tools.group,
      imageId: found.image.id,
      ...{ entrypoint: plan.entrypoint, command: plan.command, user: plan.user },
      environment: start.environment,
      ...{ groups: [], mounts: [], limits: { cpus, memory, pids, shmSize } },
      network: { name: network.name, hostName: plan.name },
      isService: true,
    });
    const sidecar = new Sidecar(start, container, output);
    this.running.push(sidecar);
    failPoint('sidecar_started');
    return this.awaitReady(sidecar, signal);
  }

  private async whyUnfit(
    { image, user, command, entrypoint }: SidecarPlan,
    found: LocalImage,
  ): Promise<Reason | undefined> {
    if (!found.hasProgram && !command && !entrypoint) {
      const message = `${image} says nothing that it runs: add command:`;
      return { code: 'program_missing', message };
    }
    const named = user ?? found.user;
    if ((await this.tools.runtime.userOf(found.id, named)) !== undefined) return undefined;
    return { code: 'user_missing', message: `${image} has no user ${named}` };
  }

  private async openNetwork(
    tell: (line: string) => void,
    signal: AbortSignal,
  ): Promise<AwaitedNetwork> {
    const { runtime, group, clock } = this.tools;
    const aborted = whenAborted(signal);
    const pause = async (ms: number): Promise<void> => {
      const waiting = timer(clock, ms, undefined);
      await Promise.race([waiting.ends, aborted]);
      waiting.cancel();
    };
    const opened = await awaitNetwork(() => runtime.openNetwork(group), tell, pause, signal);
    if (opened.kind === 'network') this.network = opened.name;
    return opened;
  }

  private async awaitReady(sidecar: Sidecar, signal: AbortSignal): Promise<OneStarted> {
    const { clock, output } = this.tools;
    const { plan, address } = sidecar.start;
    const { ready } = plan;
    const begun = clock.now();
    const isProbed = ready !== undefined || plan.ports.length > 0;
    const { timeoutMs } = ready ?? DEFAULT_READY;
    const end = await untilReady({
      probe: () => this.probe(sidecar),
      needed: isProbed ? PROBES_NEEDED : LOOKS_NEEDED,
      intervalMs: (ready ?? DEFAULT_READY).intervalMs,
      ...{ timeoutMs, clock },
      over: Promise.race([sidecar.exit, whenAborted(signal)]).then(() => 'over' as const),
    });
    if (end.kind === 'ready') {
      sidecar.isReady = true;
      output.systemLine(address, `ready after ${duration(clock.now() - begun)}`);
      return { kind: 'ready' };
    }
    if (signal.aborted) return { kind: 'aborted' };
    const said = cutText(this.tools.mask(end.said), MAX_SAID);
    const told = said === '' ? '' : `; its last probe said: ${said}`;
    if (end.kind === 'late') {
      const message = `not ready within ${duration(timeoutMs)}${told}`;
      const data = { limit_ms: timeoutMs, probe: said };
      const failed = this.failed(sidecar.start, { code: 'sidecar_not_ready', message, data });
      await sidecar.stop(KILL_GRACE_MS);
      return failed;
    }
    const exit = await sidecar.exit;
    await sidecar.stop(0);
    return this.failedBy(sidecar.start, exit, told, said);
  }

  private failedBy(start: SidecarStart, exit: ContainerExit, told: string, said: string): Failed {
    switch (exit.kind) {
      case 'exited': {
        const message = `ended before it was ready: ${howEnded(exit)}${told}`;
        const { exitCode } = exit;
        const data = { probe: said, exit_code: exitCode };
        const why = { code: 'sidecar_not_ready', message, data };
        return { ...this.failed(start, why), exitCode };
      }
      case 'lost':
        return this.failed(start, { code: 'container_lost', message: exit.message });
      case 'not_started': {
        const codes = { program: 'program_missing', user: 'user_missing' } as const;
        const code = exit.why === 'other' ? 'container_not_started' : codes[exit.why];
        return this.failed(start, { code, message: exit.message });
      }
    }
  }

  /** Tells it in the log of the sidecar. */
  private failed({ address, plan }: SidecarStart, why: Reason): Failed {
    const { name } = plan;
    const message = `sidecar "${name}": ${why.message}`;
    this.tools.output.systemLine(address, message);
    return {
      kind: 'failed',
      address,
      reason: { code: why.code, message, data: { ...why.data, sidecar: name } },
    };
  }

  private async probe(sidecar: Sidecar): Promise<ProbeResult> {
    try {
      return await this.probeOnce(sidecar);
    } catch (error) {
      if (!(error instanceof EngineAwayError)) throw error;
      return { passed: false, said: error.message };
    }
  }

  /** First what is asked for, then a connection to each port, as steps would make it. */
  private async probeOnce(sidecar: Sidecar): Promise<ProbeResult> {
    sidecar.address ??= await sidecar.container.address();
    const { address } = sidecar;
    // It has just ended, which is told by itself.
    if (address === undefined) return { passed: false, said: '' };
    const { ports } = sidecar.start.plan;
    const result = await this.askedFor(sidecar, address);
    if (!result.passed) return result;
    for (const port of ports) {
      const taken = await this.tools.dial.tcp(address, port);
      if (!taken.passed) return taken;
    }
    return result;
  }

  private async askedFor({ start, container }: Sidecar, host: string): Promise<ProbeResult> {
    const { dial } = this.tools;
    const { name, ready } = start.plan;
    const probe = ready?.probe;
    switch (probe?.kind) {
      case undefined: {
        const { status, output } = await container.health();
        const passed = status === 'none' || status === 'healthy';
        return { passed, said: `its health check says ${status} ${output}`.trim() };
      }
      case 'tcp':
        return dial.tcp(host, probe.port);
      case 'http':
        return dial.http(host, probe.port, probe.path, name);
      case 'exec': {
        const { exitCode, output } = await container.exec(probe.command, EXEC_LIMIT_MS);
        const code =
          exitCode === undefined ? '' : `exit code ${exitCode}${exitMeaning(exitCode)}: `;
        return { passed: exitCode === 0, said: `${code}${output}` };
      }
    }
  }
}

function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  );
}
