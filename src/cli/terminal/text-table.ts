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
    Math.max(title.length, ...texts.map((cells) => displayWidth(cells[index] ?? ''))),
  );
  const widths = fit(natural, columns, terminal.columns);
  const line = (cells: readonly string[]): string => cells.join(' '.repeat(GAP)).trimEnd();
  const pad = (text: string, index: number, shown = text): string => {
    const space = ' '.repeat(Math.max(0, (widths[index] ?? 0) - displayWidth(text)));
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
  if (displayWidth(text) <= width) return text;
  let kept = '';
  for (const { segment } of SEGMENTS.segment(text)) {
    if (displayWidth(kept + segment) > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

const SEGMENTS = new Intl.Segmenter();
/** East Asian Wide and emoji take two places (UAX #11); good enough for aligning names. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

function displayWidth(text: string): number {
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of SEGMENTS.segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}
