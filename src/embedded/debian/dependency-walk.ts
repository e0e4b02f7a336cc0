/**
 * One dependency of a package: its alternatives in the order of preference, virtual ones resolved.
 */
export type DependencyGroup = readonly string[];

/** What `apt-cache depends --recurse` printed: package name to its groups. */
export type DependencyGraph = ReadonlyMap<string, readonly DependencyGroup[]>;

/**
 * Reads the output of `apt-cache depends --recurse`. Its form (apt 2.6): a package name at column
 * 0; below it one line per dependency, ` |Depends: a` when another alternative follows and `
 * Depends: a` for the last one; a virtual package stands as `<name>` and its providers follow,
 * indented by four blanks.
 */
export function parseDependencyGraph(output: string): DependencyGraph {
  const graph = new Map<string, DependencyGroup[]>();
  let groups: string[][] = [];
  let open: string[] | undefined;
  let last: string[] | undefined;
  for (const line of output.split('\n')) {
    if (line.trim() === '') continue;
    if (/^\S/.test(line)) {
      groups = [];
      graph.set(line.trim(), groups);
      open = undefined;
      last = undefined;
      continue;
    }
    const dependency = /^ {1,2}(\|?)(?:Pre)?Depends: (\S+)/.exec(line);
    if (dependency === null) {
      if (last !== undefined && /^ {4}\S/.test(line)) last.push(line.trim());
      continue;
    }
    const target = dependency[2] ?? '';
    if (open === undefined) {
      open = [];
      groups.push(open);
    }
    if (virtualName(target) === undefined) open.push(target);
    last = open;
    if (dependency[1] !== '|') open = undefined;
  }
  return graph;
}

function virtualName(text: string): string | undefined {
  return /^<(.+)>$/.exec(text)?.[1];
}

/** True when the package is not needed to run the programs that the seeds bring. */
export function isCut(name: string, cuts: readonly RegExp[]): boolean {
  return cuts.some((cut) => cut.test(name));
}

/**
 * The packages to download for `seeds`: the seeds and, from each of their dependencies, the first
 * alternative, without what `cuts` names. Names are sorted and carry no architecture.
 *
 * @throws Error when a seed is not in the graph (the archive does not have it).
 */
export function walkDependencies(
  graph: DependencyGraph,
  seeds: readonly string[],
  cuts: readonly RegExp[],
): readonly string[] {
  const wanted = new Set<string>();
  const queue = [...seeds];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (wanted.has(name)) continue;
    const groups = graph.get(name);
    if (groups === undefined && seeds.includes(name)) {
      throw new Error(`the archive has no package ${name}`);
    }
    wanted.add(name);
    for (const group of groups ?? []) {
      const first = group[0];
      if (first !== undefined && !isCut(first, cuts)) queue.push(first);
    }
  }
  return [...wanted].sort();
}
