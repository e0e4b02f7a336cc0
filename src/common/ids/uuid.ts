import { v7 } from 'uuid';

const MAX_TIME = 2 ** 48 - 1;
/** Wider than the package's `validate`, which also asks for a known version. */
const ANY_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * A UUID version 7 (RFC 9562). Within one process each is greater than the one before, also when
 * the clock steps back; over processes the order is that of the clocks.
 */
export function uuidV7(): string {
  return v7();
}

/**
 * The lowest UUID version 7 of a millisecond: all made since then are greater or equal, all made
 * before are lower.
 */
export function firstUuidAt(ms: number): string {
  const time = Math.min(Math.max(0, Math.floor(ms)), MAX_TIME)
    .toString(16)
    .padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}

/** When a UUID version 7 was made, in milliseconds since the epoch. */
export function timeOfUuid(id: string): number {
  return parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** True for the text form of a UUID of any version. */
export function isUuid(text: string): boolean {
  return ANY_UUID.test(text);
}
