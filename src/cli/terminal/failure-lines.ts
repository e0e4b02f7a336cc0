import { cutText } from '../../common/values/cut-text.js';
import { cleanLogLine, cleanText } from './clean-text.js';

/** Of the end of its log: a terminal has room for little more, and builds print long lines. */
const SHOWN_LINES = 10;
/** Characters of a line of a log. */
const LINE_LENGTH = 200;
/** Characters of a reason that stands beside others. */
const NOTE_LENGTH = 200;

/** What failed first, why, and the end of its log. */
export interface ShownFailure {
  /** Empty: it is in no stage. */
  readonly stage: string;
  readonly step: string;
  readonly message: string;
  /** Oldest first. */
  readonly lastLines: readonly string[];
}

/** The first failure with the end of its log, cut to what a terminal has room for. */
export function failureLines(
  { stage, step, message, lastLines }: ShownFailure,
  colour: boolean,
): string[] {
  const place = stage === '' ? step : `${stage}/${step}`;
  return [
    cleanText(`First failure: ${place}: ${message}`),
    ...lastLines.slice(-SHOWN_LINES).map((line) => `  | ${shortLine(line, colour)}`),
  ];
}

/** One reason of many. */
export function shortNote(message: string): string {
  return cutText(cleanText(message), NOTE_LENGTH);
}

/** A line that is cut has no colours: the end of one may be cut off. */
function shortLine(line: string, colour: boolean): string {
  const plain = cleanLogLine(line, false);
  return plain.length > LINE_LENGTH ? cutText(plain, LINE_LENGTH) : cleanLogLine(line, colour);
}
