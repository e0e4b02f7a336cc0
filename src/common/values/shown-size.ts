const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/**
 * An amount of bytes for people: `0 B`, `812 B`, `1.5 KiB`, `6 MiB`; powers of 1024, with at most
 * one digit behind the point. Not exact: never read back.
 * @param bytes a whole number, 0 or more
 */
export function shownSize(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  // What would be rounded to 1024 is one of the next unit.
  while (rounded(amount) >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${rounded(amount)} ${UNITS[unit] ?? ''}`;
}

function rounded(amount: number): number {
  return Math.round(amount * 10) / 10;
}
