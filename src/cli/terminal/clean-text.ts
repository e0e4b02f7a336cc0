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
 * What a carriage return would have overwritten is left out, as a terminal shows it.
 */
export function cleanLogLine(text: string, colour: boolean): string {
  const shown = (text.includes('\r') ? lastOverwrite(text) : text).replace(TURNS, '');
  if (!UNSAFE.test(shown)) return shown;
  let clean = '';
  let position = 0;
  let coloured = false;
  for (const { 0: sequence, index } of shown.matchAll(SEQUENCES)) {
    clean += shown.slice(position, index).replace(ALL_UNSAFE, '');
    position = index + sequence.length;
    if (!colour || !SGR.test(sequence)) continue;
    clean += sequence;
    coloured = true;
  }
  clean += shown.slice(position).replace(ALL_UNSAFE, '');
  return coloured ? `${clean}${RESET}` : clean;
}

function lastOverwrite(text: string): string {
  const parts = text.split('\r').filter((part) => part !== '');
  return parts.at(-1) ?? '';
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
