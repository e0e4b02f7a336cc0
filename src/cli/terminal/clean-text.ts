import stringWidth from 'string-width';
import { type ColourState, colourChange, coloured, PLAIN } from './colour-state.js';

/**
 * Control characters (C0, DEL, C1), and those that turn the direction of text round or hide in it.
 */
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]/g;
const HIDDEN = /[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Those that turn it round alone: others of `HIDDEN` belong to words and pictures of a log. */
const TURNS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

const UNSAFE = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/;
const ALL_UNSAFE = new RegExp(UNSAFE.source, 'g');

/**
 * Escape sequences (ECMA-48): CSI, then OSC, DCS, SOS, PM and APC up to their end, then the
 * two-character ones.
 */
const CSI = /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]/;
const STRING =
  /(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?/;
const SHORT = /\u001b[ -/]*[0-~]?/;
const SEQUENCES = new RegExp(`${CSI.source}|${STRING.source}|${SHORT.source}`, 'g');
const SGR = /^\u001b\[[0-9;:]*m$/;
const RESET = '\u001b[0m';

/**
 * Text of a server for one place of one line: nothing in it moves the cursor, colours, or reorders.
 */
export function cleanText(text: string): string {
  return text
    .replace(SEQUENCES, '')
    .replace(/[\t\r\n]+/g, ' ')
    .replace(CONTROLS, '')
    .replace(HIDDEN, '');
}

/**
 * One line of a log: colours (SGR) stay when `colour` says so, and end with the line; tabs stay;
 * everything else that a terminal would obey, or that turns the direction of text, is taken away.
 * A carriage return leaves what a terminal shows at the end of the line.
 */
export function cleanLogLine(text: string, colour: boolean): string {
  // Of most lines that have one it is a part of their end.
  const line = text.slice(0, endOf(text));
  const shown = (line.includes('\r') ? overwritten(line) : line).replace(TURNS, '');
  if (!UNSAFE.test(shown)) return shown;
  let clean = '';
  let position = 0;
  let isColoured = false;
  for (const { 0: sequence, index } of shown.matchAll(SEQUENCES)) {
    clean += shown.slice(position, index).replace(ALL_UNSAFE, '');
    position = index + sequence.length;
    if (!colour || !SGR.test(sequence)) continue;
    clean += sequence;
    isColoured = true;
  }
  clean += shown.slice(position).replace(ALL_UNSAFE, '');
  return isColoured ? `${clean}${RESET}` : clean;
}

/** Where a line ends without the carriage returns at its end. */
function endOf(text: string): number {
  let end = text.length;
  while (text[end - 1] === '\r') end--;
  return end;
}

const ERASE = /^(?:\u001b\[|\u009b)([0-2]?)K$/;

/** A character on the screen; of a wide one, the second place has the text ''. */
interface Cell {
  readonly text: string;
  readonly colour: ColourState;
}

/**
 * What stands in the line of a terminal at the end: a carriage return goes to its beginning, what
 * follows is written over what was there, and `ESC [ K` erases.
 */
function overwritten(text: string): string {
  const cells: Cell[] = [];
  let at = 0;
  let colour = PLAIN;
  const write = (plain: string): void => {
    for (const { segment } of SEGMENTS.segment(plain)) {
      if (segment.startsWith('\r')) at = 0;
      else at = put(cells, at, { text: segment, colour });
    }
  };
  let position = 0;
  for (const { 0: sequence, index } of text.matchAll(SEQUENCES)) {
    write(text.slice(position, index));
    position = index + sequence.length;
    const [, part] = ERASE.exec(sequence) ?? [];
    if (part !== undefined) erase(cells, at, part);
    else if (SGR.test(sequence)) colour = coloured(colour, sequence);
  }
  write(text.slice(position));
  return textOf(cells);
}

const SEGMENTS = new Intl.Segmenter();
const BLANK: Cell = { text: ' ', colour: PLAIN };

/** Writes one character; where the next one goes. What has no width belongs to the one before. */
function put(cells: Cell[], at: number, cell: Cell): number {
  const width = cell.text === '\t' ? 1 : stringWidth(cell.text);
  if (width === 0) return at;
  while (cells.length < at) cells.push(BLANK);
  // Half of a wide character that is written over is gone.
  if (cells[at]?.text === '') cells[at - 1] = BLANK;
  if (cells[at + width]?.text === '') cells[at + width] = BLANK;
  const rest = Array.from({ length: width - 1 }, () => ({ ...cell, text: '' }));
  cells.splice(at, width, cell, ...rest);
  return at + width;
}

/** '1': up to here; '2': all of it; else from here. */
function erase(cells: Cell[], at: number, part: string): void {
  if (part === '1') cells.fill(BLANK, 0, Math.min(at + 1, cells.length));
  else cells.splice(part === '2' ? 0 : at);
}

function textOf(cells: readonly Cell[]): string {
  let text = '';
  let { colour } = BLANK;
  for (const cell of cells) {
    text += colourChange(colour, cell.colour);
    colour = cell.colour;
    text += cell.text;
  }
  return text.trimEnd();
}

/** Text of several lines, such as YAML, for a terminal. */
export function cleanLines(text: string): string {
  return text
    .split('\n')
    .map((line) => cleanLogLine(line, false))
    .join('\n');
}

const OBEYED_IN_JSON = new RegExp(`[\\u007f-\\u009f]|${HIDDEN.source}`, 'g');

/**
 * JSON as it came; characters that a terminal would obey are written as escapes, which mean the
 * same in JSON.
 */
export function cleanJson(json: string): string {
  return json.replace(
    OBEYED_IN_JSON,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
