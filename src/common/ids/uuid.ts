import { randomBytes } from 'node:crypto';

const maxSequence = 0xfff;
const maxTime = 2 ** 48 - 1;
let lastMs = 0;
let sequence = 0;

/**
 * A UUID version 7 (RFC 9562): 48 bits of milliseconds, then a counter of 12 bits, then 62 random bits. Within one
 * process each is greater than the one before, also when the clock steps back; over processes the order is that of
 * the clocks.
 */
export function uuidV7(now: number = Date.now()): string {
  if (now > lastMs) {
    lastMs = now;
    // The upper bit stays free, so that at least 2,048 ids fit into the millisecond.
    sequence = randomBytes(2).readUInt16BE(0) & 0x7ff;
  } else if (sequence < maxSequence) {
    sequence += 1;
  } else {
    lastMs += 1;
    sequence = 0;
  }
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(lastMs, 0, 6);
  bytes.writeUInt16BE(0x7000 | sequence, 6);
  randomBytes(8).copy(bytes, 8);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The lowest UUID version 7 of a millisecond: all made since then are greater or equal, all made before are lower. */
export function firstUuidAt(ms: number): string {
  const time = Math.min(Math.max(0, Math.floor(ms)), maxTime)
    .toString(16)
    .padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}

/** When a UUID version 7 was made, in milliseconds since the epoch. */
export function timeOfUuid(id: string): number {
  return parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

const anyUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** True for the text form of a UUID of any version. */
export function isUuid(text: string): boolean {
  return anyUuid.test(text);
}
