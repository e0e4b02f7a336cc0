import { nameRecord, valueOf, type NameRecord } from '../../common/values/name-record.js';
import { characterProblem } from '../../common/values/text-rule.js';
import type { InputDefinition } from '../plan/input-definition.js';
import { isPlainNumber, plainNumber } from './plain-number.js';
import { shownName } from '../yaml/variable-rule.js';
import { nearestName } from '../expression/nearest-name.js';

export type InputValue = string | number | boolean;

export interface InputProblem {
  /** `inputs.<name>` */
  readonly path: string;
  readonly code: 'unknown_input' | 'missing_input' | 'invalid_input';
  readonly message: string;
  readonly suggestion?: string;
}

export interface ResolvedInputs {
  /**
   * Every declared input that has a value, of its type; '' and 0 and false where nothing was given
   * and nothing is required.
   */
  readonly inputs: NameRecord<InputValue>;
  /** Empty = `inputs` may be used. */
  readonly problems: readonly InputProblem[];
}

const MAX_TEXT = 10_000;
const EMPTY = { string: '', number: 0, boolean: false, choice: '' } as const;

/**
 * The inputs of a run, or of an approval: what somebody gave, checked against what is declared,
 * defaults filled in. Texts that are written like a number or boolean are taken where such a one is
 * asked for (forms and command lines send texts).
 */
export function resolveInputs(
  definition: { readonly inputs: readonly InputDefinition[] },
  given: NameRecord<unknown>,
  asking: 'pipeline' | 'approval' = 'pipeline',
): ResolvedInputs {
  const declared = definition.inputs;
  const problems: InputProblem[] = [];
  for (const name of Object.keys(given)) {
    if (!declared.some((input) => input.name === name))
      problems.push(unknownInput(name, declared, asking));
  }
  const inputs = new Map<string, InputValue>();
  for (const input of declared) {
    const raw = valueOf(given, input.name);
    if (raw === undefined || raw === null) {
      if (input.required) problems.push(missingInput(input));
      inputs.set(input.name, input.default ?? EMPTY[input.type]);
      continue;
    }
    const character = typeof raw === 'string' ? characterProblem(raw) : undefined;
    if (character !== undefined) {
      problems.push(unfitInput(input, character.what));
      continue;
    }
    const value = convert(input, raw);
    if (value === undefined) problems.push(wrongInput(input, raw));
    else inputs.set(input.name, value);
  }
  return { inputs: nameRecord(inputs), problems };
}

function convert(input: InputDefinition, raw: unknown): InputValue | undefined {
  switch (input.type) {
    case 'string':
      if (typeof raw === 'number' || typeof raw === 'boolean') return String(raw);
      return typeof raw === 'string' && raw.length <= MAX_TEXT ? raw : undefined;
    case 'number':
      if (typeof raw === 'number') return Number.isFinite(raw) ? raw : undefined;
      // A number that would be written in other words, such as 1.10 as 1.1, is refused: its text
      // may be what counts.
      return typeof raw === 'string' && isDecimal(raw) && isPlainNumber(raw)
        ? Number(raw)
        : undefined;
    case 'boolean':
      if (typeof raw === 'boolean') return raw;
      return raw === 'true' ? true : raw === 'false' ? false : undefined;
    case 'choice': {
      const text = typeof raw === 'number' || typeof raw === 'boolean' ? String(raw) : raw;
      return input.options.find((option) => option === text);
    }
  }
}

function isDecimal(text: string): boolean {
  return /^-?[0-9]{1,15}(\.[0-9]{1,15})?$/.test(text);
}

function unknownInput(
  name: string,
  declared: readonly InputDefinition[],
  asking: 'pipeline' | 'approval',
): InputProblem {
  const names = declared.map((input) => input.name);
  const near = nearestName(name, names);
  const none =
    names.length === 0
      ? asking === 'pipeline'
        ? 'The pipeline declares none: triggers: [{ manual: { inputs: … } }]'
        : 'It asks for none'
      : `Known: ${names.join(', ')}`;
  return {
    path: `inputs.${shownName(name)}`,
    code: 'unknown_input',
    message: `The ${asking} has no input "${shownName(name)}".`,
    suggestion: near === undefined ? none : `Did you mean "${near}"?`,
  };
}

function missingInput({ name, type, options }: InputDefinition): InputProblem {
  return {
    path: `inputs.${name}`,
    code: 'missing_input',
    message: `The input "${name}" is required.`,
    suggestion: type === 'choice' ? `Give one of ${options.join(', ')}` : `Give a ${type}`,
  };
}

function wrongInput({ name, type, options }: InputDefinition, raw: unknown): InputProblem {
  const expected = type === 'choice' ? `one of ${options.join(', ')}` : `a ${type}`;
  const plain = type === 'number' && typeof raw === 'string' ? plainNumber(raw) : undefined;
  const keep = 'have the input declared with type: string to keep the text as it is';
  return {
    path: `inputs.${name}`,
    code: 'invalid_input',
    message:
      plain === undefined
        ? `The input "${name}" must be ${expected}.`
        : `The input "${name}" must be a number that is written plainly.`,
    suggestion: plain === undefined ? `Give ${expected}` : `Give ${plain}, or ${keep}`,
  };
}

function unfitInput({ name }: InputDefinition, what: string): InputProblem {
  return {
    path: `inputs.${name}`,
    code: 'invalid_input',
    message: `The input "${name}" holds ${what}, which no text may hold.`,
    suggestion: 'Remove it, or encode the value, for example as base64',
  };
}
