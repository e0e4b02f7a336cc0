import type { Release } from '../record/deployment.js';

/** Old releases of a service that may drain at once, and instances of a release. */
export const MOST_DRAINING = 3;

/** Of releases that drain those that are too many: the ones that have begun first. */
export function drainsBeyond(draining: readonly Release[], most: number): readonly Release[] {
  return [...draining].sort((one, other) => sinceOf(other) - sinceOf(one)).slice(most);
}

/** Of a release that drains since before this was stored its end has to do. */
function sinceOf({ drains_since: since, drain_until: until }: Release): number {
  return (since ?? until)?.getTime() ?? 0;
}
