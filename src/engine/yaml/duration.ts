import { valueOf } from '../../common/values/name-record.js';

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Every duration that is written as a text; `''` fits too, and is none. */
export const DURATION =
  /^[0-9]{1,9}$|^(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m(?!s))?(?:([0-9]{1,9})s)?(?:([0-9]{1,9})ms)?$/;

/**
 * Milliseconds of `90` (seconds), `500ms`, `60m`, `1h30m`, `7d`: whole numbers, units falling;
 * undefined for other texts.
 */
export function parseDuration(text: string): number | undefined {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1000;
  const match = text === '' ? null : DURATION.exec(text);
  if (match === null) return undefined;
  const [, ...amounts] = match;
  return ['d', 'h', 'm', 's', 'ms'].reduce((total, unit, index) => {
    return total + Number(amounts[index] ?? 0) * (valueOf(UNITS, unit) ?? 0);
  }, 0);
}

/** Of a week, a month and a year there is no unit: they are days. */
const WORDS: readonly (readonly [RegExp, string, number])[] = [
  [/^(s|secs?|seconds?)$/i, 's', 1],
  [/^(m|mins?|minutes?)$/i, 'm', 1],
  [/^(h|hrs?|hours?)$/i, 'h', 1],
  [/^(d|days?)$/i, 'd', 1],
  [/^(w|wks?|weeks?)$/i, 'd', 7],
  [/^(mos?|months?)$/i, 'd', 30],
  [/^(y|yrs?|years?)$/i, 'd', 365],
];

/** The duration that `30 days`, `1 week`, `2 hrs` mean; undefined for other texts. */
export function durationInWords(text: string): string | undefined {
  const [, amount, unit = ''] = /^([0-9]{1,4}) ?([a-z]{1,7})$/i.exec(text) ?? [];
  const [, letter, factor] = WORDS.find(([words]) => words.test(unit)) ?? [];
  if (amount === undefined || letter === undefined || factor === undefined) return undefined;
  return `${Number(amount) * factor}${letter}`;
}
