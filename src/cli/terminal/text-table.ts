import stringWidth from 'string-width';
import { cleanText } from './clean-text.js';
import { shortIds } from './short-ids.js';
import type { Terminal } from './terminal.js';

export interface Column<T> {
  readonly title: string;
  /** As the server says it; it is cleaned here. */
  readonly text: (row: T) => string;
  /** Colours, added to the clean and perhaps shortened text. */
  readonly paint?: (text: string, row: T) => string;
  /**
   * What a narrow terminal does to it: a note is cut, with an ellipsis, or stands below its row; a
   * name stays whole, over several lines if it must; of an id the beginning is shown by which it
   * can be named; a whole id stands below its row. Without it the text stays as it is: statuses,
   * numbers, times.
   */
  readonly narrow?: 'note' | 'name' | 'id' | 'whole-id';
  readonly align?: 'right';
}

const GAP = 2;
/** Columns of the screen that notes and names keep where there is room, and at least. */
const NARROWEST_NOTE = 8;
const NARROWEST_NAME = 16;
const LEAST = 4;

/**
 * Rows in columns, without borders, so that what is printed can be cut by columns and copied. For a
 * terminal within its width: ids are short where whole ones have no room, and columns without any
 * text are left out.
 */
export function renderTable<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  terminal: Pick<Terminal, 'columns' | 'paint'>,
): string {
  const { columns: available } = terminal;
  const all = cellsOf(columns, rows, available);
  const { shown, below } = layout(all, available);
  const widths = fit(shown, available);
  const lineOf = (cells: readonly string[]): string => cells.join(' '.repeat(GAP)).trimEnd();
  const pad = ({ column }: Cells<T>, text: string, width: number, painted = text): string => {
    const space = ' '.repeat(Math.max(0, width - stringWidth(text)));
    return column.align === 'right' ? `${space}${painted}` : `${painted}${space}`;
  };
  const head = shown.map((cells, index) => {
    const title = cut(cells.column.title, widths[index] ?? 0);
    return pad(cells, title, widths[index] ?? 0, terminal.paint('dim', title));
  });
  const body = rows.flatMap((row, number) => {
    const parts = shown.map(({ column, texts }, index) =>
      partsOf(texts[number] ?? '', widths[index] ?? 0, column.narrow === 'name'),
    );
    const height = Math.max(1, ...parts.map(({ length }) => length));
    const ids = textsBelow(below, number, 'whole-id');
    const notes = textsBelow(below, number, 'note').join('; ');
    const lines = Array.from({ length: height }, (_, at) =>
      lineOf(
        shown.map((cells, index) => {
          const text = parts[index]?.[at] ?? '';
          const { paint } = cells.column;
          return pad(
            cells,
            text,
            widths[index] ?? 0,
            paint && text !== '' ? paint(text, row) : text,
          );
        }),
      ),
    );
    const room = (available ?? 0) - BELOW.length;
    const under = notes === '' ? ids : [...ids, cut(notes, room)];
    return [...lines, ...under.map((text) => `${BELOW}${terminal.paint('dim', text)}`)];
  });
  return [lineOf(head), ...body].join('\n');
}

/** A column with the texts of all rows. */
interface Cells<T> {
  readonly column: Column<T>;
  readonly texts: readonly string[];
}

function cellsOf<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  available: number | undefined,
): readonly Cells<T>[] {
  const all = columns.map((column) => ({
    column,
    texts: rows.map((row) => cleanText(column.text(row))),
  }));
  if (available === undefined || sumOf(all.filter(hasText).map(widthOf)) <= available) return all;
  return all.map(({ column, texts }) => ({
    column,
    texts: column.narrow === 'id' ? shortIds(texts) : texts,
  }));
}

function hasText<T>({ texts }: Cells<T>): boolean {
  return texts.some((text) => text !== '');
}

/** What stands below a row, of one kind of column. */
function textsBelow<T>(
  below: readonly Cells<T>[],
  row: number,
  kind: 'note' | 'whole-id',
): string[] {
  return below.flatMap(({ column: { title, narrow }, texts }) => {
    const text = texts[row] ?? '';
    return narrow !== kind || text === '' ? [] : [`${title.toLowerCase()}: ${text}`];
  });
}

/** In front of notes and ids that stand below their row. */
const BELOW = '    ';

/**
 * The columns that stand beside each other, and the notes, then the whole ids, for which names
 * would have to be folded.
 */
function layout<T>(
  all: readonly Cells<T>[],
  available: number | undefined,
): { readonly shown: readonly Cells<T>[]; readonly below: readonly Cells<T>[] } {
  if (available === undefined) return { shown: all, below: [] };
  const shown = all.filter(hasText);
  const below: Cells<T>[] = [];
  for (;;) {
    const widths = shown.map((cells) =>
      cells.column.narrow === 'note' ? Math.min(NARROWEST_NOTE, widthOf(cells)) : widthOf(cells),
    );
    const note = shown.findLastIndex(({ column }) => column.narrow === 'note');
    const last =
      note < 0 ? shown.findLastIndex(({ column }) => column.narrow === 'whole-id') : note;
    if (last < 0 || shown.length === 1 || sumOf(widths) <= available) return { shown, below };
    below.unshift(...shown.splice(last, 1));
  }
}

function widthOf<T>({ column, texts }: Cells<T>): number {
  return Math.max(column.title.length, ...texts.map((text) => stringWidth(text)));
}

/** Of columns with the gaps between them. */
function sumOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1));
}

/** Takes from the widest note, then from the widest name, until all fit. */
function fit<T>(shown: readonly Cells<T>[], available: number | undefined): number[] {
  const widths = shown.map(widthOf);
  if (available === undefined) return widths;
  let excess = sumOf(widths) - available;
  const take = (kind: 'note' | 'name', least: number): void => {
    while (excess > 0) {
      const able = widths.map((width, index) =>
        shown[index]?.column.narrow === kind && width > least ? width : 0,
      );
      const widest = Math.max(0, ...able);
      if (widest === 0) return;
      widths[able.indexOf(widest)] = widest - 1;
      excess--;
    }
  };
  take('note', NARROWEST_NOTE);
  take('name', NARROWEST_NAME);
  take('note', LEAST);
  take('name', LEAST);
  return widths;
}

/** The lines of a cell: a name is folded, anything else is cut. */
function partsOf(text: string, width: number, isFolded: boolean): string[] {
  if (!isFolded || stringWidth(text) <= width) return [cut(text, width)];
  const lines: string[] = [''];
  let left = width;
  for (const { segment } of SEGMENTS.segment(text)) {
    left -= stringWidth(segment);
    if (left < 0) {
      lines.push('');
      left = width - stringWidth(segment);
    }
    lines.push((lines.pop() ?? '') + segment);
  }
  return lines;
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
