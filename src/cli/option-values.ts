import { InvalidArgumentError } from 'commander';

/** `NAME=value`, may be repeated. */
export function nameAndValue(
  text: string,
  before: Record<string, string> = {},
): Record<string, string> {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('It must be NAME=value.');
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}

/** A parser of whole numbers from `min` to `max`. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}
