import { InvalidArgumentError } from 'commander';
import { mergedNames, nameRecord, type NameRecord } from '../../common/values/name-record.js';
import { characterProblem, REPLACEMENT } from '../../common/values/text-rule.js';

/** `NAME=value`, may be repeated. */
export function nameAndValue(text: string, before?: NameRecord<string>): NameRecord<string> {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('It must be NAME=value.');
  // Node has decoded the arguments by then: this stands where they were no UTF-8.
  if (text.includes(REPLACEMENT)) throw new InvalidArgumentError('It must be UTF-8.');
  const problem = characterProblem(text);
  if (problem) throw new InvalidArgumentError(`It must not hold ${problem.what}.`);
  const one = nameRecord([[text.slice(0, equals), text.slice(equals + 1)]]);
  return mergedNames(before, one);
}

/** A parser of whole numbers from `min` to `max`. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** An option that may be repeated. */
export function oneMore(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
