import type { DeployedServices } from '../deployed-services.js';
import type { ServiceStore } from '../record/service-store.js';
import { serviceView, type ServiceView } from '../service-view.js';
import { MOST_RELATED, rootsOf } from './dependency-graph.js';

/** Finds for services that are not well which of those that they need is to be mended. */
export class RootCauses {
  constructor(
    private readonly store: ServiceStore,
    private readonly deployed: DeployedServices,
  ) {}

  /** By the ids of the services that have one: the one that has been down for longest. */
  async of(views: readonly ServiceView[]): Promise<ReadonlyMap<string, ServiceView>> {
    const ill = views.filter((view) => isIll(view) && needsOf(view).length > 0);
    if (ill.length === 0) return new Map();
    const known = await this.below(ill);
    const needs = (id: string): readonly string[] => needsOf(known.get(id));
    const found = new Map<string, ServiceView>();
    for (const { id } of ill) {
      const roots = rootsOf(id, needs, (one) => isDown(known.get(one)))
        .flatMap((one) => known.get(one) ?? [])
        .sort((a, b) => a.since.getTime() - b.since.getTime());
      if (roots[0]) found.set(id, roots[0]);
    }
    return found;
  }

  private async below(views: readonly ServiceView[]): Promise<ReadonlyMap<string, ServiceView>> {
    const known = new Map(views.map((view) => [view.id, view]));
    const asked = new Set(known.keys());
    const shards = await this.store.shards();
    let level = views;
    while (level.length > 0 && asked.size < MOST_RELATED) {
      const ids = [...new Set(level.flatMap(needsOf))].filter((id) => !asked.has(id));
      for (const id of ids) asked.add(id);
      const [watched, deployed] = await Promise.all([
        this.store.among(ids),
        this.deployed.among(ids),
      ]);
      level = ids.flatMap((id) => {
        const parts = { watched: watched.get(id), deployed: deployed.get(id) };
        if (!parts.watched && !parts.deployed) return [];
        const shard = shards.get(parts.watched?.shard ?? '');
        return [serviceView({ ...parts, shard }, Date.now())];
      });
      for (const view of level) known.set(view.id, view);
    }
    return known;
  }
}

function needsOf(view: ServiceView | undefined): readonly string[] {
  return view?.watched?.dependencies ?? [];
}

function isIll({ status }: ServiceView): boolean {
  return status === 'failed' || status === 'degraded';
}

/** Nobody can use it: one that is degraded still answers. */
function isDown(view: ServiceView | undefined): boolean {
  return view?.status === 'failed' || view?.status === 'stopped';
}
