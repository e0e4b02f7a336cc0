import type { ErrorShape } from '../command/command.error.js';
import { printProblems, type ShownProblem } from '../terminal/problem-list.js';
import { dictionary, text } from './answer-shape.js';
import { problem } from './wire-readers.js';

/** More of what a server says with an error is left out. */
export const MAX_LINES = 50;
/** Of one detail, characters: it stands in a line of a terminal. */
const MAX_VALUE = 300;
const PLAIN = { paint: (_style: unknown, shown: string): string => shown };

/**
 * All that the details of an error say, a line each. The id of a request is said with a defect of
 * the server alone, whose log has it.
 */
export function detailLines({ error, details }: Pick<ErrorShape, 'error' | 'details'>): string[] {
  if (details === undefined || details === null) return [];
  const all = Array.isArray(details) ? details.flatMap(lineOf) : factLines(details);
  const lines = error === 'InternalError' ? all : all.filter((line) => !REQUEST_ID.test(line));
  return lines.filter((line) => line !== '').slice(0, MAX_LINES);
}

const REQUEST_ID = /^request id: /;

/** What is said of problems in a file; whoever knows the file shows them by its name instead. */
export function placeLines(problems: readonly ShownProblem[]): readonly string[] {
  const lines: string[] = [];
  printProblems('', problems, (line) => lines.push(line.replace(/^:/, '').trim()), PLAIN);
  return lines;
}

/** One of a list: a field, a place in a file, or whatever it is. */
function lineOf(each: unknown): readonly string[] {
  const place = asProblem(each);
  if (place) return placeLines([place]);
  if (typeof each !== 'object' || each === null) return [shown(each)];
  const { message, suggestion } = each as Readonly<Record<string, unknown>>;
  if (typeof message !== 'string') return factLines(each);
  return [text(typeof suggestion === 'string' ? `${message} ${suggestion}` : message, '')];
}

function asProblem(value: unknown): ShownProblem | undefined {
  try {
    return problem(value, '');
  } catch {
    return undefined; // Of another kind.
  }
}

/** `name: value` of each; a text as it is. */
function factLines(details: unknown): readonly string[] {
  if (typeof details !== 'object' || details === null) return [shown(details)];
  return Object.entries(dictionary(details, ''))
    .filter(([, value]) => value !== null)
    .map(([name, value]) => text(`${name.replaceAll('_', ' ')}: ${shown(value)}`, ''));
}

function shown(value: unknown): string {
  const isList = Array.isArray(value) && value.every((each) => typeof each !== 'object');
  const words = isList ? value.map(String).join(', ') : value;
  const whole = typeof words === 'string' ? words : JSON.stringify(words);
  return text(whole.length > MAX_VALUE ? `${whole.slice(0, MAX_VALUE)}…` : whole, '');
}

const ROUTE = String.raw`(?:(?:GET|POST|PUT|PATCH|DELETE) )?/api\b`;
/** What a server says for whoever sends requests, and what stands in its place for a command. */
const OF_REQUESTS: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [new RegExp(String.raw` \(${ROUTE}[^()]*\)`, 'g'), ''],
  [new RegExp(String.raw`,? or (?:by )?${ROUTE}[^\s,;]*[^\s,;.]`, 'g'), ''],
  [new RegExp(String.raw`; ${ROUTE}[^;]*(?=\.$)`, 'g'), ''],
  [/the time in (?:the )?Retry-After(?: header)?/g, 'the time that the server asks for'],
  [/send the request again/g, 'try again'],
];
/** Nothing of such a line can be done at a terminal. */
const REQUEST_ALONE = new RegExp(
  `${ROUTE}|\\b[Hh]eader\\b|\\bbody\\b|\\bJSON\\b|curl |\`details\``,
);

/**
 * Suggestions of a server as whoever types commands can follow them: commands are named, and no
 * routes, headers or fields of a request.
 */
export function commandSuggestions(suggestions: readonly string[]): readonly string[] {
  return suggestions
    .map((line) =>
      OF_REQUESTS.reduce((left, [pattern, instead]) => left.replace(pattern, instead), line),
    )
    .filter((line) => !REQUEST_ALONE.test(line));
}
