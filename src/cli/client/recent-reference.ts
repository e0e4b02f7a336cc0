import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import { LEAST_BEGINNING } from './id-beginning.js';

const SHOWN = 10;

/** A kind of thing that people name by the beginning of its id. */
export interface RecentKind<T> {
  readonly singular: string;
  readonly plural: string;
  /** A sentence without its point: where all of them are seen. */
  readonly listedBy: string;
  /** The line by which one is told from another. */
  readonly line: (each: T) => string;
}

/** The only one that a reference matches. @throws CommandError */
export function onlyMatch<T>(kind: RecentKind<T>, reference: string, matches: readonly T[]): T {
  const [only] = matches;
  if (only === undefined) throw notRecent(kind, reference);
  if (matches.length > 1) throw ambiguous(kind, reference, matches);
  return only;
}

/** Nothing recent has this name. */
export function notRecent<T>(
  { singular, listedBy }: Omit<RecentKind<T>, 'line'>,
  reference: string,
): CommandError {
  return new CommandError(
    `There is no recent ${singular} "${cleanText(reference)}".`,
    exitCodes.notFound,
    [`${listedBy}. Older ones are named by their whole id.`],
  );
}

/** What may be the beginning of many ids names none. */
export function tooShort<T>(
  { singular, listedBy }: Omit<RecentKind<T>, 'line'>,
  reference: string,
): CommandError {
  return new CommandError(
    `"${cleanText(reference)}" is too short to name one ${singular}.`,
    exitCodes.usage,
    [`Write at least ${LEAST_BEGINNING} characters of its id. ${listedBy}`],
  );
}

function ambiguous<T>(
  { plural, line }: RecentKind<T>,
  reference: string,
  matches: readonly T[],
): CommandError {
  const lines = matches.slice(0, SHOWN).map((each) => `  ${line(each)}`);
  const more = matches.length > SHOWN ? [`  and ${matches.length - SHOWN} more`] : [];
  return new CommandError(
    `"${cleanText(reference)}" may be any of ${matches.length} ${plural}.`,
    exitCodes.usage,
    ['Name one by its id:', ...lines, ...more],
  );
}
