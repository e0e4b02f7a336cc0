import type { Placement } from './execution.schema.js';

/** The placements with what is known of the last one now that its attempt is over. */
export function closedPlacements(
  placements: readonly Placement[],
  end: Partial<Placement>,
): Placement[] {
  return placements.map((placement, index) =>
    index === placements.length - 1 ? { ...placement, ...end } : placement,
  );
}
