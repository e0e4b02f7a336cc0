import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { messageOf } from '../../../common/values/error-message.js';
import { mergedNames } from '../../../common/values/name-record.js';
import type { ProcessExit } from '../process-runner.js';
import { ProcessRunnerError } from '../process-runner.error.js';
import type {
  LauncherEvent,
  LauncherOptions,
  LauncherRequest,
  StartRequest,
} from '../protocol/launcher-protocol.js';
import { searchProcesses } from '../trees/process-search.js';
import { GROUP_VARIABLE, groupPath, type ProcessSnapshot } from '../trees/process-snapshot.js';
import { readStartTicks } from '../../../common/child-process/process-stat.js';
import { SessionLog } from '../trees/session-log.js';
import { SweepQueue } from '../trees/sweep-queue.js';
import { killUntilNone, pause, sendSignal, waitForGroupEnd } from '../trees/tree-ender.js';
import { TreeLedger, type LedgerTree } from '../trees/tree-ledger.js';
import { findTree } from '../trees/tree-search.js';
import { AuditSessions } from './audit-sessions.js';
import type { ChildReaper } from './child-reaper.js';
import { ENTRY_REPORT_FD, enterDirectory, readEntryReport } from './directory-entry.js';
import type { FifoMaker } from './fifo-maker.js';
import type { MarkPool } from './mark-pool.js';

/**
 * From the end of a tree to what is reported of its first process when nobody lets us collect it.
 */
const COLLECT_LIMIT_MS = 1000;
const COLLECT_PAUSE_MS = 10;

/**
 * What the launcher does: starts trees, tells of their end, and ends them when it is asked to or
 * the worker is silent.
 */
export class LauncherSupervisor {
  private readonly ledger: TreeLedger;
  private readonly sweeps: SweepQueue;
  private readonly auditSessions: AuditSessions | undefined;
  /** Trees whose end is reported as `lost`. */
  private readonly lost = new Map<LedgerTree, string>();

  constructor(
    private readonly options: LauncherOptions,
    /** The launcher's own folder. */
    folder: string,
    private readonly marks: MarkPool,
    private readonly fifos: FifoMaker,
    private readonly reaper: ChildReaper,
    private readonly send: (event: LauncherEvent) => void,
  ) {
    this.ledger = new TreeLedger(options.stepUser?.uid);
    const sessionLog = new SessionLog(folder, () => this.ledger.auditSessions());
    this.auditSessions = AuditSessions.open(options.stepUser?.uid, sessionLog);
    this.sweeps = new SweepQueue(this.ledger, (mark) => marks.give(mark));
  }

  handle(request: LauncherRequest): void {
    switch (request.op) {
      case 'beat':
        this.send({ event: 'beat' });
        return;
      case 'start':
        this.start(request);
        return;
      case 'kill':
        this.answer(request.request, this.kill(request.process, request.graceMs));
        return;
      case 'sweep':
        this.answer(request.request, this.sweeps.sweep(request.group));
        return;
      case 'fifos':
        this.fifos.make().then(
          (paths) => this.send({ event: 'fifos', request: request.request, paths }),
          (error: unknown) => this.fail(request.request, error),
        );
    }
  }

  /** Ends every tree; those that run are reported as `lost`. Idempotent. */
  async endAll(reason: string): Promise<void> {
    const running = this.ledger.running();
    for (const tree of running) this.lost.set(tree, reason);
    const kills = running.map((tree) => this.kill(tree.process, this.options.graceMs));
    await Promise.allSettled(kills);
    await Promise.allSettled(this.ledger.groups().map((group) => this.sweeps.sweep(group)));
  }

  private start(request: StartRequest): void {
    const idle = this.ledger.idleMark(request.group);
    const mark = idle ?? this.marks.take();
    const spawn = (): Spawned => this.spawn(request, mark);
    const { result: spawned, auditSession } = this.auditSessions?.during(spawn) ?? {
      result: spawn(),
      auditSession: undefined,
    };
    const carried = spawned.child?.pid !== undefined && spawned.carried;
    if (mark !== undefined && idle === undefined && !carried) this.marks.give(mark);
    const { child } = spawned;
    if (child?.pid === undefined) {
      this.reportNotStarted(request.process, spawned);
      return;
    }
    const tree = this.ledger.add({
      process: request.process,
      group: request.group,
      cwd: request.cwd,
      asServer: request.asServer,
      pid: child.pid,
      startTicks: readStartTicks(child.pid) ?? 0,
      auditSession,
      mark: carried ? mark : undefined,
      outputs: [request.stdout, request.stderr],
    });
    const { pid, startTicks } = tree;
    this.send({
      event: 'started',
      process: tree.process,
      pid,
      startTicks,
      auditSession,
      mark: tree.mark,
    });
    let end = (): void => undefined;
    const entry = entryReport(child, request, new Promise<void>((resolve) => (end = resolve)));
    this.reaper.take(child, child.pid, (ended) => {
      tree.running = false;
      end();
      const lost = this.lost.get(tree);
      this.lost.delete(tree);
      const tell = (exit: ProcessExit): void => {
        this.send({ event: 'ended', process: tree.process, exit });
      };
      if (lost !== undefined) tell(lostExit(lost));
      else void entry.then((failure) => tell(failure ?? ended));
    });
  }

  private spawn(request: StartRequest, mark: number | undefined): Spawned {
    const outputs: number[] = [];
    try {
      outputs.push(openForWriting(request.stdout));
      // One open file for both: what is written through either stands in the order of writing.
      const merged = request.stderr === request.stdout;
      if (!merged) outputs.push(openForWriting(request.stderr));
      const { directory } = request;
      const { command, args } =
        directory === undefined ? request : enterDirectory(directory, request);
      const options: SpawnOptions = {
        cwd: request.cwd,
        env: withMarker(request, this.options.outerGroup),
        detached: true,
        stdio: [
          'ignore',
          ...outputs,
          ...(merged ? outputs : []),
          ...(directory === undefined ? [] : ['pipe' as const]),
        ],
        ...(request.asServer !== true && this.options.stepUser),
      };
      let child: ChildProcess | undefined;
      const start = (): void => {
        child = spawn(command, args, options);
      };
      if (mark === undefined) start();
      const carried = mark !== undefined && this.marks.whileMarked(mark, start);
      return { child, carried, error: undefined };
    } catch (error) {
      return { child: undefined, carried: false, error };
    } finally {
      for (const output of outputs) closeSync(output);
    }
  }

  private reportNotStarted(process: number, { child, error }: Spawned): void {
    const report = (cause: unknown): void => {
      this.send({ event: 'ended', process, exit: notStartedExit(cause) });
    };
    if (child) child.once('error', report);
    else report(error);
  }

  private async kill(process: number, graceMs: number): Promise<number> {
    const tree = this.ledger.get(process);
    if (!tree) return 0;
    const find = (snapshot: ProcessSnapshot) => findTree(snapshot, tree, this.ledger.stepUid);
    const search = (followMs?: number) => searchProcesses(tree.startTicks, find, followMs);
    const before = search().found;
    // Once its leader is collected and its members are gone, the number could be another's.
    if (tree.running || before.some((entry) => entry.processGroup === tree.pid)) {
      sendSignal(-tree.pid, 'SIGTERM');
      await waitForGroupEnd(tree.pid, graceMs);
    }
    try {
      return await killUntilNone(search, before);
    } finally {
      await this.tellUncollected(tree);
    }
  }

  /**
   * A process that another one traces (ptrace) is not given to us when it dies, and one that hangs
   * in the kernel does not die: whoever asked for its end must not wait for what a step keeps from
   * us.
   */
  private async tellUncollected(tree: LedgerTree): Promise<void> {
    const deadline = performance.now() + COLLECT_LIMIT_MS;
    while (tree.running && performance.now() < deadline) await pause(COLLECT_PAUSE_MS);
    if (!tree.running) return;
    tree.running = false;
    const lost = this.lost.get(tree);
    this.lost.delete(tree);
    const exit: ProcessExit =
      lost === undefined ? { kind: 'signalled', signal: 'SIGKILL' } : lostExit(lost);
    // When it is collected after all, that is reported too, and no longer read.
    this.send({ event: 'ended', process: tree.process, exit });
  }

  private answer(request: number, work: Promise<number>): void {
    work.then(
      (count) => this.send({ event: 'done', request, count }),
      (error: unknown) => this.fail(request, error),
    );
  }

  private fail(request: number, error: unknown): void {
    const code = error instanceof ProcessRunnerError ? error.code : 'fifos_not_made';
    this.send({ event: 'failed', request, code, message: messageOf(error) });
  }
}

interface Spawned {
  readonly child: ChildProcess | undefined;
  /** The child has the mark. */
  readonly carried: boolean;
  readonly error: unknown;
}

/**
 * Opens a FIFO for a step. A plain open would wait for ever, and all steps with it, if the worker
 * died just now: our own reading end, open for a moment, sees to it that there is a reader.
 * (Non-blocking it must not be: the step inherits that.)
 */
function openForWriting(path: string): number {
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return openSync(path, constants.O_WRONLY);
  } finally {
    closeSync(reader);
  }
}

/** The marker stands first: a search reads only the beginning of a huge environment. */
function withMarker(
  { environment, group }: StartRequest,
  outerGroup: string | undefined,
): Record<string, string> {
  const marker = { [GROUP_VARIABLE]: groupPath(outerGroup, group) };
  return mergedNames(marker, environment, marker);
}

/**
 * Why its directory was not entered or its program not found there; undefined for everything else.
 */
function entryReport(
  child: ChildProcess,
  request: StartRequest,
  ended: Promise<void>,
): Promise<ProcessExit | undefined> {
  const { directory, command } = request;
  if (directory === undefined) return Promise.resolve(undefined);
  const report = child.stdio[ENTRY_REPORT_FD] as Readable;
  return readEntryReport(report, directory, command, ended);
}

function lostExit(message: string): ProcessExit {
  return { kind: 'lost', message };
}

function notStartedExit(error: unknown): ProcessExit {
  const code = (error as NodeJS.ErrnoException).code ?? 'UNKNOWN';
  return { kind: 'not_started', code, message: messageOf(error) };
}
