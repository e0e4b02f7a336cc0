import { validationError, type MillraceError } from '../../common/errors/millrace.error.js';

/**
 * The texts of a JSON body that was read before anybody was known, and so past the validation of
 * DTOs. No other property is taken.
 * @throws ValidationError
 */
export function textFields<const Name extends string>(
  body: Buffer,
  names: readonly Name[],
): Readonly<Record<Name, string>> {
  const value = parsed(body);
  const fields = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  const texts = new Map(fields.filter((entry): entry is [string, string] => isText(entry[1])));
  const isExact = fields.length === names.length && names.every((name) => texts.has(name));
  if (!isExact) throw wrongFields(names);
  return Object.fromEntries(texts) as Record<Name, string>;
}

/** 400 */
export function wrongFields(names: readonly string[]): MillraceError {
  return validationError('The body does not have the form that this path takes.', {
    suggestions: [`Send JSON with exactly these texts: ${names.join(', ')}.`],
  });
}

const MAX_TEXT = 2_000;

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_TEXT;
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined; // Reported by whoever asked for it; the parser would quote a secret.
  }
}
