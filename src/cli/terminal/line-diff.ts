/** One line of two texts that are compared. */
export interface DiffLine {
  readonly kind: 'same' | 'removed' | 'added';
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
  const changed = all.flatMap(({ kind }, index) => (kind === 'same' ? [] : [index]));
  const signs = { same: ' ', removed: '-', added: '+' } as const;
  const lines: string[] = [];
  let shownTo = -1;
  for (const index of changed) {
    const from = Math.max(shownTo + 1, index - context);
    if (from > shownTo + 1 || shownTo < 0) lines.push(headOf(all, from));
    // More changes may follow within what is shown around this one.
    shownTo = Math.min(all.length - 1, Math.max(shownTo, index));
    const next = changed.find((each) => each > index);
    const tail = next !== undefined && next - index <= 2 * context ? next - 1 : index + context;
    shownTo = Math.min(all.length - 1, tail);
    lines.push(...all.slice(from, shownTo + 1).map(({ kind, text }) => `${signs[kind]}${text}`));
  }
  return lines;
}

/** The lines of both texts at which a hunk begins. */
function headOf(all: readonly DiffLine[], from: number): string {
  const before = all.slice(0, from);
  const at = (other: DiffLine['kind']): number =>
    before.filter(({ kind }) => kind !== other).length + 1;
  return `@@ -${at('added')} +${at('removed')} @@`;
}

function linesOf(text: string): string[] {
  return text.replace(/\n$/, '').split('\n');
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
