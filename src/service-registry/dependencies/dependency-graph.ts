/** What services need, by their ids; one that is not known needs nothing. */
export type Needs = (id: string) => readonly string[];

/** Services that are looked at for one, at most. */
export const MOST_RELATED = 500;

/**
 * The services below one that are down and need none that is: what is to be mended. Only those
 * count that are reached over services which are down as well. In order of their ids.
 */
export function rootsOf(
  id: string,
  needs: Needs,
  isDown: (id: string) => boolean,
): readonly string[] {
  const under = new Set<string>();
  const looked = new Set<string>();
  const roots = new Set<string>();
  /** Whether one needs something that is down; a circle is followed once. */
  const look = (one: string): boolean => {
    under.add(one);
    const down = needs(one).filter((dependency) => !under.has(dependency) && isDown(dependency));
    for (const dependency of down) {
      if (looked.has(dependency)) continue;
      if (!look(dependency)) roots.add(dependency);
    }
    under.delete(one);
    looked.add(one);
    return down.length > 0;
  };
  look(id);
  return [...roots].sort();
}

/** All that a service needs, directly or not; itself is not among them. */
export function allNeeds(id: string, needs: Needs): readonly string[] {
  const seen = new Set([id]);
  for (const one of seen) {
    if (seen.size > MOST_RELATED) break;
    for (const dependency of needs(one)) seen.add(dependency);
  }
  return [...seen].slice(1);
}

/** A way from a service back to itself; undefined: there is none. */
export function cycleOf(id: string, needs: Needs): readonly string[] | undefined {
  const before = new Map<string, string>();
  const left = [id];
  for (let one = left.shift(); one !== undefined; one = left.shift()) {
    for (const dependency of needs(one)) {
      if (dependency === id) return wayBack(id, one, before);
      if (before.has(dependency)) continue;
      before.set(dependency, one);
      left.push(dependency);
    }
  }
  return undefined;
}

function wayBack(id: string, last: string, before: ReadonlyMap<string, string>): string[] {
  const way = [id];
  for (let one: string | undefined = last; one !== undefined && one !== id; one = before.get(one)) {
    way.unshift(one);
  }
  return [id, ...way];
}
