import { nameRecord } from '../../common/values/name-record.js';
import { quoted } from '../../common/values/redact-urls.js';
import type { Environment } from '../plan/plan.js';
import { checkTemplate } from './expression-readers.js';
import { foreignVariableHint, isForeignVariable, variableHere } from './foreign-variables.js';
import { SCALAR_TYPES } from './json-schema.js';
import type { YamlPath } from './problem.js';
import { describe, wrongType, type ReadContext, type Reader } from './reader.js';
import {
  FREE_VARIABLE,
  MAX_VARIABLES,
  variableNameProblem,
  variableValueProblem,
} from './variable-rule.js';
import { likelyVariableIn, shellVariableIn } from './shell-variable.js';
import type { YamlNode } from './yaml-tree.js';

/** YAML readers of other programs lose this key, so none is asked to keep it. */
const NO_NAME = {
  code: 'name',
  message: '"__proto__" cannot be used as a name.',
  suggestion: 'Choose another name',
} as const;
/** The shell itself expands the values of these. */
const EXPANDED_BY_SHELLS = /^(PS[0-4]|PROMPT_COMMAND)$/;
/** What expressions find of these at steps in a shell is not there at those in an image. */
const NOT_IN_CONTAINERS = new Set(['HOME', 'PATH', 'TMPDIR', 'USER', 'LOGNAME']);
/** A value that is a command is for `eval` or `sh -c`, which do expand it. */
const COMMAND = /[;|`]|&&|\$\(/;
/** Values in which `$name` is often no variable, by what the variable is called. */
const OF_CHARACTERS = /PASS|PWD|SECRET|TOKEN|KEY|HASH|SALT|REGEX|PATTERN|QUERY|TEMPLATE|FORMAT/i;
const EXPECTS = 'a map of NAME: value, or a list of NAME=value';

/**
 * Variables as a map or as a list of `NAME=value`. Numbers and booleans are taken as they are
 * written, nothing is ''.
 */
export const environment: Reader<Environment> = {
  expects: EXPECTS,
  schema: {
    title: 'environment',
    anyOf: [
      {
        type: 'object',
        propertyNames: { pattern: `^${FREE_VARIABLE}$` },
        additionalProperties: { type: [...SCALAR_TYPES, 'null'] },
        maxProperties: MAX_VARIABLES,
      },
      {
        type: 'array',
        items: { type: 'string', pattern: `^${FREE_VARIABLE}=` },
        maxItems: MAX_VARIABLES,
      },
    ],
  },
  read: (node, path, context) => {
    if (node.kind === 'scalar') return wrongType(node, path, context, EXPECTS);
    const found = node.kind === 'map' ? fromMap(node) : fromList(node, path, context);
    if (found.length > MAX_VARIABLES) {
      const message = `There are more than ${String(MAX_VARIABLES)} variables.`;
      context.error('out_of_range', message, { path, offset: node.start });
    }
    const variables = new Map<string, string>();
    const names = new Set(found.map(({ name }) => name));
    for (const variable of found.slice(0, MAX_VARIABLES)) {
      const at = [...path, variable.key];
      if (!isNameFree(variable, at, variables, context)) continue;
      const value = valueOf(variable, names, at, context);
      if (value !== undefined) variables.set(variable.name, value);
    }
    return nameRecord(variables);
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
  const problem = name === '__proto__' ? NO_NAME : variableNameProblem(name);
  if (problem !== undefined) {
    const code = problem.code === 'reserved' ? 'reserved_variable' : 'invalid_environment';
    context.error(code, problem.message, at, problem.suggestion);
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
  { name, value, node }: Variable,
  names: ReadonlySet<string>,
  path: YamlPath,
  context: ReadContext,
): string | undefined {
  if (node.kind !== 'scalar') {
    const hint = secretAdvice(name, node) ?? 'Write JSON in quotes: \'{"a": 1}\'';
    return wrongType(node, path, context, 'a text', hint);
  }
  const problem = variableValueProblem(name, value);
  if (problem !== undefined) {
    const code = problem.code === 'too_long' ? 'too_long' : 'invalid_character';
    context.error(code, problem.message, { path, offset: node.start }, problem.suggestion);
    return undefined;
  }
  if (!checkTemplate(value, node, path, context)) return undefined;
  warnOfShellVariable({ name, value, node }, names, path, context);
  return value;
}

/** `NAME: { from_secret: other }` and its like: a secret is the variable of its own name. */
function secretAdvice(name: string, node: YamlNode): string | undefined {
  const entries = node.kind === 'map' ? node.entries : [];
  const found = entries.find(({ key }) => /^(from_?secret|secret|secretKeyRef)$/i.test(key));
  if (found === undefined) return undefined;
  const { value } = found;
  const secret = value.kind === 'scalar' && value.text !== '' ? quoted(value.text, 60) : name;
  const same = `Write secrets: [${secret}] beside environment`;
  return secret === name ? same : `${same}: it is the variable $${secret}`;
}

/** The program gets these characters as they are, which is rarely what was meant. */
function warnOfShellVariable(
  { name, value, node }: Pick<Variable, 'name' | 'value' | 'node'>,
  names: ReadonlySet<string>,
  path: YamlPath,
  context: ReadContext,
): void {
  if (EXPANDED_BY_SHELLS.test(name) || COMMAND.test(value)) return;
  const likely = OF_CHARACTERS.test(name) ? undefined : likelyVariableIn(value, names);
  const found = shellVariableIn(value) ?? likely;
  if (found === undefined) return;
  const message = `Nobody expands ${found.shown} in the value of ${name}: it stays as it is written.`;
  const at = { path, offset: node.start };
  context.warn('not_expanded', message, at, hintFor(name, found.name));
}

/** An expression that reads what a container has not would fail its step. */
function hintFor(name: string, meant: string): string {
  if (name === 'PATH' && meant === 'PATH') {
    return 'Write path: [folder]; it stands in front of PATH, in containers too';
  }
  const here = variableHere(meant);
  if (here === undefined && isForeignVariable(meant)) return foreignVariableHint(meant);
  const expression = `\${{ env.${here ?? meant} }}`;
  const written = NOT_IN_CONTAINERS.has(here ?? meant)
    ? `${expression} (not in containers)`
    : expression;
  return `Write ${written}, or set it in run: export ${name}="…"`;
}
