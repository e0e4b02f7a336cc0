import { quoted } from '../../common/values/redact-urls.js';
import type { InputDefinition, InputType } from '../plan/input-definition.js';
import {
  capital,
  describe,
  fields,
  wrongType,
  type ReadContext,
  type Reader,
} from '../yaml/reader.js';
import { either, SCALAR_TYPES } from '../yaml/json-schema.js';
import type { YamlPath } from '../yaml/problem.js';
import { isPlainNumber, plainNumber } from './plain-number.js';
import { choice, flag, listOf, text } from '../yaml/value-readers.js';
import type { YamlNode } from '../yaml/yaml-tree.js';

const MAX_INPUTS = 50;
const INPUT_NAME = /^(?!__proto__$)[A-Za-z_][A-Za-z0-9_-]{0,62}$/;

/** Any value as it is; the type of the input checks it. */
const anyValue: Reader<YamlNode> = {
  expects: 'a value',
  schema: { type: SCALAR_TYPES },
  read: (node) => node,
};

export const inputTable = {
  name: 'an input',
  fields: {
    type: choice(['string', 'number', 'boolean', 'choice'], {
      habits: { text: 'string', int: 'number', integer: 'number', bool: 'boolean', enum: 'choice' },
    }),
    description: text({ max: 1000 }),
    options: listOf(text({ expects: 'an option', max: 255 }), { min: 1, max: 100 }),
    default: anyValue,
    required: flag(),
  },
  needs: [
    {
      key: 'options',
      where: { key: 'type', is: 'choice' },
      missing: ['missing_key', 'An input of type choice needs "options".', 'Add options: [a, b]'],
      needless: [
        'conflicting_keys',
        'Only an input of type choice has options.',
        'Write type: choice',
      ],
    },
  ],
  habits: { values: 'Write options', choices: 'Write options', name: 'The name is the key above' },
} as const;

const inputFields = fields(inputTable);
const EXPECTS = 'a map of input names';

/** `inputs` of the `manual` rule. */
export const inputs: Reader<InputDefinition[]> = {
  expects: EXPECTS,
  schema: {
    type: 'object',
    propertyNames: { pattern: INPUT_NAME.source },
    additionalProperties: either({ type: 'null' }, inputFields.schema),
    maxProperties: MAX_INPUTS,
  },
  read: (node, path, context) => {
    if (node.kind !== 'map') return wrongType(node, path, context, EXPECTS);
    if (node.entries.length > MAX_INPUTS) {
      const message = `There are more than ${String(MAX_INPUTS)} inputs.`;
      context.error('out_of_range', message, { path, offset: node.start });
    }
    return node.entries.slice(0, MAX_INPUTS).flatMap(({ key, keyStart, value }) => {
      const at = [...path, key];
      if (!INPUT_NAME.test(key)) {
        const hint = 'Use letters, digits, _ and -';
        const place = { path: at, offset: keyStart };
        context.error('invalid_name', `"${quoted(key, 60)}" is no name of an input.`, place, hint);
        return [];
      }
      const input = readInput(key, value, at, context);
      return input === undefined ? [] : [input];
    });
  },
};

function readInput(
  name: string,
  node: YamlNode,
  path: YamlPath,
  context: ReadContext,
): InputDefinition | undefined {
  const isBare = node.kind === 'scalar' && node.value === null;
  const values = isBare ? {} : inputFields.read(node, path, context);
  if (values === undefined) return undefined;
  const type: InputType = values.type ?? (values.options === undefined ? 'string' : 'choice');
  const options = values.options ?? [];
  const fallback = values.default;
  const value = fallback === undefined ? undefined : valueOfInput(fallback, type, options);
  if (fallback !== undefined && value === undefined) {
    const expected = type === 'choice' ? `one of ${options.join(', ')}` : `a ${type}`;
    const message = `The default of "${name}" must be ${expected}, found ${describe(fallback)}.`;
    const place = { path: [...path, 'default'], offset: fallback.start };
    context.error('invalid_default', message, place, plainNumberHint(type, fallback));
  }
  const required = value === undefined && (values.required ?? false);
  return { name, type, description: values.description, options, default: value, required };
}

function valueOfInput(
  node: YamlNode,
  type: InputType,
  options: readonly string[],
): string | number | boolean | undefined {
  if (node.kind !== 'scalar' || node.value === null) return undefined;
  switch (type) {
    case 'string':
      return node.text;
    case 'choice':
      return options.length === 0 || options.includes(node.text) ? node.text : undefined;
    case 'number':
      return typeof node.value === 'number' && isPlainNumber(node.text) ? node.value : undefined;
    case 'boolean':
      return typeof node.value === 'boolean' ? node.value : undefined;
  }
}

/** `1.10` and `0x10` are numbers, but would be written as `1.1` and `16`. */
function plainNumberHint(type: InputType, node: YamlNode): string | undefined {
  if (type !== 'number' || node.kind !== 'scalar' || typeof node.value !== 'number')
    return undefined;
  const plain = plainNumber(node.text);
  const keep = `to keep "${quoted(node.text, 40)}", write type: string`;
  return plain === undefined ? capital(keep) : `Write ${plain}; ${keep}`;
}
