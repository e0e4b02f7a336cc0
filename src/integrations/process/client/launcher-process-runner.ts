import { Readable } from 'node:stream';
import { messageOf } from '../../../common/values/error-message.js';
import { ProcessRunner, type ProcessSpec, type RunningProcess } from '../process-runner.js';
import { isLauncherLost, ProcessRunnerError } from '../process-runner.error.js';
import { LauncherFolder } from '../protocol/launcher-folder.js';
import type { LauncherEngine } from '../protocol/launcher-protocol.js';
import { GROUP_VARIABLE } from '../trees/process-snapshot.js';
import { readEnvironmentVariable } from '../trees/process-table.js';
import { TreeLedger } from '../trees/tree-ledger.js';
import type { OutputPair } from './fifo-pool.js';
import { LaunchedProcess } from './launched-process.js';
import { endLeftovers, sweepStaleLaunchers } from './launcher-leftovers.js';
import { LauncherLink, type ProcessEvent } from './launcher-link.js';
import type { StepUser } from '../step-account.js';

export interface LauncherRunnerOptions {
  /** Absolute path of the launcher's entry file (`dist/launcher.js`). */
  readonly launcherEntry: string;
  /**
   * Whom the steps run as; only when this process is root. Unset: the same user. Folders are the
   * caller's business.
   */
  readonly stepUser?: StepUser;
  /** How often the launcher hears from us; default 2 s. */
  readonly heartbeatMs?: number;
  /** Our silence after which the launcher ends every tree; default 12 s. */
  readonly silenceLimitMs?: number;
  /**
   * Silence of the launcher (it answers every heartbeat) after which it is killed and counts as
   * lost; default 12 s.
   */
  readonly launcherSilenceLimitMs?: number;
  /**
   * From TERM to KILL when the launcher ends trees on its own; default 1 s, so that they are gone
   * in 15 s.
   */
  readonly graceMs?: number;
  /** Absent: this process makes no containers. */
  readonly engine?: LauncherEngine | undefined;
  /**
   * Folder of the launchers of this user on this host, mode 0700; default: see `launcher-place.ts`.
   */
  readonly stateFolder?: string;
  /**
   * False: this process cannot do what it promised, and must not keep its trees alive by its
   * heartbeat.
   */
  readonly isSteady?: () => boolean;
  /** Called with what a log should hold. */
  readonly report?: (event: RunnerReport) => void;
  /** Called for every process that runs, with how many milliseconds its start took. */
  readonly onSpawn?: (ms: number) => void;
}

export type RunnerReport =
  | { readonly kind: 'launcher_lost'; readonly message: string; readonly endedProcesses: number }
  | { readonly kind: 'processes_survived' | 'launcher_limited'; readonly message: string };

/** From the end of the pipe to KILL for the launcher itself, beyond the grace of its trees. */
const CLOSE_LIMIT_MS = 12_000;

/**
 * The real runner: a small child process, the launcher, starts the trees. Starts it when it is
 * first needed, and again when it was lost.
 */
export class LauncherProcessRunner extends ProcessRunner {
  private readonly folder: LauncherFolder;
  private readonly processes = new Map<number, LaunchedProcess>();
  /** Ids by group, until the group is swept. */
  private readonly ids = new Map<string, Set<string>>();
  private ledger: TreeLedger;
  private link: Promise<LauncherLink> | undefined;
  private recovery: Promise<void> = Promise.resolve();
  private closing: Promise<void> | undefined;
  private numbers = 0;

  constructor(private readonly options: LauncherRunnerOptions) {
    super();
    this.folder = LauncherFolder.open(options.stateFolder);
    this.ledger = new TreeLedger(options.stepUser?.uid);
  }

  /**
   * @throws ProcessRunnerError `duplicate_process_id`, `process_runner_closed`,
   *   `launcher_start_failed`.
   */
  async start(spec: ProcessSpec): Promise<RunningProcess> {
    const begun = performance.now();
    this.takeId(spec);
    const link = await this.launcher();
    const outputs = await openOutputs(link, spec.mergeOutput === true);
    if (outputs instanceof Error) return notStarted(outputs);
    this.numbers += 1;
    const number = this.numbers;
    const running = new LaunchedProcess(number, spec, link, outputs, () => this.recovery);
    this.processes.set(number, running);
    void running.released.then(() => this.processes.delete(number));
    link.send({
      op: 'start',
      process: number,
      group: spec.group,
      command: spec.command,
      args: spec.args,
      environment: spec.environment,
      cwd: spec.cwd,
      directory: spec.directory,
      asServer: spec.asServer,
      stdout: outputs.stdoutPath,
      stderr: outputs.stderrPath,
    });
    if (!link.isOpen) running.handleEnd({ kind: 'lost', message: 'the launcher is gone' });
    await running.started;
    if (running.isStarted) this.options.onSpawn?.(performance.now() - begun);
    return running;
  }

  async sweep(group: string): Promise<number> {
    this.ids.delete(group);
    await this.recovery;
    // A launcher that does not start is the starter's error; nothing was started then.
    const link = await this.link?.catch(() => undefined);
    if (!link) return 0;
    try {
      const answer = await link.ask({ op: 'sweep', group });
      this.ledger.remove(group);
      return answer.event === 'done' ? answer.count : 0;
    } catch (error) {
      if (!isLauncherLost(error)) throw error;
      // The recovery ends everything that the launcher held, this group too.
      await link.gone;
      await this.recovery;
      return 0;
    }
  }

  /**
   * Starts the launcher ahead of the first process. @throws ProcessRunnerError
   * `launcher_start_failed`, `process_runner_closed`.
   */
  async warmUp(): Promise<void> {
    await this.launcher();
  }

  close(): Promise<void> {
    this.closing ??= this.closeNow();
    return this.closing;
  }

  /**
   * Call at the start of a worker, before its first process: ends what launchers of this host left
   * that were killed together with their workers, and whatever else carries a group that begins
   * with `groupPrefix`. What a living launcher holds is left alone. Resolves with the number of
   * processes.
   */
  sweepStale(groupPrefix: string): Promise<number> {
    return sweepStaleLaunchers(this.folder, groupPrefix, this.options.stepUser?.uid);
  }

  /** For tests and the worker's own report; undefined before the first start. */
  async launcherPid(): Promise<number | undefined> {
    return (await this.link)?.pid;
  }

  private takeId({ id, group }: ProcessSpec): void {
    const ids = this.ids.get(group) ?? new Set();
    if (ids.has(id)) {
      throw new ProcessRunnerError('duplicate_process_id', `${id} was started before`);
    }
    this.ids.set(group, ids.add(id));
  }

  private async launcher(): Promise<LauncherLink> {
    for (;;) {
      await this.recovery;
      if (this.closing) {
        throw new ProcessRunnerError('process_runner_closed', 'the process runner was closed');
      }
      this.link ??= this.startLauncher();
      const link = await this.link;
      if (link.isOpen) return link;
    }
  }

  private async startLauncher(): Promise<LauncherLink> {
    const { launcherEntry, stepUser, engine } = this.options;
    const { graceMs = 1000, silenceLimitMs = 12_000 } = this.options;
    const options = {
      folder: this.folder.path,
      stepUser: stepUser && { uid: stepUser.uid, gid: stepUser.gid },
      outerGroup: readEnvironmentVariable(process.pid, GROUP_VARIABLE),
      graceMs,
      silenceLimitMs,
      engine,
    };
    try {
      const link = await LauncherLink.start(launcherEntry, options, {
        heartbeatMs: this.options.heartbeatMs ?? 2000,
        isSteady: this.options.isSteady ?? (() => true),
        launcherSilenceLimitMs: this.options.launcherSilenceLimitMs ?? 12_000,
        onEvent: (event) => this.receive(event),
        onProblem: (message) => this.options.report?.({ kind: 'launcher_limited', message }),
      });
      void link.gone.then((message) => {
        this.link = undefined;
        this.recovery = this.recover(link, message);
      });
      return link;
    } catch (error) {
      this.link = undefined;
      throw error;
    }
  }

  private receive(event: ProcessEvent): void {
    const running = this.processes.get(event.process);
    if (!running) return;
    if (event.event === 'ended') {
      const tree = this.ledger.get(event.process);
      if (tree) tree.running = false;
      running.handleEnd(event.exit);
      return;
    }
    const { group, cwd, asServer } = running.spec;
    this.ledger.add({ ...event, group, cwd, asServer, outputs: running.outputPaths });
    running.handleStart();
  }

  /** After the end of a launcher: nobody else ends its trees now. */
  private async recover(link: LauncherLink, message: string): Promise<void> {
    const ledger = this.ledger;
    this.ledger = new TreeLedger(this.options.stepUser?.uid);
    for (const running of this.processes.values()) {
      if (running.link === link) running.handleEnd({ kind: 'lost', message });
    }
    const groups = new Set(ledger.groups());
    for (const running of this.processes.values()) groups.add(running.spec.group);
    try {
      const owns = (group: string) => groups.has(group);
      const endedProcesses = await endLeftovers(this.folder, link.identity, {
        trees: ledger.trees(),
        ownsGroup: owns,
        stepUid: ledger.stepUid,
      });
      if (!this.closing) this.options.report?.({ kind: 'launcher_lost', message, endedProcesses });
    } catch (error) {
      const problem = messageOf(error);
      this.options.report?.({ kind: 'processes_survived', message: problem });
    }
    for (const running of this.processes.values()) {
      if (running.link === link) running.closeOutputs();
    }
  }

  private async closeNow(): Promise<void> {
    const link = await this.link?.catch(() => undefined);
    if (link) {
      link.end();
      const limit = CLOSE_LIMIT_MS + (this.options.graceMs ?? 1000);
      const killer = setTimeout(() => link.kill(), limit);
      await link.gone;
      clearTimeout(killer);
    }
    await this.recovery;
  }
}

/** Out of descriptors is an answer about the process that was to start, like EAGAIN. */
async function openOutputs(
  link: LauncherLink,
  merged: boolean,
): Promise<OutputPair | (Error & NodeJS.ErrnoException)> {
  try {
    return await link.fifos.open(merged);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EMFILE' || code === 'ENFILE') return error as NodeJS.ErrnoException;
    throw error;
  }
}

function notStarted(error: NodeJS.ErrnoException): RunningProcess {
  return {
    stdout: Readable.from([]),
    stderr: Readable.from([]),
    exit: Promise.resolve({ kind: 'not_started', code: error.code ?? '', message: error.message }),
    closeOutputs: () => undefined,
    kill: () => Promise.resolve(),
  };
}
