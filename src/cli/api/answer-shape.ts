import { isUuid } from '../../common/ids/uuid.js';
import { nameRecord, valueOf } from '../../common/values/name-record.js';
import { cleanText } from '../terminal/clean-text.js';

/**
 * Takes a part of an answer for what it must be. What comes out is safe to show: texts are clean
 * and of bounded length. `place` is where it stands, for the message. @throws ShapeError
 */
export type Reader<T> = (value: unknown, place: string) => T;

/** An answer is not what it must be. */
export class ShapeError extends Error {
  constructor(place: string, expected: string) {
    super(`${place === '' ? 'it' : place} is no ${expected}`);
    this.name = 'ShapeError';
  }
}

/** More of a text is not shown. */
const MAX_TEXT = 4_096;
const MAX_DEPTH = 64;
/** Values in one answer: beyond, objects take far more memory than their text. */
const MAX_VALUES = 500_000;

const [QUOTE, BACKSLASH, COMMA, OPEN_LIST, OPEN_OBJECT] = [0x22, 0x5c, 0x2c, 0x5b, 0x7b];

/** JSON that came from a server. @throws ShapeError */
export function readJson<T>(json: string, reader: Reader<T>): T {
  return reader(parse(json), '');
}

function parse(json: string): unknown {
  if (countValues(json) > MAX_VALUES) throw new ShapeError('', 'answer of a size that can be');
  try {
    return JSON.parse(json);
  } catch {
    throw new ShapeError('', 'JSON'); // The parser would quote what it does not understand.
  }
}

/** About how many values JSON holds: commas, lists and objects outside of texts. */
function countValues(json: string): number {
  let values = 0;
  let inText = false;
  for (let index = 0; index < json.length; index++) {
    const code = json.charCodeAt(index);
    if (code === QUOTE) inText = !inText;
    else if (inText) index += code === BACKSLASH ? 1 : 0;
    else if (code === COMMA || code === OPEN_LIST || code === OPEN_OBJECT) values++;
  }
  return values;
}

/** For one place of one line. */
export const text: Reader<string> = (value, place) => {
  const whole = raw(value, place);
  // Cut before it is cleaned, so that cleaning costs what is shown; an escape sequence at the end
  // is cut off with it.
  const clean = cleanText(whole.slice(0, MAX_TEXT));
  return whole.length > MAX_TEXT ? `${clean}…` : clean;
};

/** As it came: whoever shows it cleans it. */
export const raw: Reader<string> = (value, place) => {
  if (typeof value !== 'string') throw new ShapeError(place, 'text');
  return value;
};

/** It becomes part of paths. */
export const uuid: Reader<string> = (value, place) => {
  if (typeof value !== 'string' || !isUuid(value)) throw new ShapeError(place, 'id');
  return value;
};

export const number: Reader<number> = (value, place) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new ShapeError(place, 'number');
  return value;
};

export const flag: Reader<boolean> = (value, place) => {
  if (typeof value !== 'boolean') throw new ShapeError(place, 'boolean');
  return value;
};

/** ISO 8601. */
export const instant: Reader<string> = (value, place) => {
  const time = typeof value === 'string' && /^[\dT:.Z+-]{1,40}$/.test(value) ? value : '';
  if (Number.isNaN(Date.parse(time))) throw new ShapeError(place, 'time');
  return time;
};

/** Any JSON that is not so deep that walking through it fails. */
export const shallow: Reader<unknown> = (value, place) => {
  if (!isShallow(value, MAX_DEPTH)) throw new ShapeError(place, 'value of a depth that can be');
  return value;
};

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((each) => isShallow(each, depth - 1));
}

export const dictionary: Reader<Readonly<Record<string, unknown>>> = (value, place) => {
  if (!isObject(value)) throw new ShapeError(place, 'object');
  return shallow(value, place) as Readonly<Record<string, unknown>>;
};

export function nullable<T>(reader: Reader<T>): Reader<T | null> {
  return (value, place) => (value === null || value === undefined ? null : reader(value, place));
}

/** Absent from the answers of servers that know nothing of it. */
export function optional<T>(reader: Reader<T>): Reader<T | undefined> {
  return (value, place) =>
    value === null || value === undefined ? undefined : reader(value, place);
}

export function list<T>(reader: Reader<T>): Reader<readonly T[]> {
  return (value, place) => {
    if (!Array.isArray(value)) throw new ShapeError(place, 'list');
    return value.map((each, index) => reader(each, `${place}[${index}]`));
  };
}

type Fields = Readonly<Record<string, Reader<unknown>>>;
type OptionalName<F extends Fields, K extends keyof F> =
  undefined extends ReturnType<F[K]> ? K : never;

/** What readers of properties give together; what may be absent is an optional property. */
type Shape<F extends Fields> = {
  readonly [K in keyof F as Exclude<K, OptionalName<F, K>>]: ReturnType<F[K]>;
} & { readonly [K in keyof F as OptionalName<F, K>]?: ReturnType<F[K]> };

/** What else it holds is left out. */
export function object<F extends Fields>(fields: F): Reader<Shape<F>> {
  const readers = Object.entries(fields);
  return (value, place) => {
    if (!isObject(value)) throw new ShapeError(place, 'object');
    const read = readers.map(([name, reader]): [string, unknown] => [
      name,
      reader(valueOf(value, name), place === '' ? name : `${place}.${name}`),
    ]);
    return { ...nameRecord(read) } as Shape<F>;
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
