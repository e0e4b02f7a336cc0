import { isKept, type Release, type Service } from '../record/deployment.js';
import type { DeploymentStore } from '../record/deployment-store.js';

/** Where a service goes when the release that serves is not well: of a part all of its unit. */
export type WayBack =
  | { readonly kind: 'to'; readonly service: Service; readonly from: Release; readonly to: Release }
  /** There is nothing to go back to. */
  | { readonly kind: 'none' }
  /** Its unit is about to serve it; the next look finds it. */
  | { readonly kind: 'unsettled' };

/** @param release that serves */
export async function wayBack(
  store: DeploymentStore,
  service: Service,
  release: Release,
): Promise<WayBack> {
  const whole = await ofUnit(store, service, release);
  if (whole === undefined) return { kind: 'unsettled' };
  const made = await store.find(whole.release.deployment_id);
  const id = made?.previous_release_id ?? null;
  const before = id === null ? undefined : await store.release(id);
  if (before === undefined || !isKept(before)) return { kind: 'none' };
  return { kind: 'to', service: whole.service, from: whole.release, to: before };
}

/** Undefined: the unit serves another release. */
async function ofUnit(
  store: DeploymentStore,
  service: Service,
  release: Release,
): Promise<{ readonly service: Service; readonly release: Release } | undefined> {
  if (!service.unit) return { service, release };
  const unit = await store.service(service.unit);
  const serving = unit?.release_id ? await store.release(unit.release_id) : undefined;
  const isOfIt = serving?.parts?.some(({ release_id: id }) => id === release._id) === true;
  return unit !== undefined && serving !== undefined && isOfIt
    ? { service: unit, release: serving }
    : undefined;
}
