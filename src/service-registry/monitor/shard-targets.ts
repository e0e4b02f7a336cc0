import { uuidV7 } from '../../common/ids/uuid.js';
import { DEFAULT_CHECK } from '../checks/service-check.js';
import type { DeployedService, DeployedServices } from '../deployed-services.js';
import type { ServiceStore } from '../record/service-store.js';
import {
  hostShard,
  REGISTERED_SHARD,
  type WatchedRevision,
  type WatchedService,
} from '../record/watched-service.js';
import { type WatchedTarget, watchedTarget } from './watched-target.js';

/** Which services the monitor of a shard has to watch, as far as that has changed. */
export interface TargetChanges {
  /** New ones, and those of which something changed. */
  readonly changed: readonly WatchedTarget[];
  /** Only a heartbeat has come. */
  readonly heard: readonly string[];
  readonly gone: readonly string[];
}

interface Known {
  readonly revision: string;
  readonly beat: string | null;
  /** What of its deployment counts, as text. */
  readonly deployed: string;
}

/** What the monitor of one shard watches: a small read each time, whole ones of what changed. */
export class ShardTargets {
  private readonly known = new Map<string, Known>();

  /** @param host whose deployed services these are; undefined: what was registered by hand */
  constructor(
    private readonly store: ServiceStore,
    private readonly deployed: DeployedServices,
    private readonly host: string | undefined,
  ) {}

  get shard(): string {
    return this.host === undefined ? REGISTERED_SHARD : hostShard(this.host);
  }

  /** Whether there is anything to watch: where nothing is, no process needs to. */
  async isAny(): Promise<boolean> {
    if ((await this.store.revisions(this.shard)).length > 0) return true;
    if (this.host === undefined) return false;
    const all = await this.deployed.onHost(this.host);
    return all.some(isLookedAt);
  }

  /** Since the call before. Rejects when a store is away; then nothing counts as read. */
  async changes(): Promise<TargetChanges> {
    const own = await this.ownDeployed();
    const revisions = await this.store.revisions(this.shard);
    const deployed = own ?? (await this.deployed.among(revisions.map(({ _id }) => _id)));
    const heard: string[] = [];
    const toRead: WatchedRevision[] = [];
    for (const one of revisions) {
      const before = this.known.get(one._id);
      const isSame =
        before?.revision === one.revision && before.deployed === textOf(deployed.get(one._id));
      if (!isSame) toRead.push(one);
      else if (before.beat !== one.beat) heard.push(one._id);
    }
    const services = await this.store.among(toRead.map(({ _id }) => _id));
    const present = new Set(revisions.map(({ _id }) => _id));
    const gone = [...this.known.keys()].filter((id) => !present.has(id));
    for (const id of gone) this.known.delete(id);
    const changed = [...services.values()].map((one) => this.target(one, deployed.get(one._id)));
    for (const { _id, revision, beat } of revisions) {
      // What was removed between the two reads is gone next time.
      this.known.set(_id, { revision, beat, deployed: textOf(deployed.get(_id)) });
    }
    return { changed, heard, gone };
  }

  private target(watched: WatchedService, deployed: DeployedService | undefined): WatchedTarget {
    return watchedTarget(watched, deployed, this.host);
  }

  /** What answers on this host by itself is this shard's. */
  private async ownDeployed(): Promise<ReadonlyMap<string, DeployedService> | undefined> {
    if (this.host === undefined) return undefined;
    const all = await this.deployed.onHost(this.host);
    const own = new Map(all.map((one) => [one.id, one]));
    const answering = all.filter(isLookedAt);
    const known = await this.store.among(
      answering.filter(({ id }) => !this.known.has(id)).map(({ id }) => id),
    );
    for (const one of answering) {
      if (this.known.has(one.id)) continue;
      const watched = known.get(one.id);
      if (watched === undefined) await this.make(one);
      else if (watched.shard !== this.shard) await this.store.assign(one.id, this.shard);
    }
    for (const id of this.known.keys()) {
      const one = own.get(id);
      if (!one || !isLookedAt(one)) await this.store.assign(id, REGISTERED_SHARD);
    }
    return own;
  }

  private async make({ id, uuid, name, environment }: DeployedService): Promise<void> {
    const now = new Date();
    await this.store.insert({
      ...{ _id: id, id: uuid, name, environment, shard: this.shard, endpoints: [] },
      ...{
        check: DEFAULT_CHECK,
        checks: [],
        tags: [],
        metadata: [],
        dependencies: [],
        ttl_seconds: null,
      },
      ...{ last_heartbeat: null, revision: uuidV7(), created_by: 'system' },
      ...{ created_at: now, updated_at: now },
    });
  }
}

function textOf(deployed: DeployedService | undefined): string {
  if (deployed === undefined) return '';
  const { host, status, endpoints, hasInstance, checks, problem } = deployed;
  return JSON.stringify([host, status, endpoints, hasInstance, checks, problem]);
}

/** What can be looked at on its own host. */
function isLookedAt({ endpoints, hasInstance }: DeployedService): boolean {
  return endpoints.length > 0 || hasInstance;
}
