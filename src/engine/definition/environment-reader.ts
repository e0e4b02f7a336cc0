import type { Environment } from '../plan/plan.js';
import { checkTemplate } from './expression-readers.js';
import type { YamlPath } from './problem.js';
import { describe, wrongType, type ReadContext, type Reader } from './reader.js';
import type { YamlNode } from './yaml-tree.js';

/** A longer value cannot be given to a process on Linux (128 KiB with its name). */
const MAX_VALUE = 131_000;
const MAX_VARIABLES = 500;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const EXPECTS = 'a map of NAME: value, or a list of NAME=value';

/** Variables as a map or as a list of `NAME=value`. Numbers and booleans are taken as they are written, nothing is ''. */
export const environment: Reader<Environment> = {
  expects: EXPECTS,
  read: (node, path, context) => {
    if (node.kind === 'scalar') return wrongType(node, path, context, EXPECTS);
    const found = node.kind === 'map' ? fromMap(node) : fromList(node, path, context);
    if (found.length > MAX_VARIABLES) {
      const message = `There are more than ${String(MAX_VARIABLES)} variables.`;
      context.error('out_of_range', message, { path, offset: node.start });
    }
    const variables = new Map<string, string>();
    for (const variable of found.slice(0, MAX_VARIABLES)) {
      const at = [...path, variable.key];
      if (!isNameFree(variable, at, variables, context)) continue;
      const value = valueOf(variable, at, context);
      if (value !== undefined) variables.set(variable.name, value);
    }
    return Object.fromEntries(variables);
  },
};

interface Variable {
  readonly name: string;
  readonly value: string;
  readonly key: string | number;
  readonly offset: number;
  readonly node: YamlNode;
}

function fromMap(node: Extract<YamlNode, { kind: 'map' }>): Variable[] {
  return node.entries.map(({ key, keyStart, value }) => {
    const text = value.kind === 'scalar' ? value.text : '';
    return { name: key, value: text, key, offset: keyStart, node: value };
  });
}

function fromList(
  node: Extract<YamlNode, { kind: 'list' }>,
  path: YamlPath,
  context: ReadContext,
): Variable[] {
  const variables: Variable[] = [];
  for (const [index, item] of node.items.entries()) {
    const split = item.kind === 'scalar' ? item.text.indexOf('=') : -1;
    if (item.kind !== 'scalar' || split < 0) {
      const at = { path: [...path, index], offset: item.start };
      const message = `Expected NAME=value, found ${describe(item)}.`;
      context.error('invalid_environment', message, at, 'Write NAME=value, or make it a map');
      continue;
    }
    const name = item.text.slice(0, split);
    const value = item.text.slice(split + 1);
    variables.push({ name, value, key: index, offset: item.start, node: item });
  }
  return variables;
}

function isNameFree(
  { name, offset }: Variable,
  path: YamlPath,
  known: ReadonlyMap<string, string>,
  context: ReadContext,
): boolean {
  const at = { path, offset };
  if (!NAME.test(name) || name.length > 255 || name === '__proto__') {
    const message = `"${name.slice(0, 60)}" is no name of a variable.`;
    const hint = 'Use letters, digits and _, and no digit first';
    context.error('invalid_environment', message, at, hint);
    return false;
  }
  if (name === 'CI' || name.startsWith('CI_')) {
    const message = `"${name}" is reserved: Millrace sets CI and CI_*.`;
    context.error('reserved_variable', message, at, `Choose another name, for example APP_${name}`);
    return false;
  }
  if (!known.has(name)) return true;
  context.error(
    'duplicate_key',
    `The variable "${name}" is given twice.`,
    at,
    'Remove one of them',
  );
  return false;
}

function valueOf(
  { value, node }: Variable,
  path: YamlPath,
  context: ReadContext,
): string | undefined {
  if (node.kind !== 'scalar') {
    return wrongType(node, path, context, 'a text', 'Write JSON in quotes: \'{"a": 1}\'');
  }
  if (value.length > MAX_VALUE) {
    const message = `A variable has at most ${String(MAX_VALUE)} characters.`;
    context.error('too_long', message, { path, offset: node.start }, 'Put it into a file');
    return undefined;
  }
  return checkTemplate(value, node, path, context) ? value : undefined;
}
