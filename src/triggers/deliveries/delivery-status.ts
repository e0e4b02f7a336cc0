/**
 * What became of a delivery: `received` waits to be decided, `decided` says what is started but has
 * not started all of it, `done`, `ignored` and `duplicate` are ends.
 */
export const DELIVERY_STATUSES = ['received', 'decided', 'done', 'ignored', 'duplicate'] as const;

export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];
