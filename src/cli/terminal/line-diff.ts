/** One line of two texts that are compared. */
export interface DiffLine {
  readonly kind: 'same' | 'removed' | 'added';
  /** With its end, as far as it has one. */
  readonly text: string;
}

/** Beyond, comparing costs more than it tells: what differs is shown as replaced. */
const MAX_CELLS = 4_000_000;

/** What has to be removed and added for the first text to become the second, line by line. */
export function diffLines(before: string, after: string): DiffLine[] {
  const [a, b] = [linesOf(before), linesOf(after)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) {
    end++;
  }
  return [
    ...marked('same', a.slice(0, start)),
    ...middle(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...marked('same', a.slice(a.length - end)),
  ];
}

/** Changes with so many same lines around each, as `diff -u` shows them; none: no change. */
export function hunksOf(all: readonly DiffLine[], context = 3): string[] {
  const signs = { same: ' ', removed: '-', added: '+' } as const;
  // Numbers of the lines of both texts that come next.
  const at = { before: 1, after: 1 };
  let next = 0;
  const take = (to: number): readonly DiffLine[] => {
    const taken = all.slice(next, to);
    next = to;
    for (const { kind } of taken) {
      if (kind !== 'added') at.before++;
      if (kind !== 'removed') at.after++;
    }
    return taken;
  };
  return rangesOf(all, context).flatMap(({ from, to }) => {
    take(from);
    const head = `@@ -${at.before} +${at.after} @@`;
    return [head, ...take(to).flatMap(({ kind, text }) => shownLine(`${signs[kind]}${text}`))];
  });
}

/** What is shown: from the first line, up to before the last one. */
interface Range {
  readonly from: number;
  readonly to: number;
}

function rangesOf(all: readonly DiffLine[], context: number): readonly Range[] {
  const ranges: Range[] = [];
  for (const [index, { kind }] of all.entries()) {
    if (kind === 'same') continue;
    const near = {
      from: Math.max(0, index - context),
      to: Math.min(all.length, index + context + 1),
    };
    const last = ranges.at(-1);
    if (last === undefined || near.from > last.to) ranges.push(near);
    else ranges[ranges.length - 1] = { from: last.from, to: near.to };
  }
  return ranges;
}

function shownLine(line: string): string[] {
  return line.endsWith('\n') ? [line.slice(0, -1)] : [line, '\\ No newline at end of file'];
}

/** Each with its end, which only the last one may be without. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function marked(kind: DiffLine['kind'], lines: readonly string[]): DiffLine[] {
  return lines.map((text) => ({ kind, text }));
}

/** By the longest common subsequence. */
function middle(a: readonly string[], b: readonly string[]): DiffLine[] {
  if (a.length * b.length > MAX_CELLS) return [...marked('removed', a), ...marked('added', b)];
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const best = Math.max(at(i + 1, j), at(i, j + 1));
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : best;
    }
  }
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [mine = '', other = ''] = [a[i], b[j]];
    if (i < a.length && j < b.length && mine === other) {
      lines.push({ kind: 'same', text: mine });
      i++;
      j++;
    } else if (i < a.length && (j >= b.length || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ kind: 'removed', text: mine });
      i++;
    } else {
      lines.push({ kind: 'added', text: other });
      j++;
    }
  }
  return lines;
}
