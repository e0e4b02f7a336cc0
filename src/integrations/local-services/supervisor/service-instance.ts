import { randomBytes } from 'node:crypto';
import { closeSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { isAlive, readBootId } from '../../../common/child-process/process-stat.js';
import type { CommandEnd, CommandRequest } from '../../../common/values/command-end.js';
import { messageOf } from '../../../common/values/error-message.js';
import type { ProcessIdentity } from '../../../embedded/system/end-process.js';
import type { ServiceUser } from '../../../embedded/system/service-user.js';
import type { ProcessSnapshot } from '../../process/trees/process-snapshot.js';
import { LocalServicesError } from '../local-services.error.js';
import type { Listening, ServiceEnd, ServiceStatus } from '../local-services.js';
import type { CheckedSpec } from '../service-spec.js';
import { InstanceFolder } from './instance-folder.js';
import { type InstanceRecord, type Run, writeRecord } from './instance-record.js';
import { type Listeners, portsOf } from './listening-ports.js';
import { afterEnd, NO_RESTARTS } from '../../../common/restart-policy.js';
import { runCommand } from './service-command.js';
import { ServiceLog } from './service-log.js';
import { shownEnd, startService } from './service-process.js';
import { endService, findService, livingProcesses, type ServiceTrace } from './service-tree.js';
import { decideTakeOver } from './take-over.js';

export interface InstanceOptions {
  /** Its folder; the real path. */
  readonly folder: string;
  readonly logBytes: number;
  /** Nothing of it is left: it was removed. */
  readonly onGone: () => void;
  /** A line for a person. */
  readonly say: (line: string) => void;
}

/** What a status is made of; one reading serves for all instances. */
export interface HostView {
  readonly processes: ProcessSnapshot;
  readonly listeners: Listeners;
}

/** While what nobody waits for has failed (the disk is full) it is tried again so often, ms. */
const RETRY_MS = 5000;

/** A record of an instance that was never started. @param user as whom it runs */
export function newRecord(spec: CheckedSpec, user: ServiceUser | undefined): InstanceRecord {
  return {
    format: 1,
    spec,
    user: user ?? null,
    mark: randomBytes(16).toString('hex'),
    wanted: 'running',
    boot_id: readBootId(),
    run: null,
    history: NO_RESTARTS,
    next_start: null,
    failed: null,
    last_exit: null,
  };
}

/**
 * One instance and its processes. Whatever is about to be done is written down before it is done,
 * so that a supervisor may be killed at any moment. All that changes it is done in turns.
 */
export class ServiceInstance {
  private turn: Promise<unknown> = Promise.resolve();
  /** Turns that are under way or wait. */
  private turns = 0;
  private isWritten: boolean;
  private isGone = false;
  private readonly leaving = new AbortController();
  private trouble = '';
  private timer: NodeJS.Timeout | undefined;
  /** The process that runs, as this supervisor has seen it. */
  private leader: ProcessIdentity | undefined;
  /** How the process that this supervisor has started ends. */
  private ended: Promise<ServiceEnd> | undefined;
  private readonly folder: InstanceFolder;
  private readonly log: ServiceLog;

  constructor(
    private record: InstanceRecord,
    private readonly options: InstanceOptions,
    { isWritten }: { readonly isWritten: boolean },
  ) {
    this.isWritten = isWritten;
    this.folder = new InstanceFolder(options.folder);
    this.log = new ServiceLog(options.folder, options.logBytes);
  }

  get id(): string {
    return this.record.spec.id;
  }

  /**
   * See `LocalServices.start`. False: it was removed meanwhile, and another one may take its place.
   */
  start(spec: CheckedSpec): Promise<boolean> {
    return this.inTurn(async () => {
      if (this.isGone) return false;
      if (this.record.wanted === 'removed') {
        const why = `the removal of the service ${this.id} has not ended: remove it again`;
        throw new LocalServicesError('failed', why);
      }
      if (!isDeepStrictEqual(spec, this.record.spec)) {
        const why = `the service ${this.id} is there with another spec: remove it first`;
        throw new LocalServicesError('other_spec', why);
      }
      const { run, wanted, failed, next_start: next } = this.record;
      if (wanted === 'running' && failed === null && (run !== null || next !== null)) return true;
      try {
        this.folder.make();
        this.change({ ...this.unstarted(), wanted: 'running' });
      } catch (error) {
        if (!this.isWritten) await this.erase();
        throw error;
      }
      await this.launch();
      return true;
    });
  }

  /** See `LocalServices.stop`. */
  stop(): Promise<void> {
    return this.inTurn(() => this.end('stopped'));
  }

  /** See `LocalServices.remove`. */
  remove(): Promise<void> {
    return this.inTurn(() => this.endAndErase());
  }

  /** What a supervisor that was just started does first. */
  takeOver(): Promise<void> {
    return this.inTurn(async () => {
      this.folder.make();
      const decision = decideTakeOver(this.record, {
        ...{ bootId: readBootId(), now: Date.now(), isAlive },
      });
      switch (decision.kind) {
        case 'adopt':
          this.leader = decision.process;
          this.tell(`runs on with pid ${decision.process.pid}`);
          return;
        case 'look_for_it':
          return this.lookForIt();
        case 'ended':
          return this.afterEnd({ kind: 'unknown', at: new Date().toISOString() });
        case 'wait':
          return this.launchIn(decision.ms);
        case 'begin_again':
          this.tell('is started, since the host was started again');
          this.change(this.unstarted());
          return this.launch();
        case 'stop':
          return this.end('stopped');
        case 'remove':
          return this.endAndErase();
        case 'rest':
          return;
      }
    });
  }

  /**
   * Ends its processes where no supervisor looks after it. What is wanted stays so: the next one
   * starts it again at once, and does not count that as a restart.
   */
  endForNow(): Promise<void> {
    return this.inTurn(async () => {
      const { run, wanted, boot_id: bootId } = this.record;
      if (run === null || bootId !== readBootId()) return;
      if (run !== 'starting') {
        const process = { pid: run.pid, startTicks: run.start_ticks };
        if (isAlive(process)) this.leader = process;
      }
      await this.endProcesses();
      this.forgetProcess();
      this.change({ run: null, next_start: wanted === 'running' ? Date.now() : null });
      this.tell('was ended for now');
    });
  }

  /**
   * To be called every half second: sees the end of a process that another supervisor has started,
   * continues with what had failed, and keeps the log small.
   */
  look(): void {
    this.rotateLog();
    const { run, wanted, failed } = this.record;
    if (this.turns > 0) return;
    if (run !== null && run !== 'starting') {
      if (!isAlive({ pid: run.pid, startTicks: run.start_ticks })) this.heardEnd(run);
    } else if (wanted === 'running' && failed === null && this.timer === undefined) {
      this.launchIn(RETRY_MS);
    }
  }

  listening({ processes, listeners }: HostView): readonly Listening[] {
    const { run } = this.record;
    const living = run === null ? [] : findService(processes, this.trace());
    const pids = living.map(({ pid }) => pid);
    return portsOf(pids, listeners);
  }

  /** As it is recorded: an end is heard at once, and looked for in each `look`. */
  status(): ServiceStatus {
    const { run, failed, last_exit: lastExit, history } = this.record;
    const running = run === 'starting' ? null : run;
    return {
      id: this.id,
      state: this.state,
      reason: failed ?? (this.state === 'backoff' && lastExit ? shownEnd(lastExit) : null),
      pid: running?.pid ?? null,
      started_at: running?.started_at ?? null,
      restarts: history.total,
      last_exit: lastExit,
    };
  }

  /** See `LocalServices.exec`. It stands in no line: whoever ends the instance ends it, too. */
  async exec({ command, limit_ms: limitMs }: CommandRequest): Promise<CommandEnd | undefined> {
    const { run, spec, mark, user } = this.record;
    if (run === null || run === 'starting') return undefined;
    return runCommand({
      ...{ spec, command, mark, home: this.folder.home, user: user ?? undefined },
      ...{ limitMs, giveUp: this.leaving.signal },
    });
  }

  tail(lines: number): readonly string[] {
    return this.log.tail(lines);
  }

  /**
   * Its processes run on; this supervisor does nothing more about them. A stop that is under way is
   * cut off: the next one continues with it.
   */
  async leave(): Promise<void> {
    this.leaving.abort();
    this.stopTimer();
    await this.turn;
  }

  private get state(): ServiceStatus['state'] {
    const { run, failed, next_start: next, wanted } = this.record;
    if (run === 'starting') return 'starting';
    if (run !== null) return 'running';
    if (wanted !== 'running') return 'stopped';
    if (failed !== null) return 'failed';
    return next === null ? 'starting' : 'backoff';
  }

  /** Starts the program; nothing of the run before is left. */
  private async launch(): Promise<void> {
    const { spec, mark } = this.record;
    const user = this.record.user ?? undefined;
    try {
      await this.folder.makeHome(user);
      const log = this.log.open(user);
      try {
        this.change({ run: 'starting', next_start: null, boot_id: readBootId() });
        const start = { spec, mark, home: this.folder.home, user, log };
        const { process, ended } = await startService(start);
        this.leader = process;
        this.ended = ended;
        const run = runOf(process);
        void ended.then(() => this.heardEnd(run));
        this.change({ run });
      } finally {
        closeSync(log);
      }
    } catch (error) {
      const message = messageOf(error);
      await this.afterEnd({ kind: 'not_started', message, at: new Date().toISOString() });
    }
  }

  /** Only its mark tells whether it was started; it leads a session, then. */
  private async lookForIt(): Promise<void> {
    const living = livingProcesses(this.trace());
    const first = living.find(({ pid, session }) => pid === session);
    if (first !== undefined) {
      this.leader = first;
      this.change({ run: runOf(first) });
      this.tell(`runs on with pid ${first.pid}`);
      return;
    }
    await this.endProcesses();
    await this.launch();
  }

  private heardEnd(run: Run): void {
    this.background(async () => {
      // Whoever has stopped it, or has started the next one, was faster.
      if (!isDeepStrictEqual(this.record.run, run)) return;
      await this.afterEnd((await this.ended) ?? { kind: 'unknown', at: new Date().toISOString() });
    });
  }

  /** Its program is gone by itself: what it has left running is ended, too. */
  private async afterEnd(end: ServiceEnd): Promise<void> {
    const { spec, run, history } = this.record;
    const left = await this.endProcesses();
    this.forgetProcess();
    const now = Date.now();
    const ranMs = run === null || run === 'starting' ? 0 : now - Date.parse(run.started_at);
    const next = afterEnd(spec.restart, history, { ranMs, now });
    const note =
      left > 0 && end.kind === 'exited' && end.code === 0
        ? ', and has left processes running: the program of a service stays in the foreground'
        : '';
    const how = `${shownEnd(end)}${note}`;
    if (next.kind === 'failed') {
      const { max, window_ms: windowMs } = spec.restart;
      const failed = `it ended ${max + 1} times within ${windowMs / 1000} s, the last time with: ${how}`;
      this.tell(`failed: ${failed}`);
      this.change({ run: null, last_exit: end, next_start: null, failed });
      return;
    }
    const { inMs, history: later } = next;
    this.tell(`ended (${how}); it is started again in ${inMs} ms`);
    this.change({ run: null, last_exit: end, history: later, next_start: now + inMs });
    this.launchIn(inMs);
  }

  private launchIn(ms: number): void {
    this.stopTimer();
    if (this.leaving.signal.aborted) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.background(async () => {
        const { wanted, run, failed } = this.record;
        if (wanted !== 'running' || failed !== null || this.leaving.signal.aborted) return;
        if (run === 'starting') await this.lookForIt();
        else if (run === null) await this.launch();
      });
    }, ms);
  }

  private stopTimer(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private async end(wanted: 'stopped' | 'removed'): Promise<void> {
    this.stopTimer();
    const { run } = this.record;
    if (run === null && this.record.wanted === wanted) return;
    this.change({ wanted, next_start: null, failed: null });
    await this.endProcesses();
    const lastExit = await this.ended;
    this.forgetProcess();
    this.change({ run: null, ...(lastExit && { last_exit: lastExit }) });
    if (run !== null) this.tell('was stopped');
  }

  private async endAndErase(): Promise<void> {
    if (this.isGone) return;
    await this.end('removed');
    await this.erase();
  }

  private async erase(): Promise<void> {
    await this.folder.remove(this.record.user ?? undefined);
    this.isGone = true;
    this.options.onGone();
  }

  /** @returns how many there were @throws when this supervisor is left meanwhile */
  private endProcesses(): Promise<number> {
    return endService(this.trace(), this.record.spec.stop, this.leaving.signal);
  }

  private forgetProcess(): void {
    this.leader = undefined;
    this.ended = undefined;
  }

  private trace(): ServiceTrace {
    const uid = this.record.user?.uid ?? process.getuid?.() ?? 0;
    return { mark: this.record.mark, log: this.log.path, uid, leader: this.leader };
  }

  private unstarted(): Partial<InstanceRecord> {
    const nothing = { run: null, next_start: null, failed: null, last_exit: null };
    return { ...nothing, history: NO_RESTARTS, boot_id: readBootId() };
  }

  /** @throws when it cannot be written down: then it is not so */
  private change(change: Partial<InstanceRecord>): void {
    const record = { ...this.record, ...change };
    writeRecord(this.options.folder, record);
    this.record = record;
    this.isWritten = true;
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.turns += 1;
    const mine = this.turn.then(work).finally(() => (this.turns -= 1));
    this.turn = mine.catch(() => undefined);
    return mine;
  }

  /** What nobody waits for; what fails of it is tried again, see `look`. */
  private background(work: () => Promise<void>): void {
    this.inTurn(work).then(
      () => (this.trouble = ''),
      (error: unknown) => {
        if (!this.leaving.signal.aborted) this.tellTrouble(messageOf(error));
      },
    );
  }

  private rotateLog(): void {
    try {
      this.log.rotate();
    } catch (error) {
      this.tellTrouble(`its log cannot be kept small: ${messageOf(error)}`);
    }
  }

  /** Once, not twice a second. */
  private tellTrouble(what: string): void {
    if (what !== this.trouble) this.tell(`is in trouble: ${what}`);
    this.trouble = what;
  }

  private tell(what: string): void {
    this.options.say(`service ${this.id} ${what}`);
  }
}

function runOf({ pid, startTicks }: ProcessIdentity): Run {
  return { pid, start_ticks: startTicks, started_at: new Date().toISOString() };
}
