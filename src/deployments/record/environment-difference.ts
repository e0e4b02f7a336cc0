/** How the variables of a release differ from those of what serves. Names alone, in their order. */
export interface EnvironmentDifference {
  /** Both have them, with other values. */
  readonly changed: readonly string[];
  /** Only what serves has them. */
  readonly only_now: readonly string[];
  /** Only the release has them. */
  readonly only_then: readonly string[];
}

type Variables = Readonly<Record<string, string>>;

/** Pure. */
export function environmentDifference(then: Variables, now: Variables): EnvironmentDifference {
  const before = new Map(Object.entries(then));
  const today = new Map(Object.entries(now));
  const names = [...new Set([...before.keys(), ...today.keys()])].sort();
  const changed = names.filter(
    (name) => before.has(name) && today.has(name) && before.get(name) !== today.get(name),
  );
  return {
    changed,
    only_now: names.filter((name) => !before.has(name)),
    only_then: names.filter((name) => !today.has(name)),
  };
}
