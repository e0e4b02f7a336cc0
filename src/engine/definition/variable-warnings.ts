import { offsetInText } from '../yaml/expression-readers.js';
import { foreignVariableHint, isForeignVariable } from '../yaml/foreign-variables.js';
import { formatPath, type YamlPath } from '../yaml/problem.js';
import type { ReadContext } from '../yaml/reader.js';
import type { YamlMap, YamlNode, YamlScalar } from '../yaml/yaml-tree.js';

/**
 * `$NAME` and `${NAME}`; not `$$NAME` and `\$NAME`, and not `${NAME:-other}`, which knows that it
 * may be missing.
 */
const READ = /(?<![$\\])\$(?:\{([A-Z][A-Z0-9_]+)(?!:?[-+?=])[^A-Z0-9_]|([A-Z][A-Z0-9_]+)\b)/g;
/** `NAME=…`, but for `NAME=$NAME`, which hands on what is there. */
const SET = /(?<![\w$])([A-Z][A-Z0-9_]+)=(?!["']?\$\{?\1\b)/g;
const LOOP = /\b(?:for|read|mapfile)\s+(?:-\w+\s+)*([A-Z][A-Z0-9_]+)\b/g;
/** What people read, not programs. */
const PROSE = new Set(['name', 'description', 'message']);
/** Codes of problems that say of a variable what to write in its place. */
const TOLD_BY = new Set(['not_expanded', 'unexpected_character']);
/** Of different names: each is told where it stands first. */
const MAX_TOLD = 20;

/**
 * Warns of variables of other systems, which are empty here, wherever the file reads one; each name
 * once. One that the file itself sets, or takes as a secret, is its own.
 */
export function warnOfForeignVariables(root: YamlMap, context: ReadContext): void {
  const reads = new Map<string, Read>();
  const own = new Set<string>();
  const told = new Set(
    context.problems.filter(({ code }) => TOLD_BY.has(code)).map(({ path }) => path),
  );
  for (const { node, path } of scalarsOf(root, [], own)) {
    own.add(node.text);
    for (const pattern of [SET, LOOP])
      for (const [, name = ''] of node.text.matchAll(pattern)) own.add(name);
    if (told.has(formatPath(path)) || PROSE.has(String(path.at(-1)))) continue;
    for (const found of node.text.matchAll(READ)) {
      const name = found[1] ?? found[2] ?? '';
      if (isForeignVariable(name) && !reads.has(name))
        reads.set(name, { name, node, path, index: found.index });
    }
  }
  const foreign = [...reads.values()].filter(({ name }) => !own.has(name));
  for (const { name, node, path, index } of foreign.slice(0, MAX_TOLD)) {
    const at = { path, offset: offsetInText(context, node, index) };
    const message = `Millrace sets no variable ${name}: it is empty.`;
    context.warn('unknown_variable', message, at, foreignVariableHint(name));
  }
}

interface Read {
  readonly name: string;
  readonly node: YamlScalar;
  readonly path: YamlPath;
  readonly index: number;
}

/** Every text of the file; keys of maps go to `keys`. Keys that begin with `x-` are passed over. */
function* scalarsOf(
  node: YamlNode,
  path: YamlPath,
  keys: Set<string>,
): Generator<{ readonly node: YamlScalar; readonly path: YamlPath }> {
  if (node.kind === 'scalar') yield { node, path };
  else if (node.kind === 'list') {
    for (const [index, item] of node.items.entries())
      yield* scalarsOf(item, [...path, index], keys);
  } else {
    for (const { key, value } of node.entries) {
      if (key.startsWith('x-')) continue;
      keys.add(key);
      yield* scalarsOf(value, [...path, key], keys);
    }
  }
}
