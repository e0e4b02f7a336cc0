/**
 * Values by names that users choose: variables, inputs, outputs. A plain object is no map for
 * these: it "has" `constructor` and `toString` without anybody's doing, and a write to `__proto__`
 * changes what it is. So records of such names are made here, without a prototype, and read here,
 * by own properties. Lint (`local/no-name-index`) forbids the rest.
 */
export type NameRecord<T> = Readonly<Record<string, T>>;

/** A record of these names; of equal names the last counts. */
export function nameRecord<T>(entries: Iterable<readonly [name: string, value: T]>): NameRecord<T> {
  const record = Object.create(null) as Record<string, T>;
  for (const [name, value] of entries) record[name] = value;
  return record;
}

/** All of them as one; of equal names the last counts. */
export function mergedNames<T>(...records: readonly (NameRecord<T> | undefined)[]): NameRecord<T> {
  return nameRecord(records.flatMap((record) => Object.entries(record ?? {})));
}

/** Whether a record, or a table of ours that is asked by a user's name, has the name. */
export function hasName(record: object, name: string): boolean {
  return Object.hasOwn(record, name);
}

/** The value of a name; undefined where the record itself has none. */
export function valueOf<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/**
 * A name and its value as two texts: how names are stored, because a database and its drivers give
 * some keys a meaning.
 */
export interface NamedValue<T> {
  readonly name: string;
  readonly value: T;
}

export function namedValues<T>(record: NameRecord<T>): NamedValue<T>[] {
  return Object.entries(record).map(([name, value]) => ({ name, value }));
}

/** What `namedValues` made; a record (as it was stored before) is taken as it is. */
export function recordOfNamed<T>(
  stored: readonly NamedValue<T>[] | NameRecord<T> | null | undefined,
): NameRecord<T> {
  if (!Array.isArray(stored)) return nameRecord(Object.entries((stored ?? {}) as NameRecord<T>));
  const list = stored as readonly NamedValue<T>[];
  return nameRecord(list.map(({ name, value }) => [name, value] as const));
}
