import stringWidth from 'string-width';
import { cleanText } from './clean-text.js';
import type { Terminal } from './terminal.js';

export interface Column<T> {
  readonly title: string;
  /** As the server says it; it is cleaned here. */
  readonly text: (row: T) => string;
  /** Colours, added to the clean and perhaps shortened text. */
  readonly paint?: (text: string, row: T) => string;
  /** It may be cut, with an ellipsis, where the terminal is narrow. Ids and statuses never are. */
  readonly shrinks?: true;
  readonly align?: 'right';
}

const GAP = 2;
const NARROWEST = 8;

/**
 * Rows in columns, without borders, so that what is printed can be cut by columns and copied;
 * within the width of the terminal as far as what must not be cut allows it.
 */
export function renderTable<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  terminal: Pick<Terminal, 'columns' | 'paint'>,
): string {
  const texts = rows.map((row) => columns.map((column) => cleanText(column.text(row))));
  const natural = columns.map(({ title }, index) =>
    Math.max(title.length, ...texts.map((cells) => stringWidth(cells[index] ?? ''))),
  );
  const widths = fit(natural, columns, terminal.columns);
  const line = (cells: readonly string[]): string => cells.join(' '.repeat(GAP)).trimEnd();
  const pad = (text: string, index: number, shown = text): string => {
    const space = ' '.repeat(Math.max(0, (widths[index] ?? 0) - stringWidth(text)));
    return columns[index]?.align === 'right' ? `${space}${shown}` : `${shown}${space}`;
  };
  const head = line(
    columns.map(({ title }, index) => pad(title, index, terminal.paint('dim', title))),
  );
  const body = rows.map((row, number) =>
    line(
      columns.map(({ paint }, index) => {
        const text = cut(texts[number]?.[index] ?? '', widths[index] ?? 0);
        return pad(text, index, paint ? paint(text, row) : text);
      }),
    ),
  );
  return [head, ...body].join('\n');
}

/** Takes from the widest column that may shrink until all fit. */
function fit<T>(
  natural: readonly number[],
  columns: readonly Column<T>[],
  available: number | undefined,
): number[] {
  const widths = [...natural];
  if (available === undefined) return widths;
  let excess = widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1)) - available;
  while (excess > 0) {
    const widest = columns.reduce(
      (best, { shrinks }, index) =>
        shrinks && (widths[index] ?? 0) > Math.max(NARROWEST, best < 0 ? 0 : (widths[best] ?? 0))
          ? index
          : best,
      -1,
    );
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess--;
  }
  return widths;
}

function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let kept = '';
  let left = width - 1;
  for (const { segment } of SEGMENTS.segment(text)) {
    left -= stringWidth(segment);
    if (left < 0) break;
    kept += segment;
  }
  return `${kept}…`;
}

const SEGMENTS = new Intl.Segmenter();
