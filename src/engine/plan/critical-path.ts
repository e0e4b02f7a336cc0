/** A piece of work in a graph, with the times that it really had. */
export interface TimedNode {
  readonly id: string;
  /** Ids of nodes that had to be over first; unknown ones are ignored. */
  readonly needs: readonly string[];
  /** When it ran, in milliseconds; absent = it did not run, and only stands between others. */
  readonly ran?: { readonly from: number; readonly to: number };
}

/** A piece of work that the end had to wait for. */
export interface PathPart {
  readonly id: string;
  /**
   * Milliseconds between the end of what it needed and its start: slots, retries of the scheduler,
   * distance.
   */
  readonly waited: number;
  readonly took: number;
}

/**
 * The chain of work that decided when everything was over, first part first: from what ended last,
 * each time to the need that ended last. To shorten anything else would have changed nothing. Pure;
 * costs the nodes and edges that it looks at.
 */
export function criticalPath(nodes: readonly TimedNode[]): PathPart[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const path: PathPart[] = [];
  let current = latest(nodes.filter(ran));
  const seen = new Set<string>();
  while (current && !seen.has(current.id)) {
    seen.add(current.id);
    const need = latest(ranBefore(current, byId));
    const { from, to } = current.ran;
    path.push({
      id: current.id,
      waited: need ? Math.max(0, from - need.ran.to) : 0,
      took: Math.max(0, to - from),
    });
    current = need;
  }
  return path.reverse();
}

type RanNode = TimedNode & Required<Pick<TimedNode, 'ran'>>;

function ran(node: TimedNode): node is RanNode {
  return node.ran !== undefined;
}

/** What it needs, and in place of what did not run the needs of that. */
function ranBefore(node: TimedNode, byId: ReadonlyMap<string, TimedNode>): RanNode[] {
  const found: RanNode[] = [];
  const seen = new Set<string>();
  const open = [...node.needs];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const need = byId.get(id);
    if (!need || seen.has(id)) continue;
    seen.add(id);
    if (ran(need)) found.push(need);
    else open.push(...need.needs);
  }
  return found;
}

/** Of equals the first. */
function latest(nodes: readonly RanNode[]): RanNode | undefined {
  let last = nodes[0];
  for (const node of nodes) if (last && node.ran.to > last.ran.to) last = node;
  return last;
}
