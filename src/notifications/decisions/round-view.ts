import type {
  ServiceChange,
  WatchedService,
} from '../../service-registry/record/watched-service.js';
import type { ServiceStore } from '../../service-registry/record/service-store.js';
import { slowestCheck } from '../../service-registry/checks/instance-target.js';
import type { ServiceCheck } from '../../service-registry/checks/service-check.js';
import type { DeployedServices } from '../../service-registry/deployed-services.js';
import { checksOf } from '../../service-registry/instance-checks.js';
import type { AlertState } from '../alerts/alert-state.js';
import type { ServiceChannel } from '../channels/channel.js';

/** Changes that are read at once. */
const PAGE = 200;
/** Services that one round looks at, at most. */
const MOST_SERVICES = 20_000;

/** What one round of decisions sees: services that have channels, and all that those need. */
export class RoundView {
  private readonly bySubject = new Map<string, ServiceChannel[]>();
  private readonly lastChanges = new Map<string, Promise<readonly ServiceChange[]>>();

  private readonly slowest = new Map<string, Promise<ServiceCheck>>();

  private constructor(
    private readonly store: ServiceStore,
    private readonly deployed: Pick<DeployedServices, 'find'>,
    /** By `environment/name`. */
    readonly services: ReadonlyMap<string, WatchedService>,
    /** By the UUIDs of the services. */
    readonly states: ReadonlyMap<string, AlertState>,
    channels: readonly ServiceChannel[],
  ) {
    for (const channel of channels) {
      const { subject } = channel;
      this.bySubject.set(subject, [...(this.bySubject.get(subject) ?? []), channel]);
    }
  }

  static async load(
    store: ServiceStore,
    deployed: Pick<DeployedServices, 'find'>,
    channels: readonly ServiceChannel[],
    states: ReadonlyMap<string, AlertState>,
  ): Promise<RoundView> {
    const services = new Map<string, WatchedService>();
    const asked = new Set<string>();
    let ids = [...new Set(channels.map(({ service }) => service))];
    while (ids.length > 0 && asked.size < MOST_SERVICES) {
      for (const id of ids) asked.add(id);
      const found = await store.among(ids);
      for (const [id, service] of found) services.set(id, service);
      const needed = [...found.values()].flatMap(({ dependencies }) => dependencies);
      ids = [...new Set(needed)].filter((id) => !asked.has(id));
    }
    return new RoundView(store, deployed, services, states, channels);
  }

  readonly needs = (id: string): readonly string[] => this.services.get(id)?.dependencies ?? [];

  channelsOf({ id }: Pick<WatchedService, 'id'>): readonly ServiceChannel[] {
    return this.bySubject.get(id) ?? [];
  }

  /** What others need comes before those. */
  inOrder(): readonly WatchedService[] {
    const ordered = new Map<string, WatchedService>();
    const seen = new Set<string>();
    const take = (id: string): void => {
      const service = this.services.get(id);
      if (service === undefined || seen.has(id)) return;
      seen.add(id);
      service.dependencies.forEach(take);
      ordered.set(id, service);
    };
    [...this.services.keys()].sort().forEach(take);
    return [...ordered.values()];
  }

  /** The last ones of a service, the newest first; read once in a round. */
  changesOf(id: string): Promise<readonly ServiceChange[]> {
    return once(this.lastChanges, id, async () => {
      const { items } = await this.store.changes(id, { limit: PAGE });
      return items;
    });
  }

  /** The slowest of its checks, those of its instance included; read once in a round. */
  slowestCheck(watched: WatchedService): Promise<ServiceCheck> {
    const { _id: id, check } = watched;
    return once(this.slowest, id, async () => {
      const deployed = await this.deployed.find(id);
      return slowestCheck(check, checksOf({ watched, deployed }));
    });
  }

  /** All after one, in order. */
  async changesAfter(id: string, seq: number): Promise<readonly ServiceChange[]> {
    const found = [...(await this.changesOf(id))];
    for (let last = found.at(-1); last && last.seq > seq + 1 && found.length % PAGE === 0;) {
      const { items } = await this.store.changes(id, { limit: PAGE, after: last._id });
      if (items.length === 0) break;
      found.push(...items);
      last = found.at(-1);
    }
    return found.filter((one) => one.seq > seq).reverse();
  }
}

function once<T>(known: Map<string, Promise<T>>, id: string, read: () => Promise<T>): Promise<T> {
  const found = known.get(id) ?? read();
  known.set(id, found);
  return found;
}
