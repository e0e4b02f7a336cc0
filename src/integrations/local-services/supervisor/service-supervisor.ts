import { join } from 'node:path';
import { settledWithin } from '../../../common/async/within.js';
import type { CommandEnd } from '../../../common/values/command-end.js';
import { messageOf } from '../../../common/values/error-message.js';
import { ProcessSearch } from '../../process/trees/process-search.js';
import { LocalServicesError } from '../local-services.error.js';
import {
  type Listening,
  LocalServices,
  type LogRequest,
  type ServiceStatus,
} from '../local-services.js';
import { listInstanceIds } from '../service-places.js';
import { checkCommandRequest, checkSpec } from '../service-spec.js';
import { InstanceFolder } from './instance-folder.js';
import { type InstanceRecord, readRecord } from './instance-record.js';
import { readListeners } from './listening-ports.js';
import type { ServiceAccounts } from './service-account.js';
import { type HostView, newRecord, ServiceInstance } from './service-instance.js';

export interface SupervisorOptions {
  /** The real path of the folder of all instances, which is there. */
  readonly instances: string;
  /** Of each of the two files of a log. */
  readonly logBytes: number;
  readonly accounts: ServiceAccounts;
  readonly say: (line: string) => void;
}

/** How soon the end of a process is seen that another supervisor has started, ms. */
const LOOK_MS = 500;
/** Instances of one host. */
const MOST_INSTANCES = 1000;
/** For what is being written down when this supervisor ends, ms. */
const LEAVE_MS = 3000;

/** All instances of one home, in the process that supervises them. */
export class ServiceSupervisor extends LocalServices {
  private readonly instances = new Map<string, ServiceInstance>();
  private looks: NodeJS.Timeout | undefined;
  private isLeft = false;

  constructor(private readonly options: SupervisorOptions) {
    super();
  }

  /** Takes over what the supervisor before has left; calls may be made at once. */
  begin(): void {
    for (const instance of this.addKnown()) void this.takeOver(instance);
    this.looks = setInterval(() => {
      for (const instance of this.instances.values()) instance.look();
    }, LOOK_MS);
  }

  /** In place of `begin`: ends the programs. The next supervisor starts them again at once. */
  async endAll(): Promise<void> {
    const ends = this.addKnown().map((instance) =>
      instance
        .endForNow()
        .catch((error: unknown) =>
          this.options.say(`service ${instance.id} was not ended: ${messageOf(error)}`),
        ),
    );
    await Promise.all(ends);
  }

  /** All processes run on. A stop that is under way is left to the next supervisor. */
  async leave(): Promise<void> {
    this.isLeft = true;
    clearInterval(this.looks);
    const all = [...this.instances.values()];
    await settledWithin(
      LEAVE_MS,
      all.map((instance) => instance.leave()),
    );
  }

  override async start(given: unknown): Promise<ServiceStatus> {
    const spec = checkSpec(given);
    for (;;) {
      const instance = this.instances.get(spec.id) ?? (await this.make(spec));
      if (await instance.start(spec)) return instance.status();
    }
  }

  override async stop(id: string): Promise<void> {
    await this.instances.get(id)?.stop();
  }

  override async remove(id: string): Promise<void> {
    await this.instances.get(id)?.remove();
  }

  override async status(id: string): Promise<ServiceStatus | undefined> {
    return this.instances.get(id)?.status();
  }

  override async list(): Promise<readonly ServiceStatus[]> {
    const byId = [...this.instances.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
    return byId.map((instance) => instance.status());
  }

  override async listening(id: string): Promise<readonly Listening[]> {
    return this.instances.get(id)?.listening(viewOfHost()) ?? [];
  }

  override async log(id: string, { tail }: LogRequest): Promise<readonly string[]> {
    return this.instances.get(id)?.tail(tail) ?? [];
  }

  override async exec(id: string, given: unknown): Promise<CommandEnd | undefined> {
    const request = checkCommandRequest(given);
    return this.instances.get(id)?.exec(request);
  }

  private async make(spec: ReturnType<typeof checkSpec>): Promise<ServiceInstance> {
    if (this.instances.size >= MOST_INSTANCES) {
      const why = `there are ${MOST_INSTANCES} services on this host already`;
      throw new LocalServicesError('failed', why);
    }
    const user = await this.options.accounts.of(spec.user);
    // Another call may have made it meanwhile.
    return this.instances.get(spec.id) ?? this.add(newRecord(spec, user), false);
  }

  /** Those that are written down. */
  private addKnown(): ServiceInstance[] {
    const { instances, say } = this.options;
    return listInstanceIds(instances).flatMap((id) => {
      const folder = join(instances, id);
      try {
        const record = readRecord(folder);
        if (record !== undefined) return [this.add(record, true)];
        new InstanceFolder(folder).removeUnrecorded();
      } catch (error) {
        say(`the record of the service ${id} is left alone: ${messageOf(error)}`);
      }
      return [];
    });
  }

  private add(record: InstanceRecord, isWritten: boolean): ServiceInstance {
    const { instances, logBytes, say } = this.options;
    const { id } = record.spec;
    const folder = join(instances, id);
    const onGone = (): void => {
      if (this.instances.get(id) === instance) this.instances.delete(id);
    };
    const instance = new ServiceInstance(record, { folder, logBytes, say, onGone }, { isWritten });
    this.instances.set(id, instance);
    return instance;
  }

  private async takeOver(instance: ServiceInstance): Promise<void> {
    try {
      await instance.takeOver();
    } catch (error) {
      if (this.isLeft) return;
      this.options.say(`service ${instance.id} is in trouble: ${messageOf(error)}`);
    }
  }
}

function viewOfHost(): HostView {
  return { processes: ProcessSearch.begin().snapshot, listeners: readListeners() };
}
