import { isDeepStrictEqual } from 'node:util';
import type { CommandEnd, CommandRequest } from '../../common/values/command-end.js';
import { LocalServicesError } from './local-services.error.js';
import {
  type Listening,
  LocalServices,
  type LogRequest,
  type ServiceEnd,
  type ServiceSpec,
  type ServiceStatus,
} from './local-services.js';
import { checkCommandRequest, checkSpec, type CheckedSpec } from './service-spec.js';
import { afterEnd, NO_RESTARTS, type RestartHistory } from '../../common/restart-policy.js';

interface Instance {
  readonly spec: CheckedSpec;
  status: ServiceStatus;
  history: RestartHistory;
  lines: string[];
  timer?: NodeJS.Timeout | undefined;
}

/** Services in memory, for tests: no program is started, and each prints `says`. */
export class MemoryLocalServices extends LocalServices {
  isAway = false;
  private readonly instances = new Map<string, Instance>();
  private readonly listeners = new Map<string, readonly Listening[]>();
  private lastPid = 1000;

  constructor(private readonly says: readonly string[] = []) {
    super();
  }

  override async start(given: ServiceSpec): Promise<ServiceStatus> {
    this.requireThere();
    const spec = checkSpec(given);
    const known = this.instances.get(spec.id);
    if (known !== undefined && !isDeepStrictEqual(known.spec, spec)) {
      throw new LocalServicesError('other_spec', `the service ${spec.id} has another spec`);
    }
    if (known !== undefined && !['failed', 'stopped'].includes(known.status.state)) {
      return known.status;
    }
    const status = { ...idle(spec.id), state: 'starting' as const };
    const lines = known?.lines ?? [];
    const instance: Instance = { spec, status, history: NO_RESTARTS, lines };
    this.instances.set(spec.id, instance);
    this.run(instance);
    return instance.status;
  }

  override async stop(id: string): Promise<void> {
    this.requireThere();
    const instance = this.instances.get(id);
    if (instance === undefined) return;
    clearTimeout(instance.timer);
    const lastExit = { kind: 'signalled' as const, signal: 'SIGTERM', at: now() };
    const { pid, last_exit: before, restarts } = instance.status;
    instance.status = { ...idle(id), restarts, last_exit: pid === null ? before : lastExit };
  }

  override async remove(id: string): Promise<void> {
    await this.stop(id);
    this.instances.delete(id);
  }

  override async status(id: string): Promise<ServiceStatus | undefined> {
    this.requireThere();
    return this.instances.get(id)?.status;
  }

  override async list(): Promise<readonly ServiceStatus[]> {
    this.requireThere();
    const all = [...this.instances.values()].map(({ status }) => status);
    return all.sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  override async listening(id: string): Promise<readonly Listening[]> {
    this.requireThere();
    const isRunning = this.instances.get(id)?.status.state === 'running';
    return (isRunning ? this.listeners.get(id) : undefined) ?? [];
  }

  override async log(id: string, { tail }: LogRequest): Promise<readonly string[]> {
    this.requireThere();
    return this.instances.get(id)?.lines.slice(-tail) ?? [];
  }

  /** Every command ends as `answers` says. */
  answers: CommandEnd = { kind: 'exited', code: 0, said: '' };

  override async exec(id: string, request: CommandRequest): Promise<CommandEnd | undefined> {
    this.requireThere();
    checkCommandRequest(request);
    return this.instances.get(id)?.status.state === 'running' ? this.answers : undefined;
  }

  /** Its program ends by itself. */
  end(id: string, code: number): void {
    const instance = this.instances.get(id);
    if (instance?.status.pid == null) throw new Error(`the service ${id} does not run`);
    const end: ServiceEnd = { kind: 'exited', code, at: now() };
    const ranMs = Date.now() - Date.parse(instance.status.started_at ?? '');
    const next = afterEnd(instance.spec.restart, instance.history, { ranMs, now: Date.now() });
    const reason = `exit code ${code}`;
    const { restarts } = instance.status;
    if (next.kind === 'failed') {
      instance.status = { ...idle(id), state: 'failed', reason, restarts, last_exit: end };
      return;
    }
    instance.history = next.history;
    instance.status = { ...idle(id), state: 'backoff', reason, restarts, last_exit: end };
    instance.timer = setTimeout(() => this.run(instance), next.inMs);
  }

  /** It listens there from now on. */
  listen(id: string, ports: readonly Listening[]): void {
    this.listeners.set(id, ports);
  }

  private run(instance: Instance): void {
    const { status, history } = instance;
    this.lastPid += 1;
    const running = { state: 'running' as const, pid: this.lastPid, started_at: now() };
    instance.status = { ...status, ...running, reason: null, restarts: history.total };
    instance.lines.push(...this.says);
  }

  private requireThere(): void {
    if (this.isAway) throw new LocalServicesError('unavailable', 'the supervisor is away');
  }
}

function idle(id: string): ServiceStatus {
  const nothing = { reason: null, pid: null, started_at: null, last_exit: null };
  return { ...nothing, id, state: 'stopped', restarts: 0 };
}

function now(): string {
  return new Date().toISOString();
}
