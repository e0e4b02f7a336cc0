const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

interface CronField {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Words for `min`, `min + 1`… */
  readonly words: readonly string[];
}

const FIELDS: readonly CronField[] = [
  { name: 'minute', min: 0, max: 59, words: [] },
  { name: 'hour', min: 0, max: 23, words: [] },
  { name: 'day of the month', min: 1, max: 31, words: [] },
  { name: 'month', min: 1, max: 12, words: MONTHS },
  { name: 'day of the week', min: 0, max: 7, words: DAYS },
];

/** A cron expression of five fields, taken apart. All lists are sorted. */
export interface Cron {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly months: ReadonlySet<number>;
  readonly daysOfMonth: ReadonlySet<number>;
  /** 0 is Sunday. */
  readonly daysOfWeek: ReadonlySet<number>;
  /** Neither field of days begins with `*`: a day that fits one of them is enough. */
  readonly anyDayFits: boolean;
  /** The hour has `*` or a step: what counts is the time from tick to tick, not the hour. */
  readonly keepsInterval: boolean;
}

/**
 * What is wrong with a cron expression of five fields (crontab(5): `*`, lists, ranges, steps,
 * names), or undefined. A schedule that never comes is wrong too.
 */
export function cronProblem(expression: string): string | undefined {
  const parts = partsOf(expression);
  if (parts.length !== FIELDS.length) {
    return `A schedule has 5 fields (minute hour day month weekday), not ${String(parts.length)}.`;
  }
  for (const [index, field] of FIELDS.entries()) {
    const part = parts[index] ?? '';
    if (valuesOf(part, field) === undefined) {
      const range = `${String(field.min)}-${String(field.max)}`;
      return `"${part}" is no ${field.name} (${range}).`;
    }
  }
  return isPossible(parseCron(expression))
    ? undefined
    : `The schedule never comes: no month of "${parts[3] ?? ''}" has the day ${parts[2] ?? ''}.`;
}

/** @throws RangeError for what `cronProblem` finds wrong in a field */
export function parseCron(expression: string): Cron {
  const parts = partsOf(expression);
  const [minutes, hours, daysOfMonth, months, weekdays] = FIELDS.map((field, index) => {
    const values = valuesOf(parts[index] ?? '', field);
    if (values === undefined) throw new RangeError(`"${expression}" is no schedule`);
    return values;
  }) as [number[], number[], number[], number[], number[]];
  const [, hour = '', day = '', , weekday = ''] = parts;
  return {
    minutes,
    hours,
    months: new Set(months),
    daysOfMonth: new Set(daysOfMonth),
    daysOfWeek: new Set(weekdays.map((value) => value % 7)),
    anyDayFits: !day.startsWith('*') && !weekday.startsWith('*'),
    keepsInterval: /[*/]/.test(hour),
  };
}

const DAYS_OF_MONTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Every date comes on every day of the week some year. */
function isPossible({ anyDayFits, months, daysOfMonth }: Cron): boolean {
  const first = Math.min(...daysOfMonth);
  return anyDayFits || [...months].some((month) => first <= (DAYS_OF_MONTHS[month - 1] ?? 0));
}

function partsOf(expression: string): string[] {
  return expression.trim().split(/\s+/);
}

/** The values that a field names, sorted; undefined: it is none. */
function valuesOf(part: string, field: CronField): number[] | undefined {
  const values = new Set<number>();
  for (const item of part.split(',')) {
    const range = rangeOf(item, field);
    if (range === undefined) return undefined;
    for (let value = range.from; value <= range.to; value += range.step) values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}

interface ItemRange {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

function rangeOf(item: string, field: CronField): ItemRange | undefined {
  const match = /^(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:\/([0-9]{1,3}))?$/i.exec(item);
  if (match === null) return undefined;
  const [, first = '', last, everyText] = match;
  const step = Number(everyText ?? 1);
  if (step < 1 || step > field.max) return undefined;
  if (first === '*') {
    return last === undefined ? { from: field.min, to: field.max, step } : undefined;
  }
  const from = numberOf(first, field);
  // `5/15` is from 5 on.
  const open = everyText === undefined ? from : field.max;
  const to = last === undefined ? open : numberOf(last, field);
  if (from === undefined || to === undefined || from > to) return undefined;
  return { from, to, step };
}

function numberOf(text: string, { min, max, words }: CronField): number | undefined {
  const word = words.indexOf(text.toLowerCase());
  if (word >= 0) return min + word;
  if (!/^[0-9]{1,2}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= min && value <= max ? value : undefined;
}
